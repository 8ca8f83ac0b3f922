import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  AlertmanagerSilences,
  ApiProbe,
  ConfigMapJournalStore,
  ConfigMapPolicy,
  KubeadmDriver,
  KubeInventory,
  KubeLeaseStore,
  openKube,
  PrometheusMetrics,
  SecretIdentityStore,
  type AgentPod,
  type KubeAccess,
} from '@wavegate/kube';
import type { Cancel } from '@wavegate/runtime/agent';
import { AgentGauges } from './agent-gauges.js';
import { openPino, OrderLog } from './agent-log.js';
import type { RunSettings } from './agent-settings.js';
import { serveHealth } from './health-server.js';
import { whileLeased } from './lease/while-leased.js';
import { LEASE_TIMES, WorkLease } from './lease/work-lease.js';
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
  const means: RunMeans = { settings, kube, log, gauges, cancel };
  try {
    const lease = settings.lease ? leaseOf(settings.lease, means) : null;
    if (!lease) return await workInCluster(means);
    // As a kill would: whatever this process still has in hand is another's by now.
    const end = (): never => process.exit(EXIT.leaseLost);
    const onStandBy = (standsBy: boolean): void => void (gauges.standingBy = standsBy);
    await whileLeased({ lease, cancel, log, end, onStandBy }, () => workInCluster(means));
  } finally {
    await stopHealth?.();
  }
}

interface RunMeans {
  readonly settings: RunSettings;
  readonly kube: KubeAccess;
  readonly log: OrderLog;
  readonly gauges: AgentGauges;
  readonly cancel: Cancel;
}

function leaseOf(name: string, { kube, settings, log }: RunMeans): WorkLease {
  const store = new KubeLeaseStore(kube, settings.namespace, name, LEASE_TIMES.durationMs);
  const holder = `${process.env.POD_NAME ?? hostname()}_${randomUUID().slice(0, 8)}`;
  return new WorkLease({ store, holder, clock: systemClock, log });
}

async function workInCluster({ settings, kube, log, gauges, cancel }: RunMeans): Promise<void> {
  const inventory = new KubeInventory(kube, () => systemClock.now());
  log.info('agent starts', { cluster: kube.config.getCurrentCluster()?.server, namespace: settings.namespace });
  const now = () => systemClock.now();
  const probe = settings.probe ? new ApiProbe({ kube, now, log }) : null;
  gauges.disruptionSeconds = () => probe?.disruptionSeconds ?? 0;
  // Since before any change: what the cluster was like at rest is what a change is measured against.
  probe?.start();
  try {
    await inventory.start();
    const { nodeImage, packageMirror, backup, namespace, identityDir, settleMs } = settings;
    const journals = log.learningFrom(new ConfigMapJournalStore(kube, namespace));
    const means = { kube, inventory, clock: systemClock, random: systemRandom, nodeImage, backup };
    const driver = new KubeadmDriver({
      ...means,
      namespace,
      nodeSettings: { packageMirror },
      ...(probe ? { apiGoodSince: () => apiGoodSince(probe, now()) } : {}),
      agentPod: agentPodOf(process.env),
      hubAheadMs: () => gauges.hubAheadMs,
    });
    await liveAgent({
      hub: settings.hub,
      joinToken: settings.joinToken,
      identities: identityDir ? new FileIdentityStore(identityDir) : new SecretIdentityStore(kube, namespace),
      ports: {
        journals,
        driver,
        metrics: new PrometheusMetrics({ kube, namespace, now, log, probe }),
        silences: new AlertmanagerSilences({ kube, namespace, now, log }),
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
    probe?.stop();
    await inventory.stop();
  }
}

/** Of the probe's last minute: the end of its last bad second. A minute without one is longer than anything settles. */
function apiGoodSince(probe: ApiProbe, at: number): number {
  const from = at - PROBED_S * 1000;
  const seconds = probe.series(from, PROBED_S, 1_000);
  const lastBad = seconds.findLastIndex((pair) => pair !== null && pair[0] > 0);
  return from + (lastBad + 1) * 1000;
}
const PROBED_S = 60;

/** Our own pod, by the downward API: a drain of its node evicts it last. Null where we run in none. */
function agentPodOf({ POD_NAME: name, POD_NAMESPACE: namespace }: NodeJS.ProcessEnv): AgentPod | null {
  return name && namespace ? { name, namespace } : null;
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
