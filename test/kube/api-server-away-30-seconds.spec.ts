import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pause } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';
import { workload, workloadReady } from './world/workload.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'kappa', version: NEW, workers: 2 }]);
});
afterAll(() => world?.stop());

const cart = { namespace: 'payments', name: 'cart', replicas: 4, pdb: { maxUnavailable: 1 }, readyAfter: '6s' };

describe('an API server that is away for 30 seconds in the middle of an order', () => {
  it('stopped while a drain is blocked → the agent lives, says so, drains on afterwards, and nothing happens twice', async () => {
    const member = world.member('kappa');
    await workload(member.cluster, cart);
    await workloadReady(member.cluster, cart);
    const id = await world.rollOut('api-away');
    await world.untilProgress(id, 'kappa', ({ reason }) => reason.code === 'drain_blocked');

    const { pid } = member.agent;
    await member.cluster.stopApiServer();
    const stoppedAt = Date.now();
    const { reason } = await world.untilProgress(id, 'kappa', (seen) => seen.reason.code === 'api_unreachable');
    expect(reason.text).toMatch(/API/);
    await pause(30_000 - (Date.now() - stoppedAt));
    expect((await world.rollout(id)).state).toBe('running');
    await member.cluster.returnApiServer();
    await world.untilState(id, 'finished');

    expect(member.agent.pid).toBe(pid);
    expect((await world.seen(id, 'kappa')).outcome?.kind).toBe('upgraded');
    expect((await world.seen(id, 'kappa')).attempt).toBe(1);
    expect(await kubelets(member)).toEqual({ 'cp-1': NEW, 'w-1': NEW, 'w-2': NEW });
    expect(await cordoned(member)).toEqual([]);
    const deeds = deedsOf(member);
    expect(twice(deeds.granted)).toEqual([]);
    expect(twice(deeds.jobs)).toEqual([]);
    expect(twice(deeds.effects)).toEqual([]);
    expect(deeds.podDeletes).toEqual([]);
  });
});
