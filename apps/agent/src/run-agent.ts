import {
  ConfigMapJournalStore,
  ConfigMapPolicy,
  KubeadmDriver,
  KubeInventory,
  NoMetrics,
  openKube,
  SecretIdentityStore,
  type KubeAccess,
} from '@wavegate/kube';
import { AgentGauges } from './agent-gauges.js';
import { openPino, OrderLog } from './agent-log.js';
import type { RunSettings } from './agent-settings.js';
import { serveHealth } from './health-server.js';
import { FileIdentityStore } from './link/index.js';
import { liveAgent } from './live-agent.js';
import { EXIT, ProgramFailure } from './program-failure.js';
import { stopOnSignals } from './stop-on-signals.js';
import { systemClock, systemRandom } from './system-clock.js';

/** The agent of one real cluster. Resolves when it was asked to stop and has. */
export async function runRealAgent(settings: RunSettings): Promise<void> {
  const cancel = stopOnSignals();
  const log = new OrderLog(openPino(settings.log));
  const gauges = new AgentGauges();
  const kube = accessTo(settings);
  const stopHealth = settings.health ? await serveHealthOn(settings.health, gauges) : null;
  const inventory = new KubeInventory(kube, () => systemClock.now());
  log.info('agent starts', { cluster: kube.config.getCurrentCluster()?.server, namespace: settings.namespace });
  try {
    await inventory.start();
    const { nodeImage, namespace, identityDir, settleMs } = settings;
    const journals = log.learningFrom(new ConfigMapJournalStore(kube, namespace));
    const driver = new KubeadmDriver({ kube, inventory, clock: systemClock, random: systemRandom, nodeImage });
    await liveAgent({
      hub: settings.hub,
      joinToken: settings.joinToken,
      identities: identityDir ? new FileIdentityStore(identityDir) : new SecretIdentityStore(kube, namespace),
      ports: {
        journals,
        driver,
        metrics: new NoMetrics(),
        policy: new ConfigMapPolicy(kube, namespace),
        ...(settleMs === null ? {} : { settleMs }),
      },
      clock: systemClock,
      random: systemRandom,
      log,
      gauges,
      cancel,
    });
    log.info('agent stopped');
  } finally {
    await inventory.stop();
    await stopHealth?.();
  }
}

function accessTo({ kubeconfig, context }: RunSettings): KubeAccess {
  try {
    return openKube({ ...(kubeconfig ? { kubeconfig } : {}), ...(context ? { context } : {}) });
  } catch (error) {
    throw new ProgramFailure(error instanceof Error ? error.message : String(error), EXIT.usage);
  }
}

async function serveHealthOn(at: { readonly host: string; readonly port: number }, gauges: AgentGauges) {
  try {
    return await serveHealth(at, gauges);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ProgramFailure(`--health ${at.host}:${at.port} cannot be served: ${code ?? message}`, EXIT.failure);
  }
}
