import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW } from './world/fleet-world.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'lambda', version: NEW, workers: 2 }]);
});
afterAll(() => world?.stop());

describe('a hub that is away for the rest of an order', () => {
  it('killed once the order runs → the agent finishes it, and tells the hub that comes back', async () => {
    const { hub } = world;
    const member = world.member('lambda');
    const release = member.player.holdNext('kubelet', ['w-1', 'w-2']);
    const id = await world.rollOut('hub-away');
    await world.untilProgress(id, 'lambda', ({ phase }) => phase === 'nodeCanary' || phase === 'commit');
    await hub.kill();
    release();

    await eventually(
      'the agent to end the order by itself',
      () => member.agent.log.some(({ msg, rollout }) => msg === 'order is over' && rollout === id),
      { withinMs: 240_000 },
    );
    expect(await kubelets(member)).toEqual({ 'cp-1': NEW, 'w-1': NEW, 'w-2': NEW });
    expect(await cordoned(member)).toEqual([]);

    await hub.start();
    await world.untilState(id, 'finished');
    expect((await world.seen(id, 'lambda')).outcome?.kind).toBe('upgraded');
    const effects = deedsOf(member).effects;
    expect(effects.filter((effect) => effect.startsWith('kubelet/')).sort()).toEqual([
      'kubelet/cp-1',
      'kubelet/w-1',
      'kubelet/w-2',
    ]);
  });
});
