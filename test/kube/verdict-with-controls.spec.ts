import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './world/eventually.js';
import { deedsOf, FleetWorld, kubelets, NEW, OLD } from './world/fleet-world.js';
import { judgements, untilPlayed } from './world/judged.js';
import { allowMetrics, Prometheus } from './world/prometheus.js';
import { Shop } from './world/shop.js';

/** One that is judged, and three in which nothing is changed. */
const NAMES = ['judged', 'peer-1', 'peer-2', 'peer-3'] as const;
/** One request of a hundred fails at rest, and one of twenty while something that they all need is ill. */
const AT_REST = 100;
const ILL = 20;
/** Long enough that peers answer within two of them on a machine that is much slower. */
const PERIOD_S = 8;
const REST_S = 12 * PERIOD_S + 10;

const SHOP = {
  name: 'shop-availability',
  objective: 0.998,
  query: {
    bad: 'sum(increase(http_requests_total{namespace="shop",code=~"5.."}[$period]))',
    total: 'sum(increase(http_requests_total{namespace="shop"}[$period]))',
  },
};

let world: FleetWorld;
let shops: Shop[];
let prometheus: Prometheus;

beforeAll(async () => {
  // Whose control plane went ahead: what is judged first is the node canary.
  world = await FleetWorld.start([
    { name: 'judged', version: NEW, workers: 2 },
    ...NAMES.slice(1).map((name) => ({ name, version: OLD, workers: 1 })),
  ]);
  const open = (name: string): Promise<Shop> => Shop.open(world.dir, name, { perSecond: 120, oneIn: AT_REST });
  shops = await Promise.all(NAMES.map(open));
  const watched = NAMES.map((name, at) => ({ cluster: world.member(name).cluster, shop: shops[at] as Shop }));
  prometheus = await Prometheus.start(world.dir, 'shared', watched);
  for (const name of NAMES) {
    await allowMetrics(world.member(name).cluster, { url: prometheus.url, labels: { cluster: name } });
  }
  await eventually(
    'a minute of traffic at rest',
    async () => ((await prometheus.value('min(count_over_time(http_requests_total[10m]))')) ?? 0) > REST_S * 2,
    { withinMs: 240_000 },
  );
});
afterAll(async () => {
  await Promise.all([...(shops ?? []).map((shop) => shop.close()), prometheus?.close()]);
  await world?.stop();
});

describe('a cluster under judgement and three that nothing was changed in', () => {
  it('errors rise fivefold in all of them → held and halted for a person, not rolled back, and the peers are in the evidence', async () => {
    const member = world.member('judged');
    await world.hub.call('PATCH', '/clusters/judged/labels', { labels: { canary: 'true' } });
    const id = await world.rollOut('elsewhere', {
      strategy: { waves: ['25%', '100%'], canaries: 'canary = true' },
      preflight: {
        severities: [
          { code: 'kubeadm_config_missing', set: 'waive', reason: 'played hosts', until: '2100-01-01T00:00:00Z' },
        ],
      },
      verdict: {
        // Peers that answer late on a busy machine are waited for; the comparison itself is asked for below.
        ...{
          objectives: [SHOP],
          period: `${PERIOD_S}s`,
          minSoak: `${6 * PERIOD_S}s`,
          window: `${15 * PERIOD_S}s`,
          withoutControls: 'hold',
        },
      },
    });
    const canary = await untilPlayed(member, 'kubelet', /^w-/);
    const phase = async () => (await judgements(member, id)).find((one) => one.phase === 'judgeCanary');
    await eventually('judging to begin', async () => (await phase()) !== undefined, { withinMs: 240_000 });
    await eventually(
      'peers to be compared with',
      () => member.agent.log.some(({ msg, order }) => msg === 'compared with peers' && order !== undefined),
      { withinMs: 120_000 },
    );
    await Promise.all(shops.map((shop) => shop.failOneIn(ILL)));

    const outcome = await eventually('it to end', async () => (await world.seen(id, 'judged')).outcome ?? false, {
      withinMs: 420_000,
    });
    expect(outcome.kind).toBe('halted');
    const decided = (await phase())?.verdict;
    expect(decided?.kind).toBe('inconclusive');
    expect(decided?.reasons.map(({ code }) => code)).not.toContain('slo_fast_burn');
    const [shop] = decided?.slis ?? [];
    expect(shop?.comparison?.peers).toBe(3);
    // The errors were really there: alone it would have been rolled back in the second period.
    expect((shop?.bad ?? 0) / (shop?.total ?? 1)).toBeGreaterThan(2 / AT_REST);
    expect(deedsOf(member).effects.filter((effect) => effect.startsWith('kubeletRollback'))).toEqual([]);
    expect(await kubelets(member)).toMatchObject({ [canary]: NEW });
    for (const name of NAMES.slice(1)) expect(deedsOf(world.member(name)).jobs).toEqual([]);
  });
});
