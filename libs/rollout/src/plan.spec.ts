import { describe, expect, it } from '@jest/globals';
import type { Cluster } from '@wavegate/fleet';
import { plan } from './plan.js';
import { cluster, fleetOf, MONDAY_8, planOf, rolloutOf } from './testing/fleet-fixture.js';

const sizes = (shares: string[], count: number): number[] =>
  plan(planOf({ strategy: { waves: shares } }), fleetOf(count)).waves.map(({ clusterIds }) => clusterIds.length);
import { Story } from './testing/story-teller.js';

describe('waves', () => {
  const standard = ['5%', '25%', '50%', '100%'];
  it.each([
    [38, standard, [2, 8, 9, 19]],
    [100, standard, [5, 20, 25, 50]],
    [10, standard, [1, 2, 2, 5]],
    [8, ['12.5%', '100%'], [1, 7]],
    [1000, ['0.1%', '100%'], [1, 999]],
    [3, ['33.4%', '100%'], [2, 1]],
  ])('%i clusters over %j → %j, cumulative and rounded up', (count, shares, expected) => {
    expect(sizes(shares, count)).toEqual(expected);
  });

  it('a share that adds nobody is dropped, and the rest are numbered without a gap', () => {
    const { waves } = plan(planOf(), fleetOf(2));
    expect(waves.map(({ index, share }) => [index, share])).toEqual([
      [1, '5%'],
      [2, '100%'],
    ]);
  });

  it('the approvals of a dropped wave are asked for before the next kept one', () => {
    const gates = { soak: { default: '0s' }, approvals: [{ beforeWave: 3, count: 2 }] };
    const story = new Story('x', rolloutOf({ gates }, fleetOf(2)))
      .happens({ kind: 'started' })
      .works(5)
      .judges('promote');
    expect(story.last?.actions).toContainEqual({ kind: 'askApproval', wave: 2, have: 0, need: 2 });
  });

  it('tolerates nothing in the first wave, then 5 % of the wave but at least one', () => {
    const { head } = rolloutOf({}, fleetOf(100));
    expect(head.waves.map(({ tolerated }) => tolerated)).toEqual([0, 1, 1, 2]);
  });

  it.each([
    ['10%', 100, 10],
    ['10%', 4, 1],
    [7, 100, 7],
  ])('maxInFlight %s of %i clusters → %i', (maxInFlight, count, expected) => {
    expect(rolloutOf({ strategy: { maxInFlight } }, fleetOf(count)).head.maxInFlight).toBe(expected);
  });
});

describe('order', () => {
  const fleet = fleetOf(24, (i) => ({
    labels: {
      env: ['dev', 'staging', 'prod', 'lab'][i % 4] ?? '',
      region: `r${i % 3}`,
      canary: i === 22 ? 'true' : 'false',
    },
  }));
  const wish = planOf({
    strategy: { canaries: 'canary = true', rings: ['env=dev', 'env=staging', 'env=prod'], spreadBy: ['region'] },
  });
  const { taking } = plan(wish, fleet);

  it('a canary goes first whatever its ring, and no barrier holds it', () => {
    expect(taking[0]).toMatchObject({ clusterId: 'c-023', ring: null, wave: 1, labels: { env: 'prod' } });
  });

  it('rings follow each other, and clusters of no ring come last', () => {
    const rings = taking.slice(1).map(({ ring }) => ring);
    expect(rings).toEqual([...rings].sort());
    expect(taking.filter(({ ring }) => ring === 3).map(({ labels }) => labels['env'])).toEqual(Array(6).fill('lab'));
  });

  it('inside a ring the regions take turns', () => {
    const dev = taking.filter(({ ring }) => ring === 0).map(({ labels }) => labels['region']);
    expect(new Set(dev.slice(0, 3)).size).toBe(3);
    expect(new Set(dev.slice(3, 6)).size).toBe(3);
  });

  it('large and small clusters, and two minors, take turns too', () => {
    const mixed = fleetOf(8, (i) => ({ nodes: i % 2 ? 3 : 30, version: i < 4 ? '1.34.4' : '1.34.1' }));
    const nodes = plan(planOf(), mixed).taking.map((taken) => taken.nodes);
    for (let pair = 0; pair < nodes.length; pair += 2) expect(new Set(nodes.slice(pair, pair + 2)).size).toBe(2);
  });

  it('does not depend on the order of the list, and another plan begins with others', () => {
    const order = (clusters: Cluster[], of = wish): string[] =>
      plan(of, clusters).taking.map(({ clusterId }) => clusterId);
    expect(order([...fleet].reverse())).toEqual(order(fleet));
    const other = planOf({ target: { kubernetes: '1.35.5' }, strategy: wish.spec.strategy });
    expect(order(fleet, other)).not.toEqual(order(fleet));
  });
});

describe('who takes part', () => {
  const odd: Cluster[] = [
    cluster({ name: 'there', version: '1.35.4' }),
    cluster({ name: 'newer', version: '1.36.0' }),
    cluster({ name: 'far', version: '1.32.2' }),
    cluster({ name: 'unloved' }),
    { ...cluster({ name: 'silent' }), facts: null },
    { ...cluster({ name: 'edge' }), facts: { ...cluster({ name: 'edge' }).facts!, driver: 'none' } },
    cluster({ name: 'elsewhere', labels: { team: 'sandbox' } }),
    cluster({ name: 'taking' }),
  ];
  const wish = planOf({ clusters: { selector: 'team != sandbox', exclude: ['unloved'] } });

  it('every cluster of the selector takes part or is named with its reason', () => {
    const { taking, left } = plan(wish, odd, MONDAY_8);
    expect(taking.map(({ clusterId }) => clusterId)).toEqual(['taking']);
    expect(left.map(({ clusterId, reason }) => [clusterId, reason.code])).toEqual([
      ['edge', 'driver_missing'],
      ['far', 'hop_impossible'],
      ['newer', 'hop_impossible'],
      ['silent', 'facts_missing'],
      ['there', 'already_at_target'],
      ['unloved', 'excluded_by_plan'],
    ]);
  });

  it('a cluster two minors behind takes two hops where the plan names the minor between', () => {
    const via = planOf({ target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } } });
    const [taken] = plan(via, [cluster({ name: 'old', version: '1.33.1' })]).taking;
    expect(taken?.hops.map(({ from, to }) => [from, to])).toEqual([
      ['1.33.1', '1.34.4'],
      ['1.34.4', '1.35.4'],
    ]);
  });
});
