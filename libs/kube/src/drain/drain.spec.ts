import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DrainProgress, Reason } from '@wavegate/fleet';
import { CancelSource, StepInterrupted } from '@wavegate/runtime/agent';
import { CORDON_ANNOTATION } from './cordon.js';
import { drainNode, type DrainRequest } from './drain.js';
import type { KubeAccess } from '../kube-access.js';
import type { FakeApiServer, FakeObject, Refusal } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';

const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const CONSENT = { deleteEmptyDir: { namespaces: [] }, evictUnmanaged: { namespaces: [] } };

let api: FakeApiServer;
let kube: KubeAccess;
let said: Reason[];

beforeEach(async () => {
  ({ api, kube } = await startKubeWorld());
  said = [];
  api.put(NODES, { metadata: { name: 'w-1' }, spec: {} });
  // Somewhere to go.
  api.put(NODES, readyNode('w-2'));
});
afterEach(() => api.stop());

function readyNode(name: string): FakeObject {
  return { metadata: { name }, spec: {}, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
}

function pod(name: string, changes: { readonly uid?: string; readonly owner?: string } = {}): FakeObject {
  const owner = {
    apiVersion: 'apps/v1',
    kind: changes.owner ?? 'ReplicaSet',
    name: 'web-abc',
    uid: 'o',
    controller: true,
  };
  return api.put(PODS, {
    metadata: {
      name,
      namespace: 'shop',
      ...(changes.uid ? { uid: changes.uid } : {}),
      ...{ ownerReferences: [owner] },
    },
    spec: { nodeName: 'w-1', containers: [] },
    status: { phase: 'Running' },
  });
}

const budget = (name: string): Refusal => ({
  code: 429,
  body: {
    reason: 'TooManyRequests',
    details: {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} needs 3 healthy pods and has 3 currently`,
        },
      ],
    },
  },
});

function drain(changes: Partial<DrainRequest> = {}, clock = new FastClock(100)) {
  const request: DrainRequest = {
    ...{ node: 'w-1', orderId: 'order-1', timeoutMs: 600_000, perSecond: 50, consent: CONSENT },
    report: (why) => said.push(why),
    cancel: new CancelSource(),
    ...changes,
  };
  return drainNode({ kube, clock, random: { next: () => 0.5 } }, request);
}

const evictions = (): string[] => api.requests.filter((request) => request.endsWith('/eviction'));

describe('the drain of a node', () => {
  it('pods without a budget → cordoned in the order’s name first, then each evicted once, DaemonSets stay', async () => {
    ['a', 'b', 'c'].forEach((name) => pod(name));
    pod('logs', { owner: 'DaemonSet' });
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(3);
    expect(api.all(PODS).map(({ metadata }) => metadata.name)).toEqual(['logs']);
    expect(api.get(NODES, 'w-1')).toMatchObject({
      spec: { unschedulable: true },
      metadata: { annotations: { [CORDON_ANNOTATION]: 'order-1' } },
    });
    const patch = api.requests.findIndex((request) => request.startsWith('PATCH'));
    expect(patch).toBeLessThan(api.requests.findIndex((request) => request.endsWith('/eviction')));
    expect(api.requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });

  it('a budget refuses twice, then grants → blocked pod, budget and owner are named meanwhile, and it succeeds', async () => {
    pod('a');
    api.put('/apis/apps/v1/replicasets', {
      metadata: {
        name: 'web-abc',
        namespace: 'shop',
        ...{
          ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true, apiVersion: 'apps/v1', uid: 'd' }],
        },
      },
    });
    let refusals = 2;
    api.onEvict = () => (refusals-- > 0 ? budget('cart') : null);
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(3);
    const blocked = said.filter(({ code }) => code === 'drain_blocked');
    expect(blocked.at(-1)?.params).toMatchObject({ pod: 'shop/a', pdb: 'cart', owner: 'Deployment/web', node: 'w-1' });
    expect(new Set(blocked.map(({ params }) => params.since)).size).toBe(1);
    expect(said.at(-1)?.code).toBe('draining');
  });

  it('a patient drain past its bound → says who is waited for, and goes on by itself once the budget allows', async () => {
    pod('a');
    const clock = new FastClock(200);
    const begunAt = clock.now();
    api.onEvict = () => (clock.now() < begunAt + 300_000 ? budget('cart') : null);
    expect(await drain({ timeoutMs: 60_000, patient: true }, clock)).toEqual({ kind: 'succeeded' });
    const late = said.filter(({ code }) => code === 'drain_timed_out');
    expect(late[0]?.params).toEqual({ node: 'w-1', pod: 'shop/a', pdb: 'cart' });
    expect(evictions().length).toBeLessThanOrEqual(10);
  });

  it('a budget that never allows → asked ever more seldom, ends at its bound, pod and budget named', async () => {
    pod('a');
    api.onEvict = () => budget('cart');
    expect(await drain({ timeoutMs: 60_000 }, new FastClock(25))).toEqual({
      kind: 'failed',
      reason: { code: 'drain_timed_out', params: { node: 'w-1', pod: 'shop/a', pdb: 'cart' } },
    });
    // 5 s, 10 s, 20 s, 40 s: not once a second, and not for ever.
    expect(evictions().length).toBeGreaterThanOrEqual(3);
    expect(evictions().length).toBeLessThanOrEqual(5);
  });

  it('two budgets on one pod → the drain fails with the server’s words, the other pods are gone all the same', async () => {
    pod('a');
    pod('b');
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    api.onEvict = ({ metadata }) => (metadata.name === 'a' ? { code: 500, body: { message } } : null);
    const end = await drain();
    expect(end).toMatchObject({ kind: 'failed', reason: { code: 'step_failed' } });
    expect(JSON.stringify(end)).toContain('shop/a: 500 This pod has more than one');
    expect(api.all(PODS).map(({ metadata }) => metadata.name)).toEqual(['a']);
  });

  it('a pod that is gone when its turn comes → done', async () => {
    const gone = pod('a');
    api.onEvict = () => {
      api.remove(PODS, gone);
      return { code: 404, body: { reason: 'NotFound' } };
    };
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(1);
  });

  it('a StatefulSet’s next pod under the same name → it is another pod, and evicted by its own UID', async () => {
    pod('db-0', { uid: 'first' });
    let made = false;
    api.onEvict = ({ metadata }) => {
      if (metadata.uid !== 'first' || made) return null;
      made = true;
      pod('db-0', { uid: 'second' });
      const message = 'the UID in the precondition (first) does not match the UID in record (second).';
      return { code: 409, body: { reason: 'Conflict', message } };
    };
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(2);
    expect(api.all(PODS)).toEqual([]);
  });

  it('a conflict that says nothing about the UID (409) → not taken for gone: asked again after a pause', async () => {
    pod('a');
    let conflicts = 2;
    const message = 'the object has been modified; please apply your changes to the latest version and try again';
    api.onEvict = () => (conflicts-- > 0 ? { code: 409, body: { reason: 'Conflict', message } } : null);
    const clock = new FastClock(100);
    const begun = clock.now();
    expect(await drain({}, clock)).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(3);
    expect(clock.now() - begun).toBeGreaterThan(8_000);
    expect(said.find(({ code }) => code === 'drain_blocked')?.params.pdb).toContain('409 the object has been modified');
  });

  it('called gone, and on the next list all the same → it is there, and asked for again', async () => {
    pod('a');
    let wrong = 1;
    api.onEvict = () => (wrong-- > 0 ? { code: 404, body: { reason: 'NotFound' } } : null);
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(2);
    expect(api.all(PODS)).toEqual([]);
  });

  /** A workload that puts its next pod onto the same node, closed or not, as soon as one is evicted. */
  function comesBack(spec: object): void {
    let made = 0;
    const next = (): FakeObject => {
      const { metadata, ...one } = pod(`back-${(made += 1)}`);
      return api.put(PODS, { ...one, metadata, spec: { ...(one.spec as object), ...spec } });
    };
    next();
    api.onEvict = () => (next(), null);
  }

  it('pods that tolerate the cordon come back → evicted once, as kubectl; the next stays, and is named', async () => {
    comesBack({ tolerations: [{ operator: 'Exists' }] });
    pod('other');
    const shown: DrainProgress[] = [];
    expect(await drain({ reportDrain: (progress) => shown.push(progress) })).toEqual({ kind: 'succeeded' });
    expect(evictions()).toHaveLength(2);
    expect(shown.at(-1)?.counts).toMatchObject({ gone: 2, kept: 2 });
    const named = shown.at(-1)?.waits.map(({ pod: name, state, detail }) => ({ name, state, detail }));
    expect(named).toContainEqual({
      name: 'shop/back-2',
      state: 'kept',
      detail: expect.stringContaining('which it tolerates'),
    });
  });

  it('pods are put onto the closed node although they do not tolerate it → given up after some rounds, and named', async () => {
    comesBack({});
    const clock = new FastClock(100);
    const begun = clock.now();
    const end = await drain({ patient: true }, clock);
    expect(JSON.stringify(end)).toMatch(/put onto the closed node as fast as they are evicted.*shop\/back-\d+/);
    expect(evictions().length).toBeLessThan(20);
    expect(clock.now() - begun).toBeGreaterThan(20_000);
  });

  it('a namespace that is being deleted → waits until its controller has removed the pod', async () => {
    const leaving = pod('a');
    setTimeout(() => api.remove(PODS, leaving), 100);
    const causes = [{ reason: 'NamespaceTerminating', message: 'is being terminated' }];
    api.onEvict = () => ({ code: 403, body: { details: { causes } } });
    expect(await drain()).toEqual({ kind: 'succeeded' });
  });

  it('a pod that nobody consented to lose → refused by name, and not one pod is evicted', async () => {
    pod('a');
    api.put(PODS, {
      metadata: {
        name: 'scratch',
        namespace: 'ci',
        ...{ ownerReferences: [{ kind: 'Job', name: 'j', controller: true, apiVersion: 'batch/v1', uid: 'j' }] },
      },
      spec: { nodeName: 'w-1', containers: [], volumes: [{ name: 'v', emptyDir: {} }] },
    });
    const end = await drain();
    expect(JSON.stringify(end)).toContain('ci/scratch (emptyDir)');
    expect(evictions()).toEqual([]);
  });

  it('a pod on its way out already → waited for, not evicted again', async () => {
    const leaving = pod('a');
    api.put(PODS, { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-11-21T00:00:00Z' } });
    setTimeout(() => api.remove(PODS, leaving), 50);
    expect(await drain()).toEqual({ kind: 'succeeded' });
    expect(evictions()).toEqual([]);
  });

  it('a cordon that is refused → throws, and nothing is evicted', async () => {
    pod('a');
    api.onRequest = (method) =>
      method === 'PATCH' ? { code: 403, body: { message: 'nodes "w-1" is forbidden' } } : null;
    await expect(drain()).rejects.toMatchObject({ code: 403 });
    expect(evictions()).toEqual([]);
  });

  it('the agent stops while a budget refuses → the step is left without a result, the cordon stays', async () => {
    pod('a');
    api.onEvict = () => budget('cart');
    const cancel = new CancelSource();
    const running = drain({ cancel, report: ({ code }) => code === 'drain_blocked' && cancel.cancel() });
    await expect(running).rejects.toBeInstanceOf(StepInterrupted);
    expect(api.get(NODES, 'w-1')).toMatchObject({ spec: { unschedulable: true } });
  });

  it('an API server that has just started and knows no rights yet → asked again, not taken at its word', async () => {
    pod('a');
    let refusals = 2;
    api.onEvict = () => (refusals-- > 0 ? { code: 403, body: { message: 'clusterrole not found' } } : null);
    expect(await drain()).toEqual({ kind: 'succeeded' });
  });

  it('a right that is really missing → fails after half a minute, in the server’s words', async () => {
    pod('a');
    api.onEvict = () => ({ code: 403, body: { message: 'pods "a" is forbidden' } });
    expect(JSON.stringify(await drain())).toContain('403 pods \\"a\\" is forbidden');
  });

  it('the API server goes away in the middle → said, waited out, and the drain goes on within seconds of its return', async () => {
    pod('a');
    const clock = new FastClock(25);
    let asked = 0;
    let backAt = 0;
    api.onEvict = () => {
      asked += 1;
      if (asked > 1) return null;
      setTimeout(() => api.goAway(), 5);
      setTimeout(() => {
        backAt = clock.now();
        api.comeBack();
      }, 600);
      return budget('cart');
    };
    expect(await drain({ timeoutMs: 600_000 }, clock)).toEqual({ kind: 'succeeded' });
    expect(said.map(({ code }) => code)).toContain('api_unreachable');
    expect(api.all(PODS)).toEqual([]);
    expect(clock.now() - backAt).toBeLessThan(30_000);
  });
});
