import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';

const NAMES = ['epsilon', 'zeta'];
let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start(NAMES.map((name) => ({ name, version: NEW, workers: 2 })));
});
afterAll(() => world?.stop());

describe('a hub that dies in the middle of a wave', () => {
  it('killed while two clusters are worked on → they go on, the next hub learns of it, each step happened once', async () => {
    const { hub } = world;
    const releases = NAMES.map((name) => world.member(name).player.holdNext('kubelet', ['w-1', 'w-2']));
    const id = await world.rollOut('mid-wave', { strategy: { waves: ['50%', '100%'], maxInFlight: 1 } });
    const [first] = await world.clusters(id);
    const name = first?.name ?? '';
    await world.untilProgress(id, name, ({ phase }) => phase === 'nodeCanary');
    await hub.kill();

    const done = deedsOf(world.member(name)).effects.length;
    releases.forEach((release) => release());
    await eventually('the agent to go on without a hub', () => deedsOf(world.member(name)).effects.length > done);
    await hub.start();
    const rollout = await world.untilState(id, 'finished');

    expect(rollout.waves.map(({ upgraded }) => upgraded)).toEqual([1, 1]);
    expect((await world.clusters(id)).map(({ outcome, attempt }) => [outcome?.kind, attempt])).toEqual([
      ['upgraded', 1],
      ['upgraded', 1],
    ]);
    for (const member of NAMES.map((one) => world.member(one))) {
      expect(new Set(Object.values(await kubelets(member)))).toEqual(new Set([NEW]));
      expect(await cordoned(member)).toEqual([]);
      expect(twice(deedsOf(member).jobs)).toEqual([]);
      expect(twice(deedsOf(member).effects)).toEqual([]);
    }
  });
});
