import { describe, expect, it } from '@jest/globals';
import { reason, type Order } from '@wavegate/fleet';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder, START } from './testing/sample-order.js';

async function connected(changes: Parameters<AgentWorld['start']>[0] = {}): Promise<AgentWorld> {
  const world = new AgentWorld();
  world.hub.confirms = false;
  world.start(changes);
  await world.clock.run(1_000);
  return world;
}

describe('orders that are refused before anything is touched', () => {
  it.each<[string, Order, string]>([
    ['the order is for another cluster', sampleOrder({ clusterUid: 'uid-2' }), 'cluster_uid_mismatch'],
    ['its start time has passed', sampleOrder({ startBy: START - 1 }), 'order_expired'],
    ['its kind is one of a newer release', sampleOrder({ kind: 'teleport' as 'drain' }), 'order_unknown_kind'],
    ['its kind needs arguments and has none', sampleOrder({ kind: 'drain' }), 'order_malformed'],
    ['its arguments are of another kind', sampleOrder({ args: { kind: 'preflight' } }), 'order_malformed'],
    ['its schema is newer', { ...sampleOrder(), schema: 2 as 1 }, 'schema_too_new'],
    ['its plan is not the one its digest names', sampleOrder({ planDigest: 'f'.repeat(64) }), 'plan_digest_mismatch'],
  ])('%s → %s', async (_situation, order, code) => {
    const world = await connected();
    world.hub.order(order);
    await world.clock.run(1_000);
    expect(world.hub.told('orderRefused')).toMatchObject([{ reason: { code } }]);
    expect(await world.journals.list()).toEqual([]);
  });

  it('the local policy refuses → its reason is told', async () => {
    const world = await connected({ policy: { refuses: async () => reason('local_policy', { rule: 'freeze' }) } });
    world.hub.order(sampleOrder());
    await world.clock.run(1_000);
    expect(world.hub.told('orderRefused')).toMatchObject([{ reason: { code: 'local_policy' } }]);
  });

  it('an order is running → another is refused with agent_busy', async () => {
    const world = await connected();
    world.hub.confirms = true;
    world.hub.order(sampleOrder());
    await world.clock.run(10_000);
    world.hub.order(sampleOrder({ epoch: 2 }));
    await world.clock.run(20_000);
    expect(world.hub.told('orderRefused')).toMatchObject([{ reason: { code: 'agent_busy' } }]);
  });

  it('I5 an epoch that is not newer than any seen → refused with epoch_too_old', async () => {
    const world = await connected();
    world.hub.order(sampleOrder({ epoch: 5 }));
    await world.clock.run(1_000);
    world.hub.order(sampleOrder({ epoch: 4 }));
    world.hub.order(sampleOrder({ epoch: 5, id: 'e'.repeat(32) }));
    await world.clock.run(1_000);
    expect(world.hub.told('orderRefused')).toMatchObject([
      { reason: { code: 'epoch_too_old', params: { epoch: 4, known: 5 } } },
      { reason: { code: 'epoch_too_old' } },
    ]);
  });
});

describe('between acceptance and start', () => {
  it('never confirmed → nothing starts; after startBy it is let go and said so', async () => {
    const world = await connected();
    world.hub.order(sampleOrder());
    await world.clock.run(700_000);
    expect(world.cluster.effects).toEqual([]);
    expect(world.hub.told('orderRefused')).toMatchObject([{ reason: { code: 'order_expired' } }]);
    expect((await world.journals.list())[0]?.journal.state).toBe('withdrawn');
  });

  it('let go, and the hub still confirms: it has not heard → it is told again how it ended', async () => {
    const world = await connected();
    const { id, epoch } = sampleOrder();
    world.hub.order(sampleOrder());
    await world.clock.run(700_000);
    const before = world.hub.told('orderRefused').length;
    world.hub.say({ kind: 'confirm', orderId: id, epoch });
    await world.clock.run(1_000);
    expect(world.hub.told('orderRefused').length).toBe(before + 1);
    expect(world.cluster.effects).toEqual([]);
  });

  it('a confirmation of an order that no journal knows → withdrawn, not started', async () => {
    const world = await connected();
    world.hub.say({ kind: 'confirm', orderId: 'f'.repeat(32), epoch: 3 });
    await world.clock.run(1_000);
    expect(world.hub.told('orderWithdrawn')).toMatchObject([{ orderId: 'f'.repeat(32), started: false }]);
  });

  it('a confirmation of another epoch → does not start it', async () => {
    const world = await connected();
    const { id } = sampleOrder();
    world.hub.order(sampleOrder());
    world.hub.say({ kind: 'confirm', orderId: id, epoch: 2 });
    await world.clock.run(60_000);
    expect(world.cluster.effects).toEqual([]);
  });

  it('withdrawn before the confirmation, which arrives late → never starts', async () => {
    const world = await connected();
    const { id } = sampleOrder();
    world.hub.order(sampleOrder());
    world.hub.say({ kind: 'withdraw', orderId: id, epoch: 1, reason: reason('order_withdrawn') });
    world.hub.say({ kind: 'confirm', orderId: id, epoch: 1 });
    await world.clock.run(60_000);
    expect(world.cluster.effects).toEqual([]);
    // Once for the withdrawal, and again for the confirmation of a hub that has not heard it yet.
    const told = { orderId: id, started: false };
    expect(world.hub.told('orderWithdrawn')).toMatchObject([told, told]);
  });

  it('a newer order arrives → the one that was only accepted gives way', async () => {
    const world = await connected();
    world.hub.order(sampleOrder());
    await world.clock.run(1_000);
    world.hub.order(sampleOrder({ epoch: 2 }));
    await world.clock.run(1_000);
    expect(world.hub.told('orderWithdrawn')).toMatchObject([{ orderId: sampleOrder().id, started: false }]);
    expect(world.hub.told('orderAccepted')).toHaveLength(2);
  });

  it('the same order twice → one journal, accepted both times', async () => {
    const world = await connected();
    world.hub.order(sampleOrder());
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(1_000);
    expect(world.hub.told('orderAccepted')).toHaveLength(2);
    expect(await world.journals.list()).toHaveLength(1);
  });

  it('the same order after it is done → the outcome again, no effect again', async () => {
    const world = await connected();
    world.hub.confirms = true;
    world.hub.order(sampleOrder());
    await world.untilOutcome();
    const effects = [...world.cluster.effects];
    world.hub.order(sampleOrder());
    expect(await world.untilOutcome(60_000, 2)).toBe(true);
    expect(world.cluster.effects).toEqual(effects);
  });
});
