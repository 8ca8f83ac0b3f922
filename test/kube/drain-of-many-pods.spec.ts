import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BudgetWatch } from './world/budget-watch.js';
import { DrainWorld } from './world/drain-world.js';

describe.each(['1.34.4', '1.35.4'])('many pods on one node of a real %s', (version) => {
  let world: DrainWorld;
  beforeAll(async () => {
    world = await DrainWorld.start(version, 3);
  });
  afterAll(() => world?.stop());

  it.each([
    [30, 10],
    [110, Infinity],
    [250, Infinity],
  ])('%d pods, at %d a second → each evicted once, none deleted, all counted, the node empty', async (count, pace) => {
    const app = `crowd${count}`;
    await world.deploy({ name: app, node: 'w-1', replicas: count });
    const here = (await world.podsOn('w-1')).length;
    expect(here).toBeGreaterThan(count * 0.8);
    const before = world.cluster.audit().length;

    const { end, ms, shown } = await world.drain('w-1', { perSecond: pace, timeoutMs: 240_000 });
    expect(end).toEqual({ kind: 'succeeded' });
    expect(await world.podsOn('w-1')).toEqual([]);
    expect(shown.at(-1)?.progress.counts).toMatchObject({ gone: here, blocked: 0, terminating: 0, queued: 0 });
    // After a burst of ten, no faster than asked for.
    expect(ms).toBeGreaterThanOrEqual(((here - 10) / pace) * 1000);
    const evicted = world.evictionsOf(app);
    expect(evicted.filter(({ code }) => code === 201)).toHaveLength(here);
    // A try that a busy server left without an answer is made again, and finds the pod going or gone.
    const again = evicted.filter(({ code }) => code !== 201);
    expect(again.filter(({ code }) => code !== 404 && code < 500)).toEqual([]);
    expect(world.deletions()).toEqual([]);
    // The evictions, and a handful beside, however many pods: what waits is a watch.
    const ours = world.cluster
      .audit()
      .slice(before)
      .filter(({ user }) => user.username.endsWith(':wavegate-agent'));
    // kubectl asks twice for each pod, and some seven times beside (measured); at most 0.6 of that. A list every 15 s
    // finds what a watch has lost: on a slow machine there are more of them, and more tries.
    const slowness = again.length + Math.floor(ms / 15_000);
    expect(ours.length - slowness).toBeLessThanOrEqual(0.6 * (2 * here + 7));
    await Promise.all([world.uncordon('w-1'), world.remove(app)]);
  });

  it('110 pods under one budget, as fast as it allows → never broken, and no eviction is sent away for coming at the same time as another', async () => {
    const budgets = { guarded: { maxUnavailable: '20%' } };
    await world.deploy({ name: 'guarded', node: 'w-1', replicas: 110, budgets, goneAfter: '100ms' });
    const here = (await world.pods('guarded')).filter(({ spec }) => spec.nodeName === 'w-1');
    const watch = new BudgetWatch(world.cluster, 'drained', 'guarded');
    const { end } = await world.drain('w-1', { timeoutMs: 240_000 });
    const { looks, least, broken } = watch.end();
    expect(end).toEqual({ kind: 'succeeded' });
    expect({ broken, sawIt: looks > 3 && least < 110 }).toEqual({ broken: 0, sawIt: true });
    const codes = world.evictionsOf('guarded').map(({ code }) => code);
    expect(codes.filter((code) => code === 201)).toHaveLength(here.length);
    // 504: "couldn't update PodDisruptionBudget due to conflicts", a third of all where sixteen are asked for at once.
    expect(codes.filter((code) => code === 504)).toEqual([]);
  });
});
