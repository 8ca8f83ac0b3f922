import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { compareGauge } from '@wavegate/analysis';
import { declaredGauge, readPlan } from '@wavegate/fleet';
import { PrometheusMetrics, type KubeAccess } from '@wavegate/kube';
import { checkObjectives } from '../../libs/kube/src/metrics/check-objectives.js';
import type { FakeApiServer } from '../../libs/kube/src/testing/fake-api-server.js';
import { startKubeWorld } from '../../libs/kube/src/testing/kube-world.js';
import { Alertmanager } from './world/alertmanager.js';
import { ChildPrograms } from './world/child-programs.js';
import { eventually, pause } from './world/eventually.js';
import { freePorts } from './world/free-ports.js';
import { programPath, PROMETHEUS_VERSION } from './world/obtained-programs.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

/** A sample each 15 s, of the last quarter of an hour: told with its own time, so that nobody has to wait for a past. */
const STEP_MS = 15_000;
const PAST_MS = 900_000;

let dir: string;
let programs: ChildPrograms;
let shop: Server;
let url: string;
let alertmanager: Alertmanager;
let api: FakeApiServer;
let kube: KubeAccess;

/** A workload that counts its requests; each page is the next moment of its past. */
function startShop(): Promise<number> {
  const from = Date.now() - PAST_MS;
  let page = 0;
  shop = createServer(async (_request, response) => {
    // On a busy machine some ask, and are gone before they are heard: their going is heard right after.
    await pause(10);
    if (response.destroyed) return;
    const at = from + page * STEP_MS;
    if (at <= Date.now()) page += 1;
    const shown = Math.min(at, Date.now() - 1_000);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    const metrics = {
      shop_requests_total: page * 300,
      shop_failures_total: page * 3,
      'shop_by_page_total{page="a"}': page,
    };
    const lines = Object.entries({
      ...metrics,
      'shop_by_page_total{page="b"}': page,
      shop_health: 0.01 + (page % 2) / 100,
    });
    response.end(lines.map(([name, value]) => `${name} ${value} ${shown}\n`).join(''));
  });
  return new Promise((done) => shop.listen(0, '127.0.0.1', () => done((shop.address() as AddressInfo).port)));
}

beforeAll(async () => {
  dir = makeRunFolder();
  ({ api, kube } = await startKubeWorld());
  const [target, [port = 0]] = [await startShop(), await freePorts(1)];
  url = `http://127.0.0.1:${port}`;
  const home = join(dir, 'prometheus');
  mkdirSync(home, { recursive: true });
  const alert = { alert: 'ShopDown', expr: 'vector(1)', labels: { severity: 'critical' } };
  // JSON is YAML.
  writeFileSync(join(home, 'rules.yml'), JSON.stringify({ groups: [{ name: 'g', interval: '1s', rules: [alert] }] }));
  const job = (name: string, at: string) => ({ job_name: name, static_configs: [{ targets: [at] }] });
  const config = {
    global: { scrape_interval: '250ms', scrape_timeout: '250ms', evaluation_interval: '1s' },
    rule_files: [join(home, 'rules.yml')],
    scrape_configs: [
      job('shop', `127.0.0.1:${target}`),
      { ...job('self', `127.0.0.1:${port}`), scrape_interval: '2s' },
    ],
  };
  writeFileSync(join(home, 'prometheus.yml'), JSON.stringify(config));
  programs = new ChildPrograms(home);
  programs.start('prometheus', programPath('prometheus', PROMETHEUS_VERSION), [
    ...[`--config.file=${join(home, 'prometheus.yml')}`, `--storage.tsdb.path=${join(home, 'data')}`],
    ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'],
  ]);
  alertmanager = await Alertmanager.start(dir);
  await eventually('the whole past to be scraped, itself seen, and the alert to fire', async () => {
    const values = await Promise.all(
      [
        'count(count_over_time(shop_requests_total[15m]) > 55)',
        'prometheus_build_info',
        'ALERTS{alertstate="firing"}',
      ].map(has),
    );
    return values.every(Boolean);
  });
}, 300_000);

afterAll(async () => {
  await programs?.stopAll();
  await alertmanager?.close();
  shop?.close();
  await api?.stop();
  if (dir) removeRunFolder(dir);
});

async function has(query: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as { data?: { result: object[] } };
  return (data?.result.length ?? 0) > 0;
}

/** What the cluster's admin allows; null: nothing was ever written. */
function allow(metrics: object | null): void {
  const metadata = { name: 'wavegate-metrics', namespace: 'wavegate' };
  api.put('/api/v1/configmaps', { metadata, data: metrics === null ? {} : { metrics: JSON.stringify(metrics) } });
}

const OWN = {
  name: 'shop',
  objective: 0.99,
  query: { bad: 'sum(increase(shop_failures_total[$period]))', total: 'sum(increase(shop_requests_total[$period]))' },
};
const queried = (total: string) => ({ ...OWN, query: { ...OWN.query, total } });

/** "severity code object" of a plan with these objectives. */
async function found(objectives: readonly unknown[], verdict: object = {}, target = '1.35.4'): Promise<string[]> {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: target }, verdict: { objectives, ...verdict } } });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const findings = await checkObjectives({ kube, namespace: 'wavegate', now: Date.now }, read.plan, target);
  return findings.map(({ severity, code, object }) => `${severity} ${code} ${object}`);
}

describe('the objectives of a plan, asked of a real Prometheus', () => {
  const there = () =>
    allow({
      sources: [{ name: 'cluster', url }],
      alertmanagers: [{ name: 'pager', url: alertmanager.url, labels: {} }],
    });
  const match = { node: '$node' };
  /** One Prometheus that writes nowhere else: said each time, and nothing else where all is well. */
  const SINGLE = 'warn metrics_source_single cluster';

  it('queries that have data, an Alertmanager that answers → nothing but that there is one replica', async () => {
    there();
    expect(await found([OWN], { silences: [{ match, alertmanager: 'pager' }] })).toEqual([SINGLE]);
  });

  it.each([
    [
      'does not parse',
      queried('sum(no_such_function(increase(shop_requests_total[$period])))'),
      'block objective_query_refused shop',
    ],
    ['has several series', queried('increase(shop_by_page_total[$period])'), 'block objective_query_refused shop'],
    ['is a share', queried('sum(shop_health)'), 'block objective_query_refused shop'],
    ['has no data', queried('sum(increase(nobody_total[$period]))'), 'block objective_without_data shop'],
  ])('a query that %s → named as it is', async (_what, objective, expected) => {
    there();
    expect(await found([objective])).toEqual(expect.arrayContaining([expected]));
  });

  it('a period shorter than two samples → objective_period_too_short', async () => {
    there();
    expect(await found([OWN], { period: '10s' })).toContain('block objective_period_too_short shop');
  });

  it('a minor whose metrics are called otherwise → objective_not_measured_at_target', async () => {
    there();
    expect(await found(['apiserver-write-latency'], {}, '1.22.1')).toContainEqual(
      expect.stringMatching(/^warn objective_not_measured_at_target/),
    );
  });

  it('an alert that blocks fires; one of another name does not → blocking_alert_firing', async () => {
    there();
    expect(await found([], { alerts: [{ match: { severity: 'critical' } }] })).toContain(
      'block blocking_alert_firing ShopDown',
    );
    expect(await found([], { alerts: [{ match: { severity: 'page' } }] })).toEqual([SINGLE]);
  });

  it('nothing is allowed, or a source of another name → metrics_source_missing; silences → silence_not_possible', async () => {
    allow(null);
    expect(await found([OWN])).toContainEqual(expect.stringMatching(/^block metrics_source_missing/));
    there();
    expect(await found([{ ...OWN, source: 'thanos' }])).toContain('block metrics_source_missing shop');
    expect(await found([OWN], { silences: [{ match, alertmanager: 'other' }] })).toContain(
      'warn silence_not_possible other',
    );
  });

  it('gauges: a share, a queue that grows, several series, none → measured and compared; only a warning where not', async () => {
    there();
    const grows = { name: 'grows', query: 'max(max_over_time(shop_requests_total[1m]))', params: {}, where: {} };
    const health = { name: 'health', query: 'avg(shop_health)', params: {}, where: {} };
    const wrong = { name: 'by-page', query: 'shop_by_page_total[1m]' };
    const queries = [grows, health, { ...wrong, query: `max_over_time(${wrong.query})` }];
    expect(await found([], { gauges: [...queries, { name: 'none', query: 'max(nobody)' }] })).toEqual([
      'warn gauge_not_measured by-page',
      'warn gauge_not_measured none',
    ]);
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const metrics = new PrometheusMetrics({ kube, namespace: 'wavegate', now: Date.now, log, probe: null });
    const [until, periodMs] = [Date.now() - 5_000, 5_000];
    const from = until - 60 * periodMs;
    const times = { from, until, periodMs, baselineUntil: from, baselinePeriods: 60, windowMs: 60 * periodMs };
    const measured = await metrics.gauges({ gauges: [grows, health].map(declaredGauge), ...times });
    expect(measured.map((gauge) => compareGauge(gauge)).map(({ name, state }) => [name, state])).toEqual([
      ['grows', 'higher'],
      ['health', 'same'],
    ]);
  });

  it('nobody listens there → metrics_source_unreachable', async () => {
    allow({ sources: [{ name: 'cluster', url: 'http://127.0.0.1:1' }] });
    expect(await found([OWN])).toEqual(['block metrics_source_unreachable cluster']);
  });
});
