import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readPlan } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import { checkObjectives } from './check-objectives.js';
import { startMetricsWorld, type MetricsWorld } from './testing/metrics-world.js';
import type { PlayedPrometheus } from './testing/played-prometheus.js';

const OWN = {
  name: 'shop',
  objective: 0.999,
  query: { bad: 'sum(increase(bad[$period]))', total: 'sum(increase(total[$period]))' },
};

let world: MetricsWorld;
let kube: KubeAccess;
let prometheus: PlayedPrometheus;

beforeEach(async () => {
  world = await startMetricsWorld();
  ({ kube, prometheus } = world);
  prometheus.answers = [
    [/prometheus_build_info/, { points: () => 2 }],
    [/vector|count\((bad|total)|increase/, { points: () => 100 }],
  ];
});
afterEach(() => world.close());

const allow = (text?: string): void => world.allow(text);

async function found(objectives: readonly unknown[], verdict: object = {}, target = '1.35.4') {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: target }, verdict: { objectives, ...verdict } } });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return checkObjectives({ kube, namespace: 'wavegate', now: Date.now }, read.plan, target);
}

const findings = async (...asked: Parameters<typeof found>) =>
  (await found(...asked)).map(({ code, severity, object, message }) => `${severity} ${code} ${object}: ${message}`);
const remedies = async (...asked: Parameters<typeof found>) => (await found(...asked)).map(({ remedy }) => remedy);

const first = (pattern: RegExp, answer: PlayedPrometheus['answers'][number][1]) =>
  prometheus.answers.unshift([pattern, answer]);

describe('the objectives of a plan, before anything starts', () => {
  it('all can be asked and have data → nothing is found; no objectives → nothing is asked', async () => {
    expect(await findings([])).toEqual([]);
    allow();
    expect(await findings([OWN, 'apiserver-probe'])).toEqual([]);
  });

  it('no ConfigMap, one that is not understood, no source of that name → metrics_source_missing', async () => {
    expect(await findings([OWN])).toEqual([expect.stringMatching(/^block metrics_source_missing .*no ConfigMap/)]);
    allow('sources: 7');
    expect(await findings([OWN])).toEqual([expect.stringMatching(/^block metrics_source_missing .*not understood/)]);
    allow();
    expect(await findings([{ ...OWN, source: 'thanos' }])).toEqual([
      expect.stringMatching(/metrics_source_missing shop: no source is called "thanos"/),
    ]);
  });

  it('nobody answers → metrics_source_unreachable, once for all that ask it', async () => {
    allow(JSON.stringify({ sources: [{ name: 'cluster', url: 'http://127.0.0.1:1' }] }));
    expect(await findings([OWN, { ...OWN, name: 'other' }])).toEqual([
      expect.stringMatching(/^block metrics_source_unreachable cluster: .*ECONNREFUSED/),
    ]);
  });

  it('one replica that writes nowhere else → metrics_source_single, a warning; one that remote-writes is fine', async () => {
    allow();
    first(/prometheus_build_info/, { points: () => 1 });
    expect(await findings([OWN])).toEqual([expect.stringMatching(/^warn metrics_source_single cluster: .*drained/)]);
    first(/prometheus_remote_storage_samples_total/, { points: () => 1 });
    expect(await findings([OWN])).toEqual([]);
    prometheus.answers.shift();
    first(/prometheus_remote_storage_succeeded_samples_total/, { points: () => 3 });
    expect(await findings([OWN])).toEqual([]);
  });

  it('a Prometheus that does not scrape itself → told that nobody can tell', async () => {
    allow();
    first(/prometheus_build_info/, { points: () => null });
    expect(await findings([OWN])).toEqual([
      expect.stringMatching(/^info metrics_source_single cluster: .*could not be told: it does not scrape itself/),
    ]);
  });

  const ownQuery = (query: object) => [{ ...OWN, query }];
  const TOTAL = OWN.query.total;
  it('a recorded ratio for bad beside a real total → refused by its name, or by what it answers', async () => {
    allow();
    first(/job:/, { points: () => 0.013 });
    expect(await findings(ownQuery({ bad: 'job:errors:ratio', total: TOTAL }))).toEqual([
      expect.stringMatching(/^block objective_query_refused shop: job:errors:ratio in .* by its name a ratio/),
    ]);
    expect(await findings(ownQuery({ bad: 'sum(increase(job:errors:rate5m[$period]))', total: TOTAL }))).toEqual([
      expect.stringMatching(/by its name a ratio or a rate/),
    ]);
    expect(await findings(ownQuery({ good: 'job:fine:5m', total: TOTAL }))).toEqual([
      expect.stringMatching(/^block objective_query_refused shop: job:fine:5m is between 0 and 1 .*0\.0130/),
    ]);
  });

  it('one that was zero all the while → the day before tells', async () => {
    allow();
    first(/job:/, { points: () => 0 });
    first(/max_over_time\(\(job:fine:5m\)\[1d:/, { points: () => 0.4 });
    expect(await findings(ownQuery({ bad: 'job:fine:5m', total: TOTAL }))).toEqual([
      expect.stringMatching(/objective_query_refused shop: job:fine:5m is between 0 and 1/),
    ]);
  });

  it('recorded counts, and seconds that are less than one → nothing is found', async () => {
    allow();
    first(/job:|down_seconds/, { points: () => 3 });
    expect(await findings(ownQuery({ bad: 'job:errors:increase1m', total: TOTAL }))).toEqual([]);
    first(/down_seconds/, { points: () => 0.4 });
    expect(await findings(ownQuery({ bad: 'increase(down_seconds[$period])', total: TOTAL }))).toEqual([]);
  });

  it('bad and total swapped → refused: more than there is', async () => {
    allow();
    first(/increase\(total/, { points: () => 4 });
    expect(await findings([OWN])).toEqual([
      expect.stringMatching(/^block objective_query_refused shop: .* is more than .* cannot be a part of it/),
    ]);
  });

  it('an alert that only shows (dryRun) fires already → told, and blocks nothing', async () => {
    allow();
    prometheus.alerts = [
      { labels: { alertname: 'Slow', severity: 'info' }, state: 'firing', activeAt: '2026-11-21T00:00:00Z' },
    ];
    expect(await findings([], { alerts: [{ match: { severity: 'info' }, mode: 'dryRun' }] })).toEqual([
      expect.stringMatching(/^warn blocking_alert_firing Slow: .*only shows it/),
    ]);
  });

  it.each([
    [
      'does not parse',
      { code: 400, body: { status: 'error', errorType: 'bad_data', error: '1:3: parse error' } },
      /parse error/,
    ],
    ['has several series', { points: () => 1, series: 3 }, /3 series where one is expected/],
    ['has too many series', { points: () => 1, series: 2_001 }, /more than 2000 series/],
    [
      'is no matrix',
      { code: 200, body: { status: 'success', data: { resultType: 'vector', result: [] } } },
      /expected a matrix, got vector/,
    ],
    ['is between 0 and 1', { points: (at: number) => 0.2 + (at % 2) / 10 }, /a ratio, not a number of events/],
  ])('a query that %s → objective_query_refused, with query and answer', async (_what, answer, words) => {
    allow();
    first(/increase\(total/, answer);
    const [refused] = await findings([OWN]);
    expect(refused).toMatch(/^block objective_query_refused shop: sum\(increase\(total\[/);
    expect(refused).toMatch(words);
  });

  it('a parameter that is missing, a service level nobody knows → objective_query_refused', async () => {
    allow();
    expect(await findings([{ name: 'istio-availability', params: { namespace: 'a' } }])).toEqual([
      expect.stringMatching(/needs the parameter "workload"/),
    ]);
    expect(await findings(['chekout'])).toEqual([expect.stringMatching(/no service level is called "chekout"/)]);
  });

  it('no data → blocks where decisive, warns where it is only shown', async () => {
    allow();
    first(/increase\(total/, { points: () => null });
    expect(await findings([OWN])).toEqual([
      expect.stringMatching(/^block objective_without_data shop: .*0 of the last 10 periods/),
    ]);
    expect(await findings([{ ...OWN, mode: 'dryRun' }])).toEqual([
      expect.stringMatching(/^warn objective_without_data/),
    ]);
  });

  it('no data of a component with versions of its own → names those that have the metrics', async () => {
    allow();
    first(/istio/, { points: () => null });
    const params = { namespace: 'shop', workload: 'checkout' };
    expect(await remedies([{ name: 'istio-latency', params }])).toContainEqual(
      expect.stringContaining('(they are those of Istio >=1.5)'),
    );
  });

  it('a metric that nobody has → objective_without_data: it could never find anything', async () => {
    allow();
    first(/count\(bad\)/, { points: () => null });
    expect(await findings([OWN])).toEqual([
      expect.stringMatching(/^block objective_without_data shop: no series is called bad/),
    ]);
  });

  it('a period shorter than two scrapes → objective_period_too_short, with one that would do', async () => {
    allow();
    first(/increase/, { points: () => null });
    first(/count_over_time/, { points: () => 60 });
    expect(await findings([OWN], { period: '15s' })).toEqual([
      expect.stringMatching(/^block objective_period_too_short shop: samples come every 60 s/),
    ]);
  });

  it('an alert that blocks fires already → blocking_alert_firing', async () => {
    allow();
    prometheus.alerts = [
      { labels: { alertname: 'Down', severity: 'critical' }, state: 'firing', activeAt: '2026-11-21T00:00:00Z' },
    ];
    expect(await findings([], { alerts: [{ match: { severity: 'critical' } }] })).toEqual([
      expect.stringMatching(/^block blocking_alert_firing Down: fires since 2026/),
    ]);
  });

  it('a minor whose metrics are called otherwise → objective_not_measured_at_target', async () => {
    allow();
    first(/apiserver/, { points: () => 100 });
    expect(await findings(['apiserver-write-latency'], {}, '1.22.1')).toEqual([
      expect.stringMatching(/^warn objective_not_measured_at_target .*>=1\.26/),
    ]);
  });
});
