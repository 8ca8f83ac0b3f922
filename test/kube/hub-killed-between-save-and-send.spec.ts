import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';
import { pause } from './world/eventually.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'delta', version: NEW, workers: 1 }]);
});
afterAll(() => world?.stop());

describe('a hub that dies between saving an order and sending it', () => {
  it('killed before the first byte is sent → the next hub sends the same order, and it takes effect once', async () => {
    const { hub } = world;
    await hub.kill();
    await hub.start('dispatch.beforeSend');
    await world.untilConnected(1);

    // It may die while it answers: the rollout is stored by then, and the next hub knows it.
    const asked = await world.rollOut('save-and-send').catch(() => null);
    await hub.ended();
    await pause(2_000);
    expect(deedsOf(world.member('delta'))).toMatchObject({ jobs: [], nodePatches: [], effects: [] });

    await hub.start();
    const listed = await hub.call<{ items: readonly { id: string }[] }>('GET', '/rollouts');
    const id = asked ?? listed.items[0]?.id ?? '';
    await world.untilState(id, 'finished');

    const [seen] = await world.clusters(id);
    expect(seen?.outcome?.kind).toBe('upgraded');
    // The order that was saved, not a second attempt.
    expect(seen?.attempt).toBe(1);
    expect(await kubelets(world.member('delta'))).toEqual({ 'cp-1': NEW, 'w-1': NEW });
    const { jobs, effects } = deedsOf(world.member('delta'));
    expect(twice(jobs)).toEqual([]);
    expect(effects.filter((effect) => effect.startsWith('kubelet/')).sort()).toEqual(['kubelet/cp-1', 'kubelet/w-1']);
  });
});
