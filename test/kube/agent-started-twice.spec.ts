import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'mu', version: NEW, workers: 2 }]);
});
afterAll(() => world?.stop());

describe('an agent that is started twice with the same identity', () => {
  it('a twin in the middle of an order → one of them ends by itself with code 3, and no step happens twice', async () => {
    const member = world.member('mu');
    const { agent } = member;
    const id = await world.rollOut('twin');
    await world.untilProgress(id, 'mu', (seen) => seen.phase === 'nodeCanary');

    const twin = agent.twin();
    twin.start();
    try {
      const loser = await eventually('one of the two to end', () => (!agent.running ? agent : !twin.running && twin), {
        withinMs: 90_000,
      });
      expect(loser.exitCode).toBe(3);
      await world.untilState(id, 'finished');
    } finally {
      await twin.stop();
    }

    expect((await world.seen(id, 'mu')).outcome?.kind).toBe('upgraded');
    expect(await kubelets(member)).toEqual({ 'cp-1': NEW, 'w-1': NEW, 'w-2': NEW });
    expect(await cordoned(member)).toEqual([]);
    const after = deedsOf(member);
    expect(twice(after.jobs)).toEqual([]);
    expect(after.effects.filter((effect) => effect.startsWith('kubelet/')).sort()).toEqual([
      'kubelet/cp-1',
      'kubelet/w-1',
      'kubelet/w-2',
    ]);
    expect(after.podDeletes).toEqual([]);
  });
});
