import { describe, expect, it } from '@jest/globals';
import type { Order } from '@wavegate/fleet';
import { AgentWorld } from './testing/agent-world.js';
import { FROM, sampleOrder } from './testing/sample-order.js';

const HOP = { index: 1, of: 1, from: FROM, to: FROM };
const asked = { parent: { kind: 'request', id: 'r-1' }, hop: HOP } as const;
const drain: Partial<Order> = { ...asked, kind: 'drain', args: { kind: 'drain', node: 'w-1', nodeUid: '' } };
const backup: Partial<Order> = {
  ...{ ...asked, kind: 'backup' },
  args: { kind: 'backup', what: 'etcd', namespaces: [], selector: '', ttlMs: 0, name: '' },
};

async function carriedOut(changes: Partial<Order>): Promise<AgentWorld> {
  const world = new AgentWorld();
  world.start();
  await world.clock.run(1_000);
  world.hub.order(sampleOrder(changes));
  expect(await world.untilOutcome()).toBe(true);
  return world;
}

describe('orders of one act', () => {
  it('drain → completed, and the node stays cordoned although nothing on it was changed', async () => {
    const world = await carriedOut(drain);
    expect(world.hub.told('outcome')).toMatchObject([{ outcome: { kind: 'completed', cordoned: ['w-1'] } }]);
    expect(world.cluster.nodes.filter(({ cordoned }) => cordoned).map(({ name }) => name)).toEqual(['w-1']);
  });

  it('a drain is withdrawn while it runs → halted, and its cordon is taken back', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    const order = sampleOrder(drain);
    world.cluster.scripted['drainNode/w-1'] = {
      kind: 'failed',
      reason: { code: 'drain_timed_out', params: { node: 'w-1', pod: 'a/b', pdb: 'p' } },
    };
    world.hub.order(order);
    await world.clock.run(60_000);
    world.cluster.change('w-1', { cordoned: true, cordonedBy: order.id });
    const why = { code: 'withdrawn_by_person', params: { by: 'ada' } } as const;
    world.hub.say({ kind: 'withdraw', orderId: order.id, epoch: order.epoch, reason: why });
    expect(await world.untilOutcome()).toBe(true);
    expect(world.hub.told('outcome')).toMatchObject([
      { outcome: { kind: 'halted', reason: { code: 'order_stopped' } } },
    ]);
    expect(world.cluster.nodes.some(({ cordoned }) => cordoned)).toBe(false);
  });

  it('backup → its receipt is told before the outcome, and again by an agent that was killed in between', async () => {
    const world = await carriedOut(backup);
    const kinds = world.hub.reports.map(({ kind }) => kind).filter((kind) => kind === 'receipt' || kind === 'outcome');
    expect(kinds).toEqual(['receipt', 'outcome']);
    expect(world.hub.told('receipt')).toMatchObject([{ receipt: { node: 'cp-1', verified: 'restore' } }]);

    const killed = new AgentWorld();
    killed.hub.deaf = false;
    const agent = killed.start();
    await killed.clock.run(1_000);
    killed.hub.order(sampleOrder(backup));
    await killed.clock.run(2_000);
    killed.hub.deaf = true;
    await killed.clock.run(20_000);
    agent.kill();
    killed.hub.deaf = false;
    expect(killed.hub.told('receipt')).toEqual([]);
    killed.start();
    expect(await killed.untilOutcome()).toBe(true);
    expect(killed.hub.told('receipt')).toHaveLength(1);
    expect(killed.cluster.effects).toEqual(['snapshotEtcd/cp-1']);
  });

  it('an upgrade tells the receipt of its snapshot, too', async () => {
    const world = await carriedOut({});
    expect(world.hub.told('receipt')).toMatchObject([{ receipt: { node: 'cp-1' } }]);
  });
});
