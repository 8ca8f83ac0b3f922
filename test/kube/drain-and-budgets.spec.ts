import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DrainProgress } from '@wavegate/fleet';
import { BudgetWatch } from './world/budget-watch.js';
import { DrainWorld } from './world/drain-world.js';
import { eventually } from './world/eventually.js';

const blockedIn = ({ waits }: DrainProgress) => waits.filter(({ state }) => state === 'blocked');

/** Resolves when the drain has shown a blocked pod with its budget's numbers. */
function named(): { readonly seen: (progress: DrainProgress) => void; readonly first: Promise<DrainProgress> } {
  let found: (progress: DrainProgress) => void = () => {};
  const first = new Promise<DrainProgress>((resolve) => (found = resolve));
  return { seen: (progress) => blockedIn(progress)[0]?.detail.includes('must be') && found(progress), first };
}

describe.each(['1.34.4', '1.35.4'])('budgets of a real %s', (version) => {
  let world: DrainWorld;
  beforeAll(async () => {
    world = await DrainWorld.start(version, 7);
  });
  afterAll(() => world?.stop());

  it('maxUnavailable: 1 → one after the other, the budget never broken, hardly a refusal too many', async () => {
    const budgets = { slow: { maxUnavailable: 1 } };
    await world.deploy({ name: 'slow', node: 'w-1', replicas: 5, budgets, readyAfter: '1500ms' });
    const watch = new BudgetWatch(world.cluster, 'drained', 'slow');
    const { end, shown } = await world.drain('w-1', { timeoutMs: 180_000 });
    expect(end).toEqual({ kind: 'succeeded' });
    expect(watch.end()).toMatchObject({ broken: 0 });
    const codes = world.evictionsOf('slow').map(({ code }) => code);
    const granted = codes.filter((code) => code === 201).length;
    expect(codes.length - granted).toBeGreaterThan(0);
    // kubectl asks for each blocked pod each five seconds; here the budget itself says when.
    expect(codes.length).toBeLessThanOrEqual(granted * 4);
    const wait = shown.flatMap(({ progress }) => blockedIn(progress)).find(({ detail }) => detail.includes('must be'));
    expect(wait).toMatchObject({ pdb: 'drained/slow', owner: 'Deployment drained/slow' });
    // Its pods are elsewhere now, and would be met again by the drains after this one.
    await world.remove('slow');
  });

  it('a budget that never allows → named within 5 s with numbers and owner, ends at its bound, the pod stays', async () => {
    await world.deploy({ name: 'never', node: 'w-2', replicas: 2, budgets: { never: { minAvailable: 2 } } });
    const { end, ms, shown, said } = await world.drain('w-2', { timeoutMs: 10_000 });
    expect(end).toMatchObject({ kind: 'failed', reason: { code: 'drain_timed_out', params: { pdb: 'never' } } });
    expect(ms).toBeLessThan(40_000);
    const first = shown.find(({ progress }) => blockedIn(progress).length > 0);
    const numbers = shown.find(({ progress }) => blockedIn(progress).some(({ detail }) => detail.includes('must be')));
    expect((numbers?.at ?? Infinity) - (first?.at ?? 0)).toBeLessThan(5_000);
    expect(blockedIn(numbers!.progress)[0]).toMatchObject({
      pdb: 'drained/never',
      owner: 'Deployment drained/never',
      detail: expect.stringContaining('2 of its 2 pods are healthy, 2 must be, so it can never allow one'),
    });
    expect(said.at(-1)).toMatchObject({ code: 'drain_blocked', params: { owner: 'Deployment/never' } });
    expect(world.evictionsOf('never').every(({ code }) => code === 429)).toBe(true);
    expect(await world.podsOn('w-2')).toHaveLength(2);
    await world.remove('never');
  });

  it('a person gives a blocked budget room → the pod goes at once, not at the end of a pause', async () => {
    await world.deploy({ name: 'mended', node: 'w-3', replicas: 1, budgets: { mended: { minAvailable: 1 } } });
    const { seen, first } = named();
    const running = world.drain('w-3', { timeoutMs: 180_000 }, seen);
    await first;
    // The third refusal would be followed by a pause of twenty seconds, of which most is still to come.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await world.changeBudget('mended', { minAvailable: 0 });
    const changed = Date.now();
    expect((await running).end).toEqual({ kind: 'succeeded' });
    expect(Date.now() - changed).toBeLessThan(13_000);
    await world.remove('mended');
  });

  it('a pod that crashes under IfHealthyBudget → held, and said why; under AlwaysAllow → it goes at once', async () => {
    const budgets = { broken: { minAvailable: 1, unhealthyPodEvictionPolicy: 'IfHealthyBudget' } };
    await world.deploy({ name: 'broken', node: 'w-4', replicas: 2, budgets });
    await world.crash('broken');
    const { seen, first } = named();
    const running = world.drain('w-4', { timeoutMs: 180_000 }, seen);
    const [wait] = blockedIn(await first);
    expect(wait?.detail).toContain('this pod is not ready itself');
    expect(wait?.detail).toContain('unhealthyPodEvictionPolicy: AlwaysAllow would let it go now');
    await world.changeBudget('broken', { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    expect((await running).end).toEqual({ kind: 'succeeded' });
    await world.remove('broken');
  });

  it('two budgets on one pod → both named, that pod stays, the others of the node are gone', async () => {
    const budgets = { double: { minAvailable: 1 }, trouble: { minAvailable: 1 } };
    await world.deploy({ name: 'twice', node: 'w-5', replicas: 1, budgets });
    await world.deploy({ name: 'easy', node: 'w-5', replicas: 3 });
    const { end } = await world.drain('w-5');
    expect(JSON.stringify(end)).toContain('more than one PodDisruptionBudget');
    expect(JSON.stringify(end)).toContain('(drained/double, drained/trouble)');
    expect((await world.podsOn('w-5')).map(({ metadata }) => metadata.labels?.['app'])).toEqual(['twice']);
  });

  it('pods that tolerate the cordon come back → evicted once, as kubectl does; the next stay, are named, and count for nothing', async () => {
    const pod = { tolerations: [{ operator: 'Exists' }] };
    // Times of the API are whole seconds: these pods are older than the cordon by more than that.
    await world.deploy({ name: 'stubborn', node: 'w-6', replicas: 2, pod, readyAfter: '1500ms' });
    await world.cluster.api.patch('/api/v1/nodes/w-6', { spec: { unschedulable: true } });
    await eventually('the node controller to mark it', async () => (await world.node('w-6')).spec.taints !== undefined);
    const here = async () => (await world.pods('stubborn')).filter(({ spec }) => spec.nodeName === 'w-6');
    const first = (await here()).map(({ metadata }) => `drained/${metadata.name}`);
    const { end, shown } = await world.drain('w-6', { lastNode: true });
    expect(end).toEqual({ kind: 'succeeded' });
    expect(new Set(world.evictionsOf('stubborn').map((one) => one.pod))).toEqual(new Set(first));
    // Whatever more the scheduler puts there, the drain is through; and whoever drains again finds nothing to evict.
    await eventually('the pods to be back', async () => (await here()).length === 2);
    const again = await world.drain('w-6', { lastNode: true });
    expect(again.end).toEqual({ kind: 'succeeded' });
    expect(world.evictionsOf('stubborn')).toHaveLength(2);
    const waits = [...shown, ...again.shown].flatMap(({ progress }) => progress.waits);
    expect(waits).toContainEqual(
      expect.objectContaining({
        ...{ state: 'kept', owner: 'Deployment drained/stubborn' },
        detail: expect.stringContaining('which it tolerates'),
      }),
    );
    expect(await world.podsToEvict('w-6')).toBe(0);
    await world.remove('stubborn');
  });

  it('after all of them → not one pod was deleted outright', () => {
    expect(world.deletions()).toEqual([]);
  });
});
