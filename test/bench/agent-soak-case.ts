import { Worker } from 'node:worker_threads';
import { DEFAULT_POLICY, judge } from '@wavegate/analysis';
import { declaredObjective, type DeclaredObjective } from '@wavegate/fleet';
import { PrometheusMetrics } from '@wavegate/kube';
import { startKubeWorld } from '../../libs/kube/src/testing/kube-world.js';
import type { BenchCase } from './bench-case.js';
import { short } from './spread.js';

const PERIOD_MS = 60_000;
const OBJECTIVES = 10;
/** Evaluations of one soak: a window of thirty minutes, and then some. */
const EVALUATIONS = 40;

/** A Prometheus that knows every series, in a thread of its own: its work is not the agent's. */
const PLAYED = `
const { createServer } = require('node:http');
const { parentPort } = require('node:worker_threads');
createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://x');
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(searchParams.get(name)));
  const query = searchParams.get('query') ?? '';
  const value = query.includes('resets') ? '0' : query.includes('bad') ? '1' : '1000';
  const values = [];
  for (let at = start; at <= end + 1e-6; at += step) values.push([at, value]);
  response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } }));
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

interface Evaluated {
  readonly cpuMs: readonly number[];
  readonly heapMiB: readonly number[];
}

/** What an agent does once a period while it judges: asks ten objectives with their weeks, and judges them. */
export const agentSoakCase: BenchCase = {
  name: 'agent-soak',
  title: `an agent in its soak: ${OBJECTIVES} objectives measured and judged every ${PERIOD_MS / 1000} s`,
  run: async () => {
    const source = new Worker(PLAYED, { eval: true });
    const world = await startKubeWorld();
    try {
      const port = await new Promise<number>((heard) => source.once('message', heard));
      const sources = [{ name: 'cluster', url: `http://127.0.0.1:${port}` }];
      world.api.put('/api/v1/configmaps', {
        metadata: { name: 'wavegate-metrics', namespace: 'wavegate' },
        data: { metrics: JSON.stringify({ sources }) },
      });
      const found = await soak(world.kube);
      const share = (found.cpuMs.reduce((all, one) => all + one, 0) / EVALUATIONS / PERIOD_MS) * 100;
      const quarter = EVALUATIONS >> 2;
      // Between two collections the heap rises and falls: what stays is the lowest.
      const [early, late] = [found.heapMiB.slice(0, quarter), found.heapMiB.slice(-quarter)];
      return {
        columns: ['evaluations', 'first ms', 'mean ms', 'most ms', 'lowest heap MiB, first and last ten'],
        rows: [
          [
            EVALUATIONS,
            short(found.cpuMs[0] ?? 0),
            mean(found.cpuMs),
            short(Math.max(...found.cpuMs)),
            `${short(Math.min(...early))}, ${short(Math.min(...late))}`,
          ],
        ],
        targets: [{ what: 'agent in its soak, CPU of one core', measured: share, unit: '%', atMost: 1 }],
        notes: [
          'CPU of the thread that asks and judges, with the API server it reads its settings from (played, in the same thread); the',
          'Prometheus is played in another. The first evaluation also asks for the hours before and those of two weeks.',
        ],
        raw: found,
      };
    } finally {
      await source.terminate();
      await world.api.stop();
    }
  },
};

async function soak(kube: Awaited<ReturnType<typeof startKubeWorld>>['kube']): Promise<Evaluated> {
  const began = Math.floor(Date.now() / PERIOD_MS) * PERIOD_MS;
  let now = began;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const metrics = new PrometheusMetrics({ kube, namespace: 'wavegate', now: () => now, log, probe: null });
  const declared = Array.from({ length: OBJECTIVES }, (_, n) => objective(n));
  const cpuMs: number[] = [];
  const heapMiB: number[] = [];
  for (let periods = 1; periods <= EVALUATIONS; periods += 1) {
    now = began + (periods + 1) * PERIOD_MS;
    const before = process.threadCpuUsage();
    const slis = await metrics.samples({
      ...{ objectives: declared.map(({ name }) => name), declared, from: began, until: began + periods * PERIOD_MS },
      ...{ periodMs: PERIOD_MS, baselinePeriods: 60, baselineUntil: began },
    });
    judge({ slis, gates: [], policy: DEFAULT_POLICY, elapsedMs: periods * PERIOD_MS });
    const { user, system } = process.threadCpuUsage(before);
    if (slis.some(({ after }) => after.length !== periods || after.includes(null)))
      throw new Error('not all was measured');
    cpuMs.push((user + system) / 1000);
    heapMiB.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  return { cpuMs, heapMiB };
}

function objective(n: number): DeclaredObjective {
  const query = { bad: `sum(increase(bad_${n}[$period]))`, total: `sum(increase(total_${n}[$period]))` };
  const name = `slo-${n}`;
  return { ...declaredObjective(name), sli: null, objective: 0.999, query: { ...query, good: null } };
}

const mean = (values: readonly number[]): string => short(values.reduce((all, one) => all + one, 0) / values.length);
