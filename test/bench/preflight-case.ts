import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchCase, BenchWorld } from './bench-case.js';
import { bundleChild } from './child-bundles.js';
import { MeasuredProgram } from './measured-program.js';
import { cpuSeconds } from './process-meter.js';
import { medianAndRange, short, spreadOf } from './spread.js';

const NODES = 100;
const PODS = 5_000;
const RUNS = 5;
const BUILDING_MS = 600_000;

interface Look {
  readonly wallMs: number;
  /** The greatest the process ever was, MiB. */
  readonly peakMiB: number;
  /** As the program says: reading and judging, without its start. */
  readonly tookMs: number;
  /** Processor time of the agent: what the machine's other work cannot change much. */
  readonly cpuS: number;
  readonly pods: number;
  readonly findings: number;
}

/** The agent's program as shipped, looking at one large cluster of a real API server. */
export const preflightCase: BenchCase = {
  name: 'preflight',
  title: `preflight of a cluster with ${NODES} nodes and ${PODS.toLocaleString('en')} pods`,
  run: async (world) => {
    const missing = missingPrograms(world.root);
    if (missing.length > 0) throw new Error(`${missing.join(', ')} not in the cache (node test/kube/world/obtain.mjs)`);
    const { program, kubeconfig } = await startLarge(world);
    try {
      const looks: Look[] = [];
      for (let run = 0; run < RUNS; run += 1) looks.push(await look(world, kubeconfig));
      const of = (field: keyof Look): number[] => looks.map((one) => one[field]);
      const seconds = of('wallMs').map((ms) => ms / 1000);
      return {
        columns: [
          'pods read',
          'findings',
          'whole program, s',
          'reading and judging, s',
          'processor time, s',
          'peak RSS, MiB',
        ],
        rows: [
          [
            ...[looks[0]?.pods ?? 0, looks[0]?.findings ?? 0, medianAndRange(seconds)],
            ...[
              medianAndRange(of('tookMs').map((ms) => ms / 1000)),
              medianAndRange(of('cpuS')),
              medianAndRange(of('peakMiB')),
            ],
          ],
        ],
        targets: [
          {
            what: 'preflight, from start to end of the program',
            measured: spreadOf(seconds).max,
            unit: 's',
            atMost: 10,
          },
          { what: 'the most memory it ever had', measured: spreadOf(of('peakMiB')).max, unit: 'MiB', atMost: 200 },
        ],
        notes: [
          `The API server is real (1.34.4); nodes and pods are played by kwok. ${RUNS} runs, the slowest and the largest are held against the targets.`,
          `Pods of about four kilobytes in 100 namespaces with a budget each, on ${NODES - 3} workers.`,
        ],
        raw: looks,
      };
    } finally {
      await program.stop();
    }
  },
};

/** Only from the cache, and only what one cluster needs: building takes longer than all of the bench. */
function missingPrograms(root: string): string[] {
  const { stdout } = spawnSync(process.execPath, [path.join(root, 'test/kube/world/obtain.mjs'), '--check']);
  const there = Object.keys(JSON.parse(String(stdout) || '{}') as Record<string, string>);
  const needed = ['etcd', 'kwok', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  return needed.filter((name) => !there.some((one) => one.startsWith(`${name}@`)));
}

async function startLarge(world: BenchWorld): Promise<{ program: MeasuredProgram; kubeconfig: string }> {
  world.say(`a real control plane with ${NODES} nodes and ${PODS} pods; a minute or more`);
  const dir = path.join(world.folder, 'preflight-kube');
  await mkdir(dir, { recursive: true });
  const program = new MeasuredProgram([process.execPath, await bundleChild(world.root, 'preflight-cluster')], {
    logFile: `${dir}.log`,
    channel: true,
  });
  let kubeconfig: string | null = null;
  program.child.once('message', (message) => (kubeconfig = (message as { kubeconfig: string }).kubeconfig));
  program.child.send({ dir, nodes: NODES, pods: PODS });
  const made = await program.until('the large cluster', () => Promise.resolve(kubeconfig), 250, BUILDING_MS);
  return { program, kubeconfig: made };
}

async function look(world: BenchWorld, kubeconfig: string): Promise<Look> {
  const agent = path.join(world.root, 'apps/agent/bin/wavegate-agent');
  const startedAt = performance.now();
  const child = spawn(agent, ['preflight', '--kubeconfig', kubeconfig, '--target', '1.35.4', '-o', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let peakKiB = 0;
  let cpuS = 0;
  const watch = setInterval(() => {
    cpuS = Math.max(cpuS, cpuOf(child.pid));
    void readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (status) => (peakKiB = Math.max(peakKiB, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0))),
      () => undefined,
    );
  }, 20);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((ended) => child.once('close', ended));
  clearInterval(watch);
  const wallMs = performance.now() - startedAt;
  if (code !== 0 && code !== 1) throw new Error(`preflight ended with code ${code}`);
  const { clusters } = JSON.parse(Buffer.concat(chunks).toString()) as {
    clusters: { pods: number; tookMs: number; findings: unknown[] }[];
  };
  const [seen] = clusters;
  if (!seen || seen.pods < PODS) throw new Error(`only ${seen?.pods ?? 0} pods were read`);
  world.say(`${short(wallMs / 1000)} s, ${short(peakKiB / 1024)} MiB`);
  return {
    wallMs,
    peakMiB: peakKiB / 1024,
    tookMs: seen.tookMs,
    cpuS,
    pods: seen.pods,
    findings: seen.findings.length,
  };
}

/** 0 once it is gone: the last reading before that counts. */
function cpuOf(pid: number | undefined): number {
  try {
    return pid === undefined ? 0 : cpuSeconds([pid]);
  } catch {
    return 0;
  }
}
