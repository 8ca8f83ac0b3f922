import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DrainProgress } from '@wavegate/fleet';
import { openKube, toKubeError } from '@wavegate/kube';
import { DrainWorld } from './world/drain-world.js';
import { eventually } from './world/eventually.js';

const NAMESPACE = 'drained';
const VERSION = '1.35.4';
const important = { priorityClassName: 'important' };

function whenBlocked(count = 1): { readonly seen: (progress: DrainProgress) => void; readonly first: Promise<void> } {
  let found: () => void = () => {};
  const first = new Promise<void>((resolve) => (found = resolve));
  return { seen: ({ counts }) => counts.blocked >= count && found(), first };
}

describe(`what the plan and others say about a drain, on a real ${VERSION}`, () => {
  let world: DrainWorld;
  beforeAll(async () => {
    world = await DrainWorld.start(VERSION, 9);
  });
  afterAll(() => world?.stop());

  async function agentOf(app: string): Promise<{ namespace: string; name: string }> {
    const [pod] = await world.pods(app);
    return { namespace: NAMESPACE, name: pod?.metadata.name ?? '' };
  }

  /** When an eviction of that app was asked for, epoch ms, in that order. */
  const askedAt = (app: string): number[] =>
    world.cluster
      .audit()
      .filter(({ objectRef }) => objectRef?.subresource === 'eviction' && objectRef.name?.startsWith(`${app}-`))
      .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp))
      .sort((a, b) => a - b);

  it('two groups by priority, and a wait between → the higher one goes when the lower one is gone; our own pod last, and it lives on', async () => {
    await world.deploy({ name: 'low', node: 'w-1', replicas: 3, goneAfter: '2s' });
    await world.deploy({ name: 'high', node: 'w-1', replicas: 2, pod: important });
    await world.deploy({ name: 'self', node: 'w-1', replicas: 1 });
    const agentPod = await agentOf('self');
    const { end } = await world.drain(
      'w-1',
      { priorityGroups: [1000], waitBetweenMs: 30_000, timeoutMs: 180_000 },
      undefined,
      {
        agentPod,
      },
    );
    expect(end).toEqual({ kind: 'succeeded' });
    const [low, high, self] = [askedAt('low'), askedAt('high'), askedAt('self')];
    expect([low.length, high.length, self.length]).toEqual([3, 2, 1]);
    expect(high[0]! - low[2]!).toBeGreaterThanOrEqual(1_900);
    expect(self[0]! - high[1]!).toBeGreaterThan(0);
    await eventually('our pod to run elsewhere', async () => {
      const [pod] = await world.pods('self');
      return pod?.metadata.name !== agentPod.name && pod?.status.phase === 'Running' && pod.spec.nodeName !== 'w-1';
    });
    // They are elsewhere now, and would be met again by the drains after this one.
    await Promise.all(['low', 'high', 'self'].map((app) => world.remove(app)));
  });

  it('a budget on our own single replica → does not hold our drain: it stays, and so does one that came back', async () => {
    await world.deploy({ name: 'mine', node: 'w-2', replicas: 1, budgets: { mine: { minAvailable: 1 } } });
    await world.deploy({ name: 'guest', node: 'w-2', replicas: 1 });
    const agentPod = await agentOf('mine');
    const { end, shown } = await world.drain('w-2', {}, undefined, { agentPod });
    expect(end).toEqual({ kind: 'succeeded' });
    expect(world.evictionsOf('mine').map(({ code }) => code)).toEqual([429]);
    expect(shown.at(-1)?.progress.counts).toMatchObject({ gone: 1, kept: 1, blocked: 0 });
    expect((await world.podsOn('w-2')).map(({ metadata }) => metadata.name)).toEqual([agentPod.name]);
    // Begun before the pod was made: it has been moved, and landed here again.
    const again = await world.drain('w-2', { begunAt: Date.now() - 120_000 }, undefined, { agentPod });
    expect(again.end).toEqual({ kind: 'succeeded' });
    expect(world.evictionsOf('mine')).toHaveLength(1);
    await Promise.all(['mine', 'guest'].map((app) => world.remove(app)));
  });

  it('scaled up by somebody, and a pod deleted by somebody, while both are held → taken for what they are: gone, and room', async () => {
    await world.deploy({ name: 'grows', node: 'w-3', replicas: 2, budgets: { grows: { minAvailable: 2 } } });
    await world.deploy({ name: 'moved', node: 'w-3', replicas: 1, budgets: { moved: { minAvailable: 1 } } });
    const { seen, first } = whenBlocked(3);
    const running = world.drain('w-3', { timeoutMs: 180_000 }, seen);
    await first;
    const scale = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/grows/scale`;
    await world.cluster.api.patch(scale, { spec: { replicas: 4 } });
    const { name } = await agentOf('moved');
    await world.cluster.api.remove(`/api/v1/namespaces/${NAMESPACE}/pods/${name}`);
    const { end, shown, said } = await running;
    expect(end).toEqual({ kind: 'succeeded' });
    expect(shown.at(-1)?.progress.counts).toMatchObject({ gone: 3, blocked: 0 });
    expect(said.map(({ code }) => code)).not.toContain('drain_timed_out');
    expect(world.evictionsOf('moved').every(({ code }) => code === 429)).toBe(true);
    expect(world.evictionsOf('grows').filter(({ code }) => code === 201)).toHaveLength(2);
    expect((await world.pods('grows')).length).toBeGreaterThanOrEqual(4);
    await Promise.all(['grows', 'moved'].map((app) => world.remove(app)));
  });

  it('without the right to close nodes → fails in the server’s words, and not one pod is asked for', async () => {
    await world.deploy({ name: 'safe', node: 'w-4', replicas: 1 });
    const rules = [
      { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    ];
    const kube = openKube({ kubeconfig: await world.cluster.identity('looks-only', rules) });
    // A new binding is known to the server a moment later.
    await eventually('the rights to be known', () => kube.core.listNode());
    const refused = await world.drain('w-4', {}, undefined, { kube }).catch((error: unknown) => toKubeError(error));
    expect(refused).toMatchObject({ code: 403, message: expect.stringContaining('cannot patch resource "nodes"') });
    expect(world.evictionsOf('safe')).toEqual([]);
    expect((await world.node('w-4')).spec.unschedulable).not.toBe(true);
  });

  it('a grace longer than the bound → ends at its bound, the grace named; the pod ends by itself', async () => {
    // Tied to its node: elsewhere, its next pod would hold the drains after this one.
    const pod = { terminationGracePeriodSeconds: 3600, nodeSelector: { 'kubernetes.io/hostname': 'w-5' } };
    await world.deploy({ name: 'slow-end', node: 'w-5', replicas: 1, goneAfter: '1h', pod });
    const { end, ms } = await world.drain('w-5', { timeoutMs: 6_000 });
    expect(end).toMatchObject({ kind: 'failed', reason: { code: 'drain_timed_out' } });
    expect(JSON.stringify(end)).toContain('has 3600 s of grace to end');
    expect(ms).toBeLessThan(36_000);
    expect(world.evictionsOf('slow-end').map(({ code }) => code)).toEqual([201]);
  });

  it('another pod under that name → the server’s 409 speaks of the UID, by which we know', async () => {
    await world.deploy({ name: 'named', node: 'w-6', replicas: 1 });
    const { name } = await agentOf('named');
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
    const deleteOptions = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } };
    const head = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: NAMESPACE } };
    const { code, status } = await world.cluster.api.ask('POST', path, { ...head, deleteOptions });
    expect({ code, reason: status.reason }).toEqual({ code: 409, reason: 'Conflict' });
    expect(status.message).toMatch(/precondition.*\bUID\b|\bUID\b.*precondition/i);
  });

  it('a namespace that is being deleted while nobody removes its pods yet → 403, waited for by name, then through', async () => {
    await world.deploy({ name: 'doomed', node: 'w-7', replicas: 1 }, 'closing');
    // Last of all: from here on nobody acts for the namespace, but the API server knows what was asked.
    await world.cluster.programs.stop('kube-controller-manager', 0);
    await world.cluster.api.remove('/api/v1/namespaces/closing');
    const { seen, first } = whenBlocked();
    const running = world.drain('w-7', { timeoutMs: 180_000 }, seen);
    await first;
    const [pod] = await world.pods('doomed', 'closing');
    await world.cluster.api.remove(`/api/v1/namespaces/closing/pods/${pod?.metadata.name}`);
    const { end, shown } = await running;
    expect(end).toEqual({ kind: 'succeeded' });
    expect(shown.flatMap(({ progress }) => progress.waits)).toContainEqual(
      expect.objectContaining({ state: 'blocked', pdb: '', detail: 'waits for its namespace to be deleted' }),
    );
    expect(new Set(world.evictionsOf('doomed').map(({ code }) => code))).toEqual(new Set([403]));
  });
});
