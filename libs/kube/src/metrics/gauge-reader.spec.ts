import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { declaredGauge, type DeclaredGauge } from '@wavegate/fleet';
import type { GaugeRequest } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import { densityOf } from './gauge-reader.js';
import { PrometheusMetrics } from './prometheus-metrics.js';
import { startMetricsWorld, type MetricsWorld } from './testing/metrics-world.js';
import type { PlayedPrometheus } from './testing/played-prometheus.js';

const MINUTE = 60_000;
const FROM = 1_700_000_000_000 - (1_700_000_000_000 % MINUTE);
const CONFIGURED = { namespace: 'wavegate', probe: null };

let world: MetricsWorld;
let kube: KubeAccess;
let prometheus: PlayedPrometheus;
let now: number;
let warned: object[];
let metrics: PrometheusMetrics;

beforeEach(async () => {
  world = await startMetricsWorld();
  ({ kube, prometheus } = world);
  now = FROM + 60 * MINUTE;
  warned = [];
  const warn = (message: string, fields: object = {}) => void warned.push({ message, ...fields });
  const log = { info: () => undefined, warn, error: () => undefined };
  metrics = new PrometheusMetrics({ kube, ...CONFIGURED, now: () => now, log });
});
afterEach(() => world.close());

function allow(source: object = {}): void {
  world.allow(JSON.stringify({ sources: [{ name: 'cluster', url: world.url, ...source }] }));
}

const own = (of: Partial<DeclaredGauge> = {}): DeclaredGauge => ({
  ...declaredGauge({ name: 'queue', query: 'max(queue_length)', params: {}, where: {} }),
  ...of,
});

function ask(gauges: readonly DeclaredGauge[], periods = 15, more: Partial<GaugeRequest> = {}) {
  return metrics.gauges({
    ...{ gauges, from: FROM, until: FROM + periods * MINUTE, periodMs: MINUTE },
    ...{ baselinePeriods: 60, baselineUntil: FROM - 10 * MINUTE, windowMs: 30 * MINUTE },
    ...more,
  });
}

const asked = (pattern: RegExp) =>
  prometheus.asked.filter(({ params }) => pattern.test(params.get('query') ?? '') && params.has('start'));

describe('gauges from a Prometheus', () => {
  it('scraped every 15 s → four numbers a period, enough for 50 on both sides; the past ends before the change', async () => {
    allow();
    prometheus.answers = [
      [/count_over_time\(queue_length/, { points: () => 15 }],
      [/queue_length/, { points: (at) => (at * 1000 <= FROM ? 100 : 250.5) }],
    ];
    const [queue] = await ask([own()]);
    expect(queue).toEqual({
      ...{ name: 'queue', perPeriod: 4, query: 'max(queue_length)' },
      ...{ baseline: new Array(240).fill(100), after: new Array(60).fill(250.5) },
    });
    const [past, since] = asked(/max\(queue_length\)/).map(({ params }) => [params.get('start'), params.get('end')]);
    expect(past).toEqual([String(FROM / 1000 - 600 - 239 * 15), String(FROM / 1000 - 600)]);
    expect(since).toEqual([String(FROM / 1000 + 15), String(FROM / 1000 + 15 * 60)]);
  });

  it('asked again → the past is not asked for twice, and as many numbers a period as before', async () => {
    allow();
    prometheus.answers = [[/queue_length/, { points: () => 15 }]];
    await ask([own()]);
    prometheus.answers = [
      [/count_over_time/, { points: () => 60 }],
      [/queue_length/, { points: () => 16 }],
    ];
    const [queue] = await ask([own()], 20);
    expect(asked(/max/)).toHaveLength(3);
    expect([queue?.perPeriod, queue?.after.length, queue?.baseline[0], queue?.after[0]]).toEqual([4, 80, 15, 16]);
  });

  it('gaps, NaN and infinity are no numbers; what is younger than samples take to arrive is none yet', async () => {
    allow({ delay: '2m' });
    now = FROM + 4 * MINUTE;
    const odd: Record<number, number | null> = { 1: null, 2: NaN, 3: Infinity, 4: -4 };
    const nth = (at: number): number => Math.round((at * 1000 - FROM) / MINUTE);
    prometheus.answers = [
      [/count_over_time/, { points: () => 60 }],
      [/queue_length/, { points: (at) => odd[nth(at)] ?? (nth(at) in odd ? null : 7) }],
    ];
    const [queue] = await ask([own()], 5, { until: FROM + 5 * MINUTE });
    expect(queue?.after).toEqual([null, null, null, null, null]);
    now = FROM + 60 * MINUTE;
    const [later] = await ask([own()], 5);
    expect(later?.after).toEqual([null, null, null, -4, 7]);
  });

  it('the library, with labels that need escaping and a store of several clusters → one series asked for, nothing pasted', async () => {
    allow({ labels: { cluster: 'prd"1' } });
    prometheus.answers = [[/./, { points: () => 15 }]];
    const memory = { ...declaredGauge('apiserver-memory'), params: { job: 'a"b.*' }, where: { team: 'x\\' } };
    const [found] = await ask([memory]);
    expect(found?.perPeriod).toBe(4);
    expect(asked(/resident/)[0]?.params.get('query')).toBe(
      'avg(process_resident_memory_bytes{cluster="prd\\"1",team="x\\\\",job=~"a\\"b\\\\.\\\\*"})',
    );
  });

  it('$period in a query of one’s own is the plan’s period, not the step', async () => {
    allow();
    prometheus.answers = [[/./, { points: () => 15 }]];
    await ask([own({ query: 'sum(rate(requests_total[$period]))' })]);
    expect(asked(/requests_total/)[0]?.params.get('query')).toBe('sum(rate(requests_total[60s]))');
  });

  it.each([
    ['several series', { points: () => 1, series: 3 }, /3 series where one is expected; write sum.* or avg.* or max/],
    ['no right', { code: 403, body: 'forbidden' }, /403/],
    ['a gateway without a server', { code: 503, body: 'no' }, /503/],
  ])('%s → nothing is measured, said once, and left alone for five periods', async (_what, answer, why) => {
    allow();
    prometheus.answers = [
      [/count_over_time/, { points: () => 15 }],
      [/queue_length/, answer],
    ];
    const empty = [{ name: 'queue', baseline: [], after: [] }];
    expect(await ask([own()])).toEqual(empty);
    const before = prometheus.asked.length;
    now += 4 * MINUTE;
    expect(await ask([own()], 19)).toEqual(empty);
    expect(prometheus.asked.length).toBe(before);
    now += MINUTE;
    expect(await ask([own()], 20)).toEqual(empty);
    expect(prometheus.asked.length).toBeGreaterThan(before);
    expect(warned).toEqual([expect.objectContaining({ gauge: 'queue', why: expect.stringMatching(why) })]);
  });

  it('one gauge is refused → the others are measured; it stops later → what was seen stays', async () => {
    allow();
    prometheus.answers = [
      [/count_over_time/, { points: () => 60 }],
      [/bad/, { code: 400, body: { status: 'error', errorType: 'bad_data', error: 'parse error' } }],
      [/queue_length/, { points: () => 3 }],
    ];
    const both = [own({ name: 'bad', query: 'max(bad)' }), own()];
    expect((await ask(both, 3)).map(({ after }) => after)).toEqual([[], [3, 3, 3]]);
    prometheus.answers.unshift([/queue_length/, { code: 503, body: 'no' }]);
    expect((await ask(both, 4)).map(({ after }) => after)).toEqual([[], [3, 3, 3]]);
  });

  it('no ConfigMap, a source of another name, a gauge nobody knows → empty, said once each, never a throw', async () => {
    const strange = declaredGauge('nobody');
    expect(await ask([own()])).toEqual([{ name: 'queue', baseline: [], after: [] }]);
    allow();
    const elsewhere = own({ name: 'elsewhere', source: 'thanos' });
    expect((await ask([elsewhere, strange])).map(({ after }) => after)).toEqual([[], []]);
    expect(warned).toMatchObject([
      { gauge: 'queue', why: expect.stringMatching(/names no source/) },
      {
        gauge: 'elsewhere',
        why: expect.stringMatching(/no source is called "thanos" in wavegate-metrics; known: cluster/),
      },
      { gauge: 'nobody', why: expect.stringMatching(/one of apiserver-memory, .*; or write a query of your own/) },
    ]);
  });
});

describe('how many numbers of a gauge a period has', () => {
  it.each([
    ['scraped every 15 s', 15_000, MINUTE, 30, 4],
    ['scraped every 15 s, one of forty missed', 15_380, MINUTE, 30, 4],
    ['scraped every 30 s', 30_000, MINUTE, 30, 2],
    ['scraped as often as judged', MINUTE, MINUTE, 30, 1],
    ['scraped more seldom than judged', 120_000, MINUTE, 30, 1],
    ['nobody can say', null, MINUTE, 30, 4],
    ['every second', 1_000, MINUTE, 30, 20],
    ['periods of five minutes, six in a window', 15_000, 5 * MINUTE, 6, 20],
    ['a day of minutes: as many as a message carries', 15_000, MINUTE, 1_440, 1],
    ['seven would be no whole milliseconds', 8_000, MINUTE, 30, 6],
    ['periods of two seconds', 500, 2_000, 30, 4],
  ])('%s', (_what, scrapeMs, periodMs, periods, expected) => {
    expect(densityOf(scrapeMs, { periodMs, windowMs: periods * periodMs })).toBe(expected);
  });
});
