import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { specOf } from '@wavegate/simulator';
import type { HubClient } from '../demo/hub-client.js';
import type { BenchCase, BenchWorld } from './bench-case.js';
import { bundleChild } from './child-bundles.js';
import { adminClient, freeHubPorts, startHubProgram, type HubPorts } from './hub-program.js';
import { MeasuredProgram } from './measured-program.js';
import { cpuSeconds, rssKiB, settledRssKiB } from './process-meter.js';
import { short } from './spread.js';

const IDLE_MS = 30_000;

interface JoinToken {
  readonly token: string;
  readonly caSha256: string;
}

interface Agent {
  readonly what: string;
  readonly program: MeasuredProgram;
}

interface Measured {
  readonly what: string;
  readonly connectedMiB: number;
  readonly idleMiB: number;
  readonly cpuPercent: number;
}

/** Agents as shipped, connected to a real hub and without an order, for half a minute. */
export const agentIdleCase: BenchCase = {
  name: 'agent-idle',
  title: 'memory of an agent at rest',
  run: async (world) => {
    const ports = await freeHubPorts();
    const dataDir = path.join(world.folder, 'agent-idle-hub');
    const { program: hub } = await startHubProgram({
      root: world.root,
      dataDir,
      logFile: `${dataDir}.log`,
      ports,
      databaseUrl: null,
    });
    const started: MeasuredProgram[] = [];
    try {
      const measured = await measureAll(world, ports, await adminClient(hub, ports), started);
      const real = measured.find(({ what }) => what.startsWith('run'));
      return {
        columns: ['wavegate-agent', 'just connected MiB', 'idle MiB', 'CPU %'],
        rows: measured.map((one) => [one.what, short(one.connectedMiB), short(one.idleMiB), short(one.cpuPercent)]),
        targets: real
          ? [{ what: 'agent of a real API server, idle', measured: real.idleMiB, unit: 'MiB', atMost: 110 }]
          : [],
        notes: real
          ? ['The API server is real (1.34.4, three nodes played by kwok).']
          : ['No Kubernetes components in the cache (test/kube/world/obtain.mjs): the real agent was left out.'],
        raw: measured,
      };
    } finally {
      for (const program of started.reverse()) await program.stop();
      await hub.stop();
    }
  },
};

async function measureAll(
  world: BenchWorld,
  ports: HubPorts,
  client: HubClient,
  started: MeasuredProgram[],
): Promise<readonly Measured[]> {
  const agents: Agent[] = [];
  const begin = (what: string, program: MeasuredProgram): void => {
    started.push(program);
    agents.push({ what, program });
  };
  const kubeconfig = await startKube(world, started);
  begin('simulate, 1 cluster', await startSimulated(world, ports, client, 1));
  begin('simulate, 10 clusters', await startSimulated(world, ports, client, 10));
  if (kubeconfig) begin('run, real API server', await startReal(world, ports, client, kubeconfig));
  const expected = 11 + (kubeconfig ? 1 : 0);
  const last = agents.at(-1)?.program;
  await last?.until(`${expected} agents to be connected`, async () => {
    const { items } = await client.get<{ items: readonly unknown[] }>('/clusters?connected=true');
    return items.length === expected ? true : null;
  });
  world.say(`${agents.length} agent programs connected; idle for ${IDLE_MS / 1000} s`);
  const before = agents.map(({ program }) => ({ rss: rssKiB(program.pid), cpu: cpuSeconds([program.pid]) }));
  await sleep(IDLE_MS);
  const measured: Measured[] = [];
  for (const [i, { what, program }] of agents.entries()) {
    const cpu = cpuSeconds([program.pid]) - (before[i]?.cpu ?? 0);
    measured.push({
      what,
      connectedMiB: (before[i]?.rss ?? 0) / 1024,
      idleMiB: (await settledRssKiB(program.pid, 1_000)) / 1024,
      cpuPercent: (cpu * 100_000) / IDLE_MS,
    });
  }
  return measured;
}

/** Only from the cache: building the components takes longer than all of the bench. */
async function startKube(world: BenchWorld, started: MeasuredProgram[]): Promise<string | null> {
  const check = spawnSync(process.execPath, [path.join(world.root, 'test/kube/world/obtain.mjs'), '--check']);
  if (check.status !== 0) return null;
  world.say('a real control plane');
  const dir = path.join(world.folder, 'agent-idle-kube');
  await mkdir(dir, { recursive: true });
  const program = new MeasuredProgram([process.execPath, await bundleChild(world.root, 'kube-cluster')], {
    logFile: `${dir}.log`,
    channel: true,
  });
  started.push(program);
  const ready = new Promise<string>((resolve, reject) => {
    program.child.once('message', (message) => resolve((message as { kubeconfig: string }).kubeconfig));
    program.child.once('exit', () => reject(new Error(`no control plane:\n${program.log.slice(-2_000)}`)));
  });
  program.child.send({ dir });
  return ready;
}

async function startReal(world: BenchWorld, ports: HubPorts, client: HubClient, kubeconfig: string) {
  const made = await client.post<JoinToken>('/join-tokens', { cluster: 'bench-real' });
  const flags = {
    'hub-gateway': `127.0.0.1:${ports.gateway}`,
    'hub-enrolment': `127.0.0.1:${ports.enrolment}`,
    'ca-sha256': made.caSha256,
    join: made.token,
    identity: path.join(world.folder, 'agent-idle-real'),
    kubeconfig,
  };
  const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  return agentProgram(world, 'real', ['run', ...words]);
}

async function startSimulated(world: BenchWorld, ports: HubPorts, client: HubClient, size: number) {
  const name = `simulated-${size}`;
  const clusters: object[] = [];
  let caSha256 = '';
  for (let i = 1; i <= size; i += 1) {
    const spec = specOf({ seed: 'bench', speed: 60 }, `${name}-${i}`, { labels: {}, faults: {}, version: '1.34.4' });
    const made = await client.post<JoinToken>('/join-tokens', { cluster: spec.name });
    caSha256 = made.caSha256;
    clusters.push({ spec, join: made.token });
  }
  const hub = { gateway: `127.0.0.1:${ports.gateway}`, enrolment: `127.0.0.1:${ports.enrolment}`, caSha256 };
  const stateDir = path.join(world.folder, `agent-idle-${name}`);
  await writeFile(`${stateDir}.json`, JSON.stringify({ hub, stateDir, clusters }));
  return agentProgram(world, name, ['simulate', '--fleet', `${stateDir}.json`]);
}

function agentProgram(world: BenchWorld, name: string, words: readonly string[]): MeasuredProgram {
  const logFile = path.join(world.folder, `agent-idle-${name}.log`);
  return new MeasuredProgram([path.join(world.root, 'apps/agent/bin/wavegate-agent'), ...words], { logFile });
}
