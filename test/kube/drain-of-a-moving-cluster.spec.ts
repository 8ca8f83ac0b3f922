import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DrainProgress, Reason } from '@wavegate/fleet';
import { CancelSource } from '@wavegate/runtime/agent';
import { DrainWorld } from './world/drain-world.js';
import { eventually } from './world/eventually.js';

/** Blocks until a case gives it room. */
const held = { minAvailable: 1 };

function whenBlocked(): { readonly seen: (progress: DrainProgress) => void; readonly first: Promise<void> } {
  let found: () => void = () => {};
  const first = new Promise<void>((resolve) => (found = resolve));
  return { seen: ({ counts }) => counts.blocked > 0 && found(), first };
}

describe.each(['1.34.4', '1.35.4'])('a real %s that moves while it is drained', (version) => {
  let world: DrainWorld;
  beforeAll(async () => {
    world = await DrainWorld.start(version, 9);
  });
  afterAll(() => world?.stop());

  it('a pod with a long end → terminating, its grace named, waited for', async () => {
    await world.deploy({ name: 'patient', node: 'w-1', replicas: 1, goneAfter: '4s' });
    const { end, shown } = await world.drain('w-1');
    expect(end).toEqual({ kind: 'succeeded' });
    const wait = shown.flatMap(({ progress }) => progress.waits).find(({ state }) => state === 'terminating');
    expect(wait).toMatchObject({ detail: 'has 5 s of grace to end', owner: 'Deployment drained/patient' });
  });

  it('a finalizer that nobody takes off → named, ends at the bound; taken off → through', async () => {
    await world.deploy({ name: 'final', node: 'w-2', replicas: 1, finalizers: ['shop.example/save'] });
    const { end } = await world.drain('w-2', { timeoutMs: 8_000 });
    expect(end).toMatchObject({ kind: 'failed', reason: { code: 'drain_timed_out' } });
    expect(JSON.stringify(end)).toContain('waits for its finalizers shop.example/save');
    const again = world.drain('w-2', { timeoutMs: 180_000 });
    for (const { metadata } of await world.podsOn('w-2')) await world.releasePod(metadata.name);
    expect((await again).end).toEqual({ kind: 'succeeded' });
    expect(world.evictionsOf('final')).toHaveLength(1);
    await world.remove('final');
  });

  it('a StatefulSet makes its pod again under the same name → not waited for: it is another pod, elsewhere', async () => {
    await world.deploy({ name: 'db', node: 'w-3', replicas: 2, kind: 'StatefulSet' });
    const { end } = await world.drain('w-3');
    expect(end).toEqual({ kind: 'succeeded' });
    expect(
      world
        .evictionsOf('db')
        .map(({ pod }) => pod)
        .sort(),
    ).toEqual(['drained/db-0', 'drained/db-1']);
    await eventually('the pods to be there again', async () => {
      const again = await world.pods('db');
      return again.length === 2 && again.every(({ spec }) => spec.nodeName !== undefined && spec.nodeName !== 'w-3');
    });
  });

  it('a namespace that is being deleted → its pods are waited for and not evicted', async () => {
    const doomed = { name: 'doomed', node: 'w-4', replicas: 2, finalizers: ['shop.example/save'] };
    await world.deploy(doomed, 'leaving');
    await world.cluster.api.remove('/api/v1/namespaces/leaving');
    await eventually('the pods to be told', async () => {
      const told = await world.pods('doomed', 'leaving');
      return told.length > 0 && told.every(({ metadata }) => metadata.deletionTimestamp !== undefined);
    });
    const running = world.drain('w-4', { timeoutMs: 180_000 });
    for (const { metadata } of await world.pods('doomed', 'leaving')) {
      await world.releasePod(metadata.name, 'leaving');
    }
    expect((await running).end).toEqual({ kind: 'succeeded' });
    expect(world.evictionsOf('doomed')).toEqual([]);
  });

  it('a DaemonSet is deleted meanwhile → its pods were kept, leave by themselves, and the drain ends', async () => {
    await world.deploy({ name: 'logs', node: 'w-5', replicas: 1, kind: 'DaemonSet' });
    await world.deploy({ name: 'stays', node: 'w-5', replicas: 1, budgets: { stays: held } });
    const { seen, first } = whenBlocked();
    const running = world.drain('w-5', { timeoutMs: 180_000 }, seen);
    await first;
    await world.remove('logs');
    await world.changeBudget('stays', { minAvailable: 0 });
    const { end, shown } = await running;
    expect(end).toEqual({ kind: 'succeeded' });
    expect(shown.some(({ progress }) => progress.counts.kept === 1)).toBe(true);
    expect(world.evictionsOf('logs')).toEqual([]);
  });

  it('the agent stops in the middle and begins again → the same bound, and no pod is evicted twice', async () => {
    await world.deploy({ name: 'first', node: 'w-6', replicas: 4 });
    await world.deploy({ name: 'later', node: 'w-6', replicas: 1, budgets: { later: held } });
    const { seen, first } = whenBlocked();
    const cancel = new CancelSource();
    const begunAt = Date.now();
    const left = world.drain('w-6', { cancel, timeoutMs: 180_000 }, seen);
    await first;
    cancel.cancel();
    await expect(left).rejects.toThrow('the drain was left');
    await world.changeBudget('later', { minAvailable: 0 });
    expect((await world.drain('w-6', { begunAt, timeoutMs: 180_000 })).end).toEqual({ kind: 'succeeded' });
    const granted = [...world.evictionsOf('first'), ...world.evictionsOf('later')].filter(({ code }) => code === 201);
    expect(new Set(granted.map(({ pod }) => pod)).size).toBe(granted.length);
    expect(granted).toHaveLength(5);
  });

  it('the API server goes away and comes back → said, waited out, drained', async () => {
    await world.deploy({ name: 'through', node: 'w-7', replicas: 1, budgets: { through: held } });
    const { seen, first } = whenBlocked();
    const said: string[] = [];
    const report = ({ code }: Reason): void => void said.push(code);
    const running = world.drain('w-7', { timeoutMs: 180_000, report }, seen);
    await first;
    await world.cluster.stopApiServer();
    await eventually('it to be said', () => said.includes('api_unreachable'));
    await world.cluster.returnApiServer();
    await world.changeBudget('through', { minAvailable: 0 });
    expect((await running).end).toEqual({ kind: 'succeeded' });
  });

  it('the node goes away meanwhile → its pods leave with it, and nothing is reported wrong', async () => {
    await world.deploy({ name: 'stranded', node: 'w-8', replicas: 1, budgets: { stranded: held } });
    const { seen, first } = whenBlocked();
    const running = world.drain('w-8', { timeoutMs: 180_000 }, seen);
    await first;
    await world.cluster.api.remove('/api/v1/nodes/w-8');
    expect((await running).end).toEqual({ kind: 'succeeded' });
    await world.remove('stranded');
  });

  it('the last node that takes pods → refused by name before the first eviction, and open again', async () => {
    for (const { metadata } of await world.cluster.api.list('/api/v1/nodes')) {
      if (metadata.name.startsWith('w-') && metadata.name !== 'w-9') {
        await world.cluster.api.patch(`/api/v1/nodes/${metadata.name}`, { spec: { unschedulable: true } });
      }
    }
    await world.deploy({ name: 'only', node: 'w-9', replicas: 2 });
    const { end } = await world.drain('w-9');
    expect(end).toEqual({
      kind: 'failed',
      reason: { code: 'last_schedulable_node', params: { node: 'w-9' } },
    });
    expect(world.evictionsOf('only')).toEqual([]);
    const { spec, metadata } = await world.cluster.api.get<{ spec: { unschedulable?: boolean } } & KubeNode>(
      '/api/v1/nodes/w-9',
    );
    expect(spec.unschedulable).not.toBe(true);
    expect(Object.keys(metadata.annotations ?? {}).filter((key) => key.includes('wavegate.dev'))).toEqual([]);
    // With consent it is emptied: the pods wait for it to be opened again.
    expect((await world.drain('w-9', { lastNode: true })).end).toEqual({ kind: 'succeeded' });
    expect(world.deletions()).toEqual([]);
  });
});

type KubeNode = Awaited<ReturnType<DrainWorld['cluster']['api']['get']>>;
