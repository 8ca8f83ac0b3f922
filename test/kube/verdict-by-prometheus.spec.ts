import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { recompute, type VerdictEvidence } from '@wavegate/analysis';
import { declaredGauge, declaredObjective, withPromLabels, withPromPeriod, type Verdict } from '@wavegate/fleet';
import { SLI_LIBRARY } from '@wavegate/kube';
import { GAUGE_LIBRARY } from '../../libs/kube/src/metrics/gen/sli-library.js';
import { gaugeQuestionOf } from '../../libs/kube/src/metrics/gauge-query.js';
import { questionOf, resetsOf } from '../../libs/kube/src/metrics/sli-query.js';
import { Alertmanager } from './world/alertmanager.js';
import { eventually } from './world/eventually.js';
import { deedsOf, FleetWorld, kubelets, NEW, OLD, type PlanChanges } from './world/fleet-world.js';
import { judgements, untilPlayed } from './world/judged.js';
import { allowMetrics, Prometheus } from './world/prometheus.js';
import { Shop } from './world/shop.js';

const NAMES = ['burns', 'later', 'committed', 'blind'] as const;
type Name = (typeof NAMES)[number];

/** One request of a hundred fails at rest; five of a hundred is what an upgrade must not leave behind. */
const AT_REST = 100;
const FIVE_TIMES = 20;
const SHOP = {
  name: 'shop-availability',
  objective: 0.998,
  query: {
    bad: 'sum(increase(http_requests_total{namespace="shop",code=~"5.."}[$period]))',
    total: 'sum(increase(http_requests_total{namespace="shop"}[$period]))',
  },
};
/** Measured, not counted: it is in the verdict, and decides nothing. */
const RATE = { name: 'shop-rate', query: 'sum(rate(http_requests_total{namespace="shop"}[10s]))' };
/** An objective that so little traffic can prove within a few periods. */
const API_SERVER = { name: 'apiserver-availability', objective: 0.9 };
/** On a quiet machine these take a minute; beside others' labs an API server alone takes half a minute to start. */
const LOADED_MS = 420_000;
/** Twelve periods at rest: enough to compare with. */
const REST_S = 26;

let world: FleetWorld;
let shops: Record<Name, Shop>;
let shared: Prometheus;
let own: Prometheus;
let pager: Alertmanager;

/** The hosts are played: there is no kubeadm that would want its configuration. */
const NO_KUBEADM = {
  severities: [{ code: 'kubeadm_config_missing', set: 'waive', reason: 'played hosts', until: '2100-01-01T00:00:00Z' }],
};

function judged(among: readonly Name[], changes: PlanChanges = {}, verdict: object = {}): PlanChanges {
  const exclude = NAMES.filter((name) => !among.includes(name));
  const times = { window: '60s', period: '2s', minSoak: '8s' };
  return {
    clusters: { exclude },
    preflight: NO_KUBEADM,
    verdict: { objectives: [SHOP], ...times, ...verdict },
    ...changes,
  };
}

/** The verdict of that kind, with all that it rests on. */
async function verdictOf(name: Name, rollout: string, kind: string) {
  return (await judgements(world.member(name), rollout)).find(({ verdict }) => verdict?.kind === kind)?.verdict;
}

/** How many periods it took; one of which a busy machine's Prometheus has no sample shows nobody anything. */
function periodsSeen(verdict: Verdict | null | undefined): number {
  return (verdict?.period ?? Infinity) - (verdict?.slis[0]?.missing ?? 0);
}

async function untilEnded(name: Name, rollout: string, withinMs = LOADED_MS) {
  return eventually(`${name} to end`, async () => (await world.seen(rollout, name)).outcome ?? false, { withinMs });
}

beforeAll(async () => {
  world = await FleetWorld.start([
    // Whose control plane went ahead: what is judged first is the node canary.
    { name: 'burns', version: NEW, workers: 3 },
    { name: 'later', version: OLD, workers: 2 },
    { name: 'committed', version: OLD, workers: 2 },
    { name: 'blind', version: NEW, workers: 2 },
  ]);
  const opened = NAMES.map(
    async (name) => [name, await Shop.open(world.dir, name, { perSecond: 120, oneIn: AT_REST })] as const,
  );
  shops = Object.fromEntries(await Promise.all(opened)) as Record<Name, Shop>;
  const watched = (name: Name) => ({
    cluster: world.member(name).cluster,
    shop: shops[name],
    apiServer: name === 'later',
  });
  shared = await Prometheus.start(world.dir, 'shared', (['burns', 'later', 'committed'] as const).map(watched));
  own = await Prometheus.start(world.dir, 'own', [watched('blind')]);
  pager = await Alertmanager.start(world.dir);
  const alertmanagers = [{ name: 'pager', url: pager.url, labels: { cluster: 'later' } }];
  for (const name of NAMES) {
    const source = name === 'blind' ? { url: own.url } : { url: shared.url, labels: { cluster: name } };
    await allowMetrics(world.member(name).cluster, source, { alertmanagers });
  }
  await eventually(
    'half a minute of traffic at rest',
    async () => ((await shared.value('min(count_over_time(http_requests_total[10m]))')) ?? 0) > REST_S * 2,
    { withinMs: 240_000 },
  );
});
afterAll(async () => {
  await Promise.all([
    ...Object.values(shops ?? {}).map((shop) => shop.close()),
    shared?.close(),
    own?.close(),
    pager?.close(),
  ]);
  await world?.stop();
});

/** A value for each parameter that has no usual one, with what a careless query would trip over. */
const STRANGE = 'a"b\\c.*';

describe('the library of service levels in a real Prometheus', () => {
  it('each question of each → parsed, also with labels of a shared store and parameters that need escaping', async () => {
    const answers: Record<string, string> = {};
    for (const { name, params } of SLI_LIBRARY) {
      const given = params.filter((one) => one.default === null).map((one) => [one.name, STRANGE]);
      const declared = { ...declaredObjective(name), params: Object.fromEntries(given) };
      const question = questionOf(declared);
      if ('problem' in question) throw new Error(question.problem);
      for (const part of [question.bad ?? question.good ?? '', question.total, resetsOf(question.total)]) {
        if (part === null) continue;
        const text = withPromPeriod(withPromLabels(part, { cluster: 'later' }), 60_000);
        const answer = await shared.parsed(text);
        if (answer !== 'success') answers[text] = answer;
      }
    }
    for (const { name } of GAUGE_LIBRARY) {
      const question = gaugeQuestionOf({ ...declaredGauge(name), where: { cluster: 'later' } });
      if ('problem' in question) throw new Error(question.problem);
      const answer = await shared.parsed(withPromPeriod(question.query, 60_000));
      if (answer !== 'success') answers[question.query] = answer;
    }
    expect(answers).toEqual({});
    expect([SLI_LIBRARY.length > 17, GAUGE_LIBRARY.length > 3]).toEqual([true, true]);
    expect(await shared.parsed('sum(increase(x[60s])')).toMatch(/parse error/);
  });

  it.each(['apiserver-availability', 'apiserver-write-latency', 'apiserver-read-latency', 'etcd-commit'])(
    '%s of a real API server and etcd → counts, and no more good or bad ones than all',
    async (name) => {
      const question = questionOf(declaredObjective(name));
      if ('problem' in question) throw new Error(question.problem);
      const asked = (query: string) =>
        shared.value(withPromPeriod(withPromLabels(query, { cluster: 'later' }), 60_000));
      const total = await eventually(`events of ${name}`, async () => ((await asked(question.total)) ?? 0) > 0, {
        withinMs: 120_000,
      }).then(() => asked(question.total));
      const part = await asked(question.good ?? question.bad ?? '');
      if (question.good !== null) expect(part).toBeGreaterThan(0);
      expect(part ?? 0).toBeLessThanOrEqual((total ?? 0) * 1.2 + 1);
    },
  );

  it.each(['apiserver-memory', 'apiserver-inflight', 'etcd-db-size'])(
    'the gauge %s of a real API server and etcd → one number',
    async (name) => {
      const question = gaugeQuestionOf(declaredGauge({ name, params: {}, where: { cluster: 'later' } }));
      if ('problem' in question) throw new Error(question.problem);
      const asked = (): Promise<number | null> => shared.value(withPromPeriod(question.query, 60_000));
      expect(await eventually(`a number of ${name}`, asked, { withinMs: 120_000 })).toBeGreaterThanOrEqual(0);
    },
  );
});

describe('a plan that this Prometheus cannot answer', () => {
  it('a metric that nobody has, a series per code → the start is refused with query, answer and remedy; nothing is stored', async () => {
    const none = 'sum(increase(http_request_total{namespace="shop"}[$period]))';
    const perCode = { ...SHOP.query, total: SHOP.query.total.replace('sum(', 'sum by (code) (') };
    const objectives = [
      { ...SHOP, name: 'misspelt', query: { bad: none, total: none } },
      { ...SHOP, name: 'per-code', query: perCode },
    ];
    const refusal = await world.rollOut('unmeasured', judged(['later', 'burns'], {}, { objectives })).catch(String);
    expect(refusal).toMatch(/422 .*objectives-not-measurable.*2 of 2 clusters/);
    expect(refusal).toMatch(
      /objectives\/0","code":"objective_without_data","detail":"[^:]*: misspelt: .*http_request_total/,
    );
    expect(refusal).toMatch(
      /objectives\/1","code":"objective_query_refused","detail":"[^:]*: per-code: .*sum by \(code\)/,
    );
    expect((await world.hub.call<{ items: unknown[] }>('GET', '/rollouts')).items).toEqual([]);
  });
});

describe('verdicts by a real Prometheus', () => {
  let blind: Promise<void>;

  it('errors rise fivefold after the node canary, the hub away → the agent takes the worker back by itself, later waves never start', async () => {
    blind = prometheusStopsDuringTheSoak();
    const member = world.member('burns');
    await world.hub.call('PATCH', '/clusters/burns/labels', { labels: { canary: 'true' } });
    const id = await world.rollOut(
      'burns',
      judged(['burns', 'later'], { strategy: { waves: ['50%', '100%'], canaries: 'canary = true' } }),
    );
    const canary = await untilPlayed(member, 'kubelet', /^w-/);
    await shops.burns.failOneIn(FIVE_TIMES);
    await world.hub.kill();
    await untilPlayed(member, 'kubeletRollback', new RegExp(`^${canary}$`));
    await shops.burns.failOneIn(AT_REST);
    await eventually(
      'the agent to end the order by itself',
      () => member.agent.log.some(({ msg, rollout }) => msg === 'order is over' && rollout === id),
      { withinMs: 240_000 },
    );
    await world.hub.start();

    expect((await untilEnded('burns', id)).kind).toBe('rolledBack');
    const decided = await verdictOf('burns', id, 'rollback');
    expect(decided?.reasons[0]).toMatchObject({ code: 'slo_fast_burn', params: { objective: SHOP.name } });
    expect(periodsSeen(decided)).toBeLessThanOrEqual(5);
    expect(decided?.slis[0]?.queries).toEqual({ bad: SHOP.query.bad, total: SHOP.query.total });
    expect(await kubelets(member)).toMatchObject({ [canary]: OLD });
    expect(deedsOf(world.member('later')).jobs).toEqual([]);
    expect((await world.rollout(id)).waves.map(({ upgraded }) => upgraded)).toEqual([0, 0]);
    await world.hub.call('POST', `/rollouts/${id}/abort`);
    await world.untilState(id, 'aborted');
  });

  it('Prometheus stops during the soak → held, then inconclusive, never promoted', async () => {
    await blind;
  });

  it('a control plane upgraded whose errors rise, and one that is sound → halted truthfully; promoted with evidence, its counters reset', async () => {
    // With the default allowance of three minutes: the agent's own probe sees the API server up, so nothing is covered.
    const halted = await world.rollOut('committed', judged(['committed']));
    // Under work until its alert was looked at.
    const release = world.member('later').player.hangNext('kubelet', 'w-1');
    const sound = await world.rollOut(
      'sound',
      judged(
        ['later'],
        {},
        {
          ...{ objectives: [SHOP, API_SERVER], period: '6s', minSoak: '12s', window: '120s', gauges: [RATE] },
          ...{ silences: [{ match: { node: '$node' } }], alerts: [{ match: { severity: 'critical' } }] },
        },
      ),
    );
    await Promise.all([
      burnsAfterTheControlPlane(halted),
      promotesWithEvidence(sound),
      silencesTheNodeUnderWork().finally(release),
    ]);
    // Each for one node of one cluster, in its time, and over with the work.
    await eventually('no silence to be left', async () => (await pager.silences()).left.length === 0);
    const { made } = await pager.silences();
    expect(new Set(made.map(({ labels }) => labels))).toEqual(
      new Set(['cp-1', 'w-1', 'w-2'].map((node) => `cluster=later, node=${node}, severity!=critical`)),
    );
    expect(
      made.every(({ createdBy, comment }) => createdBy === 'wavegate' && comment.includes(`rollout ${sound}`)),
    ).toBe(true);
    expect(await pager.state({ alertname: 'NodeNotReady', cluster: 'later', node: 'w-1' })).toBe('active');
  }, 600_000);
});

async function prometheusStopsDuringTheSoak(): Promise<void> {
  const member = world.member('blind');
  const id = await world.rollOut('blind', judged(['blind'], {}, { window: '40s', minSoak: '20s' }));
  await untilPlayed(member, 'kubelet', /^w-/);
  await eventually(
    'judging to begin',
    async () => (await judgements(member, id)).some(({ phase }) => phase === 'judgeCanary'),
    { withinMs: 240_000 },
  );
  await own.stop();
  const outcome = await untilEnded('blind', id, 240_000);
  expect(outcome.kind).toBe('halted');
  const decided = await verdictOf('blind', id, 'inconclusive');
  expect(decided?.reasons).toContainEqual(expect.objectContaining({ code: 'no_data' }));
  expect(decided?.slis[0]?.causes?.unreachable).toBeGreaterThan(0);
  expect((await judgements(member, id)).map(({ verdict }) => verdict?.kind)).not.toContain('promote');
  // The node that was judged is the only one that was touched.
  expect(deedsOf(member).effects.filter((effect) => effect.startsWith('kubelet/w-'))).toHaveLength(1);
}

async function burnsAfterTheControlPlane(id: string): Promise<void> {
  await untilPlayed(world.member('committed'), 'controlPlane', /^cp-1$/);
  await shops.committed.failOneIn(FIVE_TIMES);
  const outcome = await untilEnded('committed', id);
  expect(outcome.kind).toBe('halted');
  expect(outcome.text).toMatch(/no rung of the rollback ladder applies|shop-availability burns/);
  expect(outcome.text).toContain(`apiserver ${NEW}`);
  expect(outcome.text).toContain(`kubelet ${OLD} ×3`);
  expect(periodsSeen(await verdictOf('committed', id, 'rollback'))).toBeLessThanOrEqual(5);
  expect(Object.values(await kubelets(world.member('committed')))).toEqual([OLD, OLD, OLD]);
}

/** Four alerts fire all the time: only that of the node under work, of this cluster, and not the blocking one, is silenced. */
async function silencesTheNodeUnderWork(): Promise<void> {
  const warning = { alertname: 'NodeNotReady', cluster: 'later', node: 'w-1' };
  const others = [
    { ...warning, cluster: 'burns' },
    { ...warning, node: 'w-9' },
    { ...warning, severity: 'critical' },
  ];
  await pager.fire([warning, ...others]);
  await eventually('the alert of w-1 to be silenced', async () => (await pager.state(warning)) === 'suppressed', {
    ...{ withinMs: LOADED_MS, everyMs: 100 },
  });
  for (const labels of others) expect(await pager.state(labels)).toBe('active');
}

async function promotesWithEvidence(id: string): Promise<void> {
  await world.untilState(id, 'finished', LOADED_MS);
  expect((await world.seen(id, 'later')).outcome).toMatchObject({ kind: 'upgraded' });
  // Batches of workers after the canary are judged by their gates alone, until the last.
  const all = (await judgements(world.member('later'), id)).filter(({ verdict }) => verdict !== null);
  expect(all.map(({ phase, verdict }) => [phase, verdict?.kind])).toEqual(
    ['judgeControlPlane', 'judgeCanary', 'judgeFinal'].map((phase) => [phase, 'promote']),
  );
  const [first] = all;
  expect(first?.verdict?.slis.map(({ name, state }) => [name, state])).toEqual([
    [SHOP.name, 'good'],
    [API_SERVER.name, 'good'],
    ['apiserver-probe', expect.any(String)],
  ]);
  const shop = first?.verdict?.slis[0];
  expect(shop?.total).toBeGreaterThan(500);
  expect((shop?.bad ?? 0) / (shop?.total ?? 1)).toBeCloseTo(1 / AT_REST, 2);
  // In every phase, and measured where the source answered in time: gauges are not waited for.
  expect(all.map(({ verdict }) => verdict?.gauges?.map(({ name }) => name))).toEqual(all.map(() => [RATE.name]));
  const measured = all.find(({ verdict }) => verdict?.gauges?.some(({ before, now }) => before > 0 && now > 0));
  const states = expect.stringMatching(/^(same|higher|lower|tooFew)$/) as unknown as string;
  expect(measured?.verdict?.gauges).toMatchObject([{ ...RATE, state: states }]);
  const kept = `/rollouts/${id}/verdicts/later/evidence?phase=${measured?.phase ?? ''}`;
  const evidence = await world.hub.call<VerdictEvidence>('GET', kept);
  expect([evidence.input.gauges?.map(({ name }) => name), recompute(evidence).differences]).toEqual([[RATE.name], []]);
  // The counters of its API server began anew with its restart: they really did, and nobody took that for harm.
  expect(await shared.value('sum(resets(apiserver_request_total{cluster="later"}[1h]))')).toBeGreaterThan(0);
  const probed = world.member('later').agent.log.filter(({ msg }) => msg === 'API server answers again');
  expect(probed.length).toBeGreaterThan(0);
  expect(Number(probed[0]?.disruptionSeconds)).toBeGreaterThan(0);
}
