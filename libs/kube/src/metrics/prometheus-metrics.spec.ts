import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { declaredObjective, type DeclaredObjective } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import { readMetricSettings } from './metric-sources.js';
import { PrometheusMetrics } from './prometheus-metrics.js';
import { startMetricsWorld, type MetricsWorld } from './testing/metrics-world.js';
import { PlayedPrometheus } from './testing/played-prometheus.js';

const MINUTE = 60_000;
const FROM = 1_700_000_000_000;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

let world: MetricsWorld;
let kube: KubeAccess;
let prometheus: PlayedPrometheus;

beforeEach(async () => {
  world = await startMetricsWorld();
  ({ kube, prometheus } = world);
});
afterEach(() => world.close());

function allow(source: object = {}): void {
  world.allow(JSON.stringify({ sources: [{ name: 'cluster', url: world.url, ...source }] }));
}

const own = (of: Partial<DeclaredObjective> = {}): DeclaredObjective => ({
  ...declaredObjective({
    name: 'shop',
    objective: 0.999,
    query: { bad: 'sum(increase(bad[$period]))', total: 'sum(increase(total[$period]))' },
    params: {},
    where: {},
    mode: 'decisive',
  }),
  ...of,
});

async function ask(declared: DeclaredObjective, { now = FROM + 60 * MINUTE, periods = 4 } = {}) {
  const metrics = new PrometheusMetrics({ kube, namespace: 'wavegate', now: () => now, log: quiet, probe: null });
  const request = { objectives: [declared.name], declared: [declared], from: FROM, until: FROM + periods * MINUTE };
  const again = () =>
    metrics.samples({ ...request, periodMs: MINUTE, baselinePeriods: 3, baselineUntil: FROM - 10 * MINUTE });
  const [sli] = await again();
  return { sli, again };
}

/** The n-th period since the change, counted from 1. */
const period = (at: number): number => Math.round((at * 1000 - FROM) / MINUTE);

describe('samples from a Prometheus', () => {
  it('bad and total apart, over the period → pairs; the baseline ends before the change', async () => {
    allow();
    prometheus.answers = [
      [/increase\(bad/, { points: (at) => (period(at) < 0 ? 1 : 5) }],
      [/increase\(total/, { points: () => 100 }],
    ];
    const { sli } = await ask(own());
    expect(sli).toMatchObject({
      baseline: [
        [1, 100],
        [1, 100],
        [1, 100],
      ],
      after: [
        [5, 100],
        [5, 100],
        [5, 100],
        [5, 100],
      ],
      queries: { bad: 'sum(increase(bad[$period]))', total: 'sum(increase(total[$period]))' },
    });
    const asked = prometheus.asked.map(({ params }) => params.get('query'));
    expect(asked).toContain('sum(increase(bad[60s]))');
    const starts = new Set(prometheus.asked.map(({ params }) => Number(params.get('start'))));
    const WEEK = 7 * 24 * 3600;
    expect(starts).toEqual(
      new Set([0, 1, 2].flatMap((ago) => [FROM / 1000 - 12 * 60 - ago * WEEK, FROM / 1000 + 60 - ago * WEEK])),
    );
  });

  it('a store that keeps weeks → the same hours of both beside the samples; one that keeps none → asked once, and nothing is missing', async () => {
    allow();
    const kept = (days: number) => (at: number) => (at * 1000 > FROM - days * 24 * 60 * MINUTE ? 100 : null);
    prometheus.answers = [
      [/bad/, { points: () => 1 }],
      [/total/, { points: kept(8) }],
    ];
    const { sli } = await ask(own());
    expect(sli?.weeks).toEqual([{ baseline: new Array(3).fill([1, 100]), after: new Array(9).fill([1, 100]) }]);
    prometheus.answers = [
      [/bad/, { points: () => 1 }],
      [/total/, { points: kept(2) }],
    ];
    const { sli: short, again } = await ask(own());
    expect(short).not.toHaveProperty('weeks');
    const asked = prometheus.asked.length;
    await again();
    const later = prometheus.asked.slice(asked).map(({ params }) => Number(params.get('start')));
    expect(Math.min(...later)).toBeGreaterThan(FROM / 1000 - 3600);
  });

  it('no errors have ever been → zero bad; no successes → a wrong query, and no sample', async () => {
    allow();
    prometheus.answers = [[/increase\(total/, { points: () => 100 }]];
    expect((await ask(own())).sli?.after[0]).toEqual([0, 100]);
    const good = own({
      query: { bad: null, good: 'sum(increase(good[$period]))', total: 'sum(increase(total[$period]))' },
    });
    expect((await ask(good)).sli).toMatchObject({ after: [null, null, null, null], causes: { noSeries: 4 } });
  });

  it.each([
    ['a gap', (n: number) => (n === 2 ? null : 100), { gap: 1 }, FROM + 60 * MINUTE],
    ['not a number', (n: number) => (n === 2 ? NaN : 100), { notANumber: 1 }, FROM + 60 * MINUTE],
    ['fewer than none', (n: number) => (n === 2 ? -3 : 100), { impossible: 1 }, FROM + 60 * MINUTE],
    ['fewer events than bad ones', (n: number) => (n === 2 ? 1 : 100), { impossible: 1 }, FROM + 60 * MINUTE],
    ['no series at all', () => null, { noSeries: 4 }, FROM + 60 * MINUTE],
    ['samples that are still to come', (n: number) => (n >= 4 ? null : 100), { late: 1 }, FROM + 4 * MINUTE],
  ])('%s → told apart', async (_what, total, causes, now) => {
    allow();
    prometheus.answers = [
      [/increase\(bad/, { points: () => 5 }],
      [/increase\(total/, { points: (at) => total(period(at)) }],
    ];
    const { sli } = await ask(own(), { now });
    expect(sli?.causes).toEqual(causes);
    expect(sli?.after.filter((sample) => sample === null)).toHaveLength(Object.values(causes)[0] ?? 0);
  });

  it('a counter that began anew → the sample stands, and it is said', async () => {
    allow();
    prometheus.answers = [
      [/resets/, { points: (at) => (period(at) === 1 ? 1 : 0) }],
      [/increase\(bad/, { points: () => 5 }],
      [/increase\(total/, { points: () => 100 }],
    ];
    expect((await ask(own())).sli).toMatchObject({
      after: [
        [5, 100],
        [5, 100],
        [5, 100],
        [5, 100],
      ],
      causes: { counterReset: 1 },
    });
  });

  it.each([
    [
      'a query that does not parse',
      { code: 400, body: { status: 'error', errorType: 'bad_data', error: 'parse error' } },
      'queryFailed',
    ],
    ['several series', { points: () => 5, series: 2 }, 'queryFailed'],
    ['too many series', { points: () => 5, series: 2_001 }, 'queryFailed'],
    ['a vector', { code: 200, body: { status: 'success', data: { resultType: 'vector', result: [] } } }, 'queryFailed'],
    ['an answer without end', { code: 200, body: 'x'.repeat(2 << 20) }, 'queryFailed'],
    ['a login page', { code: 200, body: '<html>' }, 'queryFailed'],
    ['no right', { code: 403, body: 'forbidden' }, 'queryFailed'],
    ['a gateway without a server', { code: 503, body: 'no' }, 'unreachable'],
  ])('%s → no sample, and why', async (_what, answer, cause) => {
    allow();
    prometheus.answers = [[/increase\(total/, answer]];
    expect((await ask(own())).sli).toMatchObject({ after: [null, null, null, null], causes: { [cause]: 4 } });
  });

  it('the source stops → what was seen stays, what is new is missing', async () => {
    allow();
    prometheus.answers = [
      [/increase\(bad/, { points: () => 5 }],
      [/increase\(total/, { points: () => 100 }],
    ];
    const { again } = await ask(own());
    await prometheus.stop();
    expect((await again())[0]).toMatchObject({
      after: [
        [5, 100],
        [5, 100],
        [5, 100],
        [5, 100],
      ],
    });
    prometheus = new PlayedPrometheus();
  });

  it('no ConfigMap, a source of another name, a service level nobody knows → missing data, never a throw', async () => {
    expect((await ask(own())).sli?.causes).toEqual({ notConfigured: 4 });
    allow();
    expect((await ask(own({ source: 'other' }))).sli?.causes).toEqual({ notConfigured: 4 });
    expect((await ask(declaredObjective('nobody'))).sli).toMatchObject({
      after: [null, null, null, null],
      decisive: true,
    });
  });

  it('a store of several clusters, a tenant and a token → every selector is narrowed, both headers are sent', async () => {
    allow({ labels: { cluster: 'prd"1' }, tenant: 'platform', token: { key: 'token' } });
    const data = { token: Buffer.from('s3cret').toString('base64') };
    world.api.put('/api/v1/secrets', { metadata: { name: 'wavegate-metrics', namespace: 'wavegate' }, data });
    await ask(own());
    expect(prometheus.asked[0]?.params.get('query')).toBe('sum(increase(total{cluster="prd\\"1"}[60s]))');
    expect(prometheus.asked[0]?.headers).toMatchObject({ authorization: 'Bearer s3cret', 'x-scope-orgid': 'platform' });
  });

  it('parameters that try to be PromQL → stay label values', async () => {
    allow();
    const params = { namespace: 'a"} or up{x="', workload: 'b|.*' };
    await ask(declaredObjective({ name: 'istio-availability', params, where: {}, mode: 'decisive' }));
    expect(prometheus.asked[0]?.params.get('query')).toContain(
      'destination_workload_namespace="a\\"} or up{x=\\"",destination_workload="b|.*"',
    );
    await ask(
      declaredObjective({
        name: 'gateway-api-envoy-availability',
        params: { namespace: '.*', route: 'r' },
        where: {},
        mode: 'decisive',
      }),
    );
    expect(prometheus.asked.at(-1)?.params.get('query')).toContain('envoy_cluster_name=~"httproute/\\\\.\\\\*/r/.*"');
  });

  it('alerts → those that match, fire, and began with the change are violated gates', async () => {
    allow({ labels: { cluster: 'c' } });
    const alert = (severity: string, state: string, at: number) => ({
      labels: { alertname: 'Down', severity, cluster: 'c' },
      state,
      activeAt: new Date(at).toISOString(),
    });
    prometheus.alerts = [
      alert('critical', 'firing', FROM + 1),
      alert('critical', 'firing', FROM - 1),
      alert('critical', 'pending', FROM + 1),
      alert('info', 'firing', FROM + 1),
    ];
    const metrics = new PrometheusMetrics({ kube, namespace: 'wavegate', now: () => FROM, log: quiet, probe: null });
    const gates = await metrics.firing({ alerts: [{ match: { severity: 'critical' } }], since: FROM });
    expect(gates).toEqual([
      {
        name: 'alert/Down',
        violated: true,
        reason: {
          code: 'alert_firing',
          params: { alert: 'Down', labels: 'cluster=c, severity=critical', since: FROM + 1 },
        },
      },
    ]);
    const shown = { match: { severity: 'critical' }, mode: 'dryRun' as const };
    expect(await metrics.firing({ alerts: [shown], since: FROM })).toEqual([{ ...gates[0], violated: false }]);
  });

  it('alerts that only show, of a source that cannot tell → nothing is held up; blocking ones throw', async () => {
    allow();
    const metrics = new PrometheusMetrics({ kube, namespace: 'wavegate', now: () => FROM, log: quiet, probe: null });
    const elsewhere = { match: { severity: 'critical' }, source: 'nowhere' };
    expect(await metrics.firing({ alerts: [{ ...elsewhere, mode: 'dryRun' }], since: FROM })).toEqual([]);
    await expect(metrics.firing({ alerts: [elsewhere], since: FROM })).rejects.toThrow(/no source is called/);
  });
});

describe('what the cluster’s admin allows to be asked', () => {
  it.each([
    ['no list', '{}', 'sources is not a list'],
    ['no YAML', '{', 'not YAML'],
    ['a file', 'sources: [{ name: a, url: "file:///etc/passwd" }]', 'not http or https'],
    ['a password in the URL', 'sources: [{ name: a, url: "http://u:p@x" }]', 'tokens belong into a Secret'],
    ['a misspelt field', 'sources: [{ name: a, url: "http://x", tokn: {} }]', 'field "tokn"; known are name'],
    ['half a certificate', 'sources: [{ name: a, url: "http://x", tls: { cert: c } }]', 'mTLS needs both'],
    [
      'two of one name',
      'sources: [{ name: a, url: "http://x" }, { name: a, url: "http://y" }]',
      'two sources are called "a"',
    ],
    [
      'a label that is none',
      'sources: [{ name: a, url: "http://x", labels: { "a-b": c } }]',
      'not the name of a label',
    ],
  ])('%s → refused, with what would be right', (_what, text, words) => {
    expect(() => readMetricSettings(text)).toThrow(words);
  });
});
