import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, pause } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, OLD } from './world/fleet-world.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([
    { name: 'theta', version: NEW, workers: 3 },
    { name: 'iota', version: NEW, workers: 1 },
  ]);
});
afterAll(() => world?.stop());

describe('an abort in the middle of a wave', () => {
  it('a node half-way, which then fails → it is named as cordoned, and no other node or cluster is touched', async () => {
    const id = await world.rollOut('abort', { strategy: { waves: ['50%', '100%'] } });
    const [first] = await world.clusters(id);
    const name = first?.name ?? '';
    const member = world.member(name);
    // Hangs before it fails, and its second try fails too.
    member.player.failNext('kubelet', 'w-1', 'kubeadm: the disk is full', 2);
    const release = member.player.hangNext('kubelet', 'w-1');
    await world.untilProgress(
      id,
      name,
      ({ reason }) => reason.code === 'node_upgrading' && reason.params.node === 'w-1',
    );

    await world.hub.call('POST', `/rollouts/${id}/abort`);
    await pause(1_500);
    release();
    await eventually('the first try to fail', () => member.player.played.some(({ message }) => !message.ok));
    await world.untilState(id, 'aborted');
    const ended = await eventually('the cluster’s outcome', async () => (await world.seen(id, name)).outcome, {
      withinMs: 120_000,
    });

    expect(ended.kind).toBe('halted');
    expect(ended.cordoned).toEqual(['w-1']);
    expect(await cordoned(member)).toEqual(['w-1']);
    expect(ended.text).toContain('w-1');
    // The control-plane node and the failed one were begun; nothing else, here and elsewhere, now and later.
    await pause(3_000);
    const others = Object.entries(await kubelets(member)).filter(([node]) => node !== 'cp-1' && node !== 'w-1');
    expect(others.every(([, version]) => version === OLD)).toBe(true);
    expect(new Set(deedsOf(member).nodePatches)).toEqual(new Set(['cp-1', 'w-1']));
    const other = world.member(name === 'theta' ? 'iota' : 'theta');
    expect(deedsOf(other)).toMatchObject({ jobs: [], nodePatches: [], granted: [] });
    expect((await world.clusters(id)).find((one) => one.name !== name)?.outcome ?? null).toBeNull();
  });
});
