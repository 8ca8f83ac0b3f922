import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readPlan } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import { checkObjectives } from './check-objectives.js';
import { startMetricsWorld, type MetricsWorld } from './testing/metrics-world.js';
import type { PlayedAnswer, PlayedPrometheus } from './testing/played-prometheus.js';

let world: MetricsWorld;
let kube: KubeAccess;
let prometheus: PlayedPrometheus;

beforeEach(async () => {
  world = await startMetricsWorld();
  ({ kube, prometheus } = world);
});
afterEach(() => world.close());

const allow = (text?: string): void => world.allow(text);

const QUEUE = { name: 'queue', query: 'max(queue_length)' };

async function found(gauges: readonly unknown[], target = '1.35.4') {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: target }, verdict: { gauges } } });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return checkObjectives({ kube, namespace: 'wavegate', now: Date.now }, read.plan, target);
}

const lines = async (...asked: Parameters<typeof found>) =>
  (await found(...asked)).map(({ code, severity, object, message }) => `${severity} ${code} ${object}: ${message}`);

describe('the gauges of a plan, before anything starts', () => {
  it('all have numbers → nothing is found, and nothing else is asked of the source', async () => {
    allow();
    prometheus.answers = [[/queue_length|resident/, { points: () => 3 }]];
    expect(await lines([QUEUE, 'apiserver-memory'])).toEqual([]);
    expect(prometheus.asked).toHaveLength(2);
  });

  it.each<[string, PlayedAnswer, RegExp, RegExp]>([
    ['no series', { points: () => null }, /max\(queue_length\) has numbers in 0 of the last 10 periods/, /scraped/],
    ['not a number', { points: () => NaN }, /has numbers in 0 of the last 10 periods/, /scraped/],
    ['several series', { points: () => 1, series: 3 }, /3 series where one is expected/, /aggregate it to one series/],
    [
      'a query that does not parse',
      { code: 400, body: { status: 'error', errorType: 'bad_data', error: 'parse error' } },
      /400 parse error/,
      /write PromQL that this Prometheus parses/,
    ],
  ])('%s → a warning with query, answer and what would be right', async (_what, answer, message, remedy) => {
    allow();
    prometheus.answers = [[/queue_length/, answer]];
    expect(await found([QUEUE])).toEqual([
      {
        ...{ code: 'gauge_not_measured', severity: 'warn', object: 'queue', owner: '' },
        ...{ message: expect.stringMatching(message), remedy: expect.stringMatching(remedy) },
      },
    ]);
  });

  it('no ConfigMap, or one that is not understood → one warning that names them all', async () => {
    expect(await lines([QUEUE, 'etcd-db-size'])).toEqual([
      expect.stringMatching(/^warn gauge_not_measured queue, etcd-db-size: .* no ConfigMap wavegate-metrics/),
    ]);
    allow('sources: 3');
    expect(await lines([QUEUE])).toEqual([expect.stringMatching(/^warn gauge_not_measured queue: .*not understood/)]);
  });

  it('nobody listens → waited for once, whatever the number of gauges', async () => {
    allow(JSON.stringify({ sources: [{ name: 'cluster', url: 'http://127.0.0.1:1' }] }));
    expect(await lines([QUEUE, 'etcd-db-size'])).toEqual([
      expect.stringMatching(/^warn gauge_not_measured queue: .*127\.0\.0\.1:1/),
    ]);
  });

  it('a gauge or a source nobody knows, a parameter too many, a minor without its metrics → each said', async () => {
    allow();
    prometheus.answers = [[/./, { points: () => 3 }]];
    const wanted = [
      'nobody',
      { ...QUEUE, source: 'thanos' },
      { name: 'etcd-db-size', params: { job: 'x' } },
      'apiserver-memory',
    ];
    expect(await lines(wanted, '1.16.1')).toEqual([
      expect.stringMatching(/nobody: no gauge is called "nobody"/),
      expect.stringMatching(/queue: no source is called "thanos" in wavegate-metrics/),
      expect.stringMatching(/etcd-db-size: etcd-db-size has no parameter "job"/),
      expect.stringMatching(/apiserver-memory: its metrics are those of Kubernetes >=1\.17; 1\.16\.1 has others/),
    ]);
  });
});
