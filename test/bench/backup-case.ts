import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupClusterAsk, BackupClusterStarted } from './backup-cluster.js';
import type { BenchCase, BenchWorld } from './bench-case.js';
import { bundleChild } from './child-bundles.js';
import { MeasuredProgram } from './measured-program.js';
import { short } from './spread.js';

interface Run {
  readonly what: string;
  readonly objects: number;
  readonly input: string;
  readonly storedMiB: number;
  readonly seconds: number;
  readonly peakMiB: number;
}

const BOTH = ['etcd', 'manifests'] as const;
/**
 * What is put in before each measurement: many small objects, then as large as the API takes them, and more of those than
 * a program could hold. An export reads them a page at a time like the 200 before, so it is not made wait for them.
 */
const FILLS = [
  { fill: 2_000, bytes: 2_000, input: '2,000 of 2 KB', what: BOTH },
  { fill: 18_000, bytes: 2_000, input: '20,000 of 2 KB', what: BOTH },
  { fill: 200, bytes: 900_000, input: '+ 200 of 0.9 MB', what: BOTH },
  { fill: 600, bytes: 900_000, input: '+ 800 of 0.9 MB', what: ['etcd'] as const },
] as const;

/** The agent's program as shipped: snapshots and exports of a cluster that grows, and the most memory each took. */
export const backupCase: BenchCase = {
  name: 'backup',
  title: 'memory and time of backups',
  run: async (world) => {
    const obtain = path.join(world.root, 'test/kube/world/obtain.mjs');
    const check = spawnSync(process.execPath, [obtain, '--check', '--only=etcd,kwok,1.35.4']);
    if (check.status !== 0) throw new Error('no Kubernetes components in the cache: node test/kube/world/obtain.mjs');
    const dir = path.join(world.folder, 'backup-kube');
    await mkdir(dir, { recursive: true });
    const program = new MeasuredProgram([process.execPath, await bundleChild(world.root, 'backup-cluster')], {
      logFile: `${dir}.log`,
      channel: true,
    });
    try {
      return resultOf(await measure(world, program, dir));
    } finally {
      await program.stop();
    }
  },
};

async function measure(world: BenchWorld, program: MeasuredProgram, dir: string): Promise<readonly Run[]> {
  const started = await asked<BackupClusterStarted>(program, { dir });
  const keys = spawnSync(agent(world), ['backup', 'keygen', '--out', `${dir}-key.txt`], { encoding: 'utf8' });
  const recipient = keys.stdout.trim();
  const runs: Run[] = [];
  for (const { fill, bytes, input, what: kinds } of FILLS) {
    world.say(`filling: ${input}`);
    const { made } = await asked<{ made: number }>(program, { fill, bytes });
    const to = path.join(dir, `to-${made}`);
    const target = ['--to', to, '--recipient', recipient, '--scratch', dir];
    const etcd = ['etcd', '--endpoint', started.endpoint, '--pki', started.pki, '--verify', 'status', ...target];
    const manifests = ['manifests', '--kubeconfig', started.kubeconfig, ...target];
    const words = { etcd, manifests };
    for (const what of kinds) runs.push(await measured(world, { what, words: words[what], input, made, to }));
  }
  return runs;
}

async function measured(
  world: BenchWorld,
  of: { what: string; words: readonly string[]; input: string; made: number; to: string },
): Promise<Run> {
  const before = performance.now();
  const log = path.join(world.folder, `backup-${of.what}-${of.made}.log`);
  const run = new MeasuredProgram([agent(world), 'backup', ...of.words], { logFile: log });
  let peakKiB = 0;
  while (run.child.exitCode === null && run.child.signalCode === null) {
    peakKiB = Math.max(peakKiB, highestKiB(run.pid));
    await sleep(20);
  }
  if (run.child.exitCode !== 0) throw new Error(`backup ${of.what} failed:\n${run.log.slice(-2_000)}`);
  const seconds = (performance.now() - before) / 1_000;
  const file = readdirSync(of.to).find((name) => name.includes(`-${of.what}-`) && name.endsWith('.age')) ?? '';
  const storedMiB = statSync(path.join(of.to, file)).size / 2 ** 20;
  world.say(`${of.what}: ${short(seconds)} s, ${short(peakKiB / 1024)} MiB`);
  return { what: of.what, objects: of.made, input: of.input, storedMiB, seconds, peakMiB: peakKiB / 1024 };
}

/** The kernel's own high-water mark: no peak falls between two looks. */
function highestKiB(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function resultOf(runs: readonly Run[]) {
  const growth = (what: string): number => {
    const peaks = runs.filter((run) => run.what === what).map(({ peakMiB }) => peakMiB);
    return (peaks.at(-1) ?? 0) - (peaks[0] ?? 0);
  };
  const target = (what: string) => ({
    ...{ what: `${what}: peak memory of the largest over that of the smallest`, measured: growth(what), unit: 'MiB' },
    atMost: 48,
  });
  return {
    columns: ['backup', 'cluster', 'stored MiB', 'seconds', 'peak MiB'],
    rows: runs.map((run) => [run.what, run.input, short(run.storedMiB), short(run.seconds), short(run.peakMiB)]),
    targets: [target('etcd'), target('manifests')],
    notes: [
      'The program as shipped, encrypting to one key, into a folder; peak is VmHWM of the whole process.',
      'etcd with --verify status: hash, every page, keys against the live etcd; a restore is other programs’ memory.',
    ],
    raw: runs,
  };
}

const agent = ({ root }: BenchWorld): string => path.join(root, 'apps/agent/bin/wavegate-agent');

function asked<T>(program: MeasuredProgram, ask: BackupClusterAsk): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error(`the cluster ended:\n${program.log.slice(-2_000)}`));
    program.child.once('exit', gone);
    program.child.once('message', (answer) => {
      program.child.off('exit', gone);
      resolve(answer as T);
    });
    program.child.send(ask);
  });
}
