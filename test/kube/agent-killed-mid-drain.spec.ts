import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { podDeletions } from './world/audit-log.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';
import { pause } from './world/eventually.js';
import { workload, workloadReady } from './world/workload.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'eta', version: NEW, workers: 2 }]);
});
afterAll(() => world?.stop());

/** Slow to be ready again: its budget refuses the second eviction for as long as that takes. */
const cart = {
  namespace: 'payments',
  name: 'cart',
  replicas: 4,
  pdb: { maxUnavailable: 1 },
  owner: 'team-pay',
  readyAfter: '6s',
};

describe('an agent that dies while it drains a node', () => {
  it('killed while a budget refuses → the screen had named pod, budget and owner; the next life drains on, each pod is evicted once', async () => {
    const { cluster, agent } = world.member('eta');
    await workload(cluster, cart);
    await workloadReady(cluster, cart);
    const id = await world.rollOut('mid-drain');

    const { reason } = await world.untilProgress(id, 'eta', (seen) => seen.reason.code === 'drain_blocked');
    expect(reason.params).toMatchObject({ pdb: 'cart', owner: 'Deployment/cart' });
    expect(String(reason.params.pod)).toMatch(/^payments\/cart-/);
    const node = String(reason.params.node);

    await agent.kill();
    expect(await cordoned(world.member('eta'))).toEqual([node]);
    await pause(1_000);
    agent.start();
    await world.untilState(id, 'finished');

    expect((await world.seen(id, 'eta')).outcome?.kind).toBe('upgraded');
    expect(await kubelets(world.member('eta'))).toEqual({ 'cp-1': NEW, 'w-1': NEW, 'w-2': NEW });
    const deeds = deedsOf(world.member('eta'));
    expect(deeds.refused.length).toBeGreaterThan(0);
    expect(twice(deeds.granted)).toEqual([]);
    expect(twice(deeds.jobs)).toEqual([]);
    expect(twice(deeds.effects)).toEqual([]);
    // One cordon and one uncordon for each node: the cordon was adopted, not made again.
    for (const name of ['cp-1', 'w-1', 'w-2']) {
      expect(deeds.nodePatches.filter((patched) => patched === name)).toHaveLength(2);
    }
    expect(podDeletions(cluster.audit())).toEqual([]);
  });
});
