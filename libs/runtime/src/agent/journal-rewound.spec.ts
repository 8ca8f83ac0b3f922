import { describe, expect, it } from '@jest/globals';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder } from './testing/sample-order.js';

/** A world whose agent died in the middle of an order of epoch 1, as a restore of etcd brings it back. */
async function restoredMidOrder(): Promise<AgentWorld> {
  const world = new AgentWorld();
  const agent = world.start();
  await world.clock.run(1_000);
  world.hub.order(sampleOrder());
  await world.clock.run(60_000);
  agent.kill();
  // What was under way on a node runs on without its agent.
  await world.clock.run(5 * 60_000);
  return world;
}

describe('a cluster that was restored to a moment in the middle of an order', () => {
  it('the hub holds the order for over → nothing of it is done again, it ends as journal_rewound and opens its nodes', async () => {
    const world = await restoredMidOrder();
    const effects = [...world.cluster.effects];
    world.cluster.change('w-1', { cordoned: true, cordonedBy: sampleOrder().id });
    world.hub.settledEpoch = 4;
    world.start();
    expect(await world.untilOutcome()).toBe(true);
    await world.clock.run(10 * 60_000);
    expect(world.hub.told('outcome')).toMatchObject([
      {
        epoch: 1,
        outcome: { kind: 'halted', reason: { code: 'journal_rewound', params: { known: 4, found: 1 } }, cordoned: [] },
      },
    ]);
    expect(world.cluster.effects).toEqual(effects);
    expect((await world.journals.list()).map(({ journal }) => journal.state)).toEqual(['done']);
    expect(world.errors).toEqual([expect.stringContaining('the cluster was restored')]);
  });

  it('orders up to that epoch are refused, a newer one is carried out', async () => {
    const world = await restoredMidOrder();
    world.hub.settledEpoch = 4;
    world.start();
    await world.untilOutcome();
    world.hub.order(sampleOrder({ id: 'b'.repeat(32), epoch: 4 }));
    await world.clock.run(5_000);
    expect(world.hub.told('orderRefused')).toMatchObject([{ reason: { code: 'epoch_too_old', params: { known: 4 } } }]);
    world.hub.order(sampleOrder({ id: 'c'.repeat(32), epoch: 5 }));
    expect(await world.untilOutcome(24 * 3_600_000, 2)).toBe(true);
    expect(world.hub.told('outcome').at(-1)).toMatchObject({ epoch: 5, outcome: { kind: 'upgraded' } });
  });

  it('an order that was accepted and never begun → let go, and none of its steps', async () => {
    const world = new AgentWorld();
    world.hub.confirms = false;
    const agent = world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(2_000);
    agent.kill();
    world.hub.settledEpoch = 1;
    world.start();
    await world.clock.run(5_000);
    expect((await world.journals.list()).map(({ journal }) => journal.state)).toEqual(['withdrawn']);
    expect(world.cluster.effects).toEqual([]);
  });

  it('the hub comes seconds after the agent → nothing is begun before it has spoken', async () => {
    const world = await restoredMidOrder();
    const effects = [...world.cluster.effects];
    world.hub.settledEpoch = 4;
    world.hub.away = 'unreachable';
    world.start();
    await world.clock.run(15_000);
    expect(world.cluster.effects).toEqual(effects);
    world.hub.away = null;
    expect(await world.untilOutcome()).toBe(true);
    expect(world.cluster.effects).toEqual(effects);
  });

  it('a hub that knows the order as running, or does not come at all → it is carried on', async () => {
    const known = await restoredMidOrder();
    known.start();
    expect(await known.untilOutcome()).toBe(true);
    expect(known.hub.told('outcome')).toMatchObject([{ outcome: { kind: 'upgraded' } }]);
    const alone = await restoredMidOrder();
    const before = alone.cluster.effects.length;
    alone.hub.away = 'unreachable';
    alone.start();
    await alone.clock.run(10 * 60_000);
    expect(alone.cluster.effects.length).toBeGreaterThan(before);
  });
});
