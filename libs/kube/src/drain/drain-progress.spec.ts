import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DrainProgress } from '@wavegate/fleet';
import { CancelSource } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import type { FakeApiServer, FakeObject, Refusal } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';
import { CORDON_ANNOTATION, SCALE_DOWN_ANNOTATION, SCALE_DOWN_BY_ANNOTATION } from './cordon.js';
import { drainNode, type DrainMeans, type DrainRequest } from './drain.js';

const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const BUDGETS = '/apis/policy/v1/poddisruptionbudgets';
const CONSENT = { deleteEmptyDir: { namespaces: [] }, evictUnmanaged: { namespaces: [] } };

let api: FakeApiServer;
let kube: KubeAccess;
let shown: DrainProgress[];
let evicted: string[];

beforeEach(async () => {
  ({ api, kube } = await startKubeWorld());
  shown = [];
  evicted = [];
  api.put(NODES, { metadata: { name: 'w-1', uid: 'node-1' }, spec: {} });
  api.put(NODES, node('w-2'));
  api.onEvict = ({ metadata }) => (evicted.push(metadata.name), null);
});
afterEach(() => api.stop());

function node(name: string, spec: object = {}): FakeObject {
  return { metadata: { name }, spec, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
}

function pod(name: string, more: { metadata?: object; spec?: object } = {}): FakeObject {
  const ownerReferences = [{ kind: 'ReplicaSet', name: 'web-abc', controller: true, apiVersion: 'apps/v1', uid: 'o' }];
  const labels = { app: 'web', 'pod-template-hash': 'abc' };
  return api.put(PODS, {
    metadata: { name, namespace: 'shop', ownerReferences, labels, ...more.metadata } as FakeObject['metadata'],
    spec: { nodeName: 'w-1', containers: [], ...more.spec },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
}

/** A budget as its controller has counted it. */
function budget(
  name: string,
  numbers: { allowed: number; healthy?: number; wanted?: number; expected?: number },
): void {
  const { allowed, healthy = 3, wanted = 2, expected = 3 } = numbers;
  api.put(BUDGETS, {
    metadata: { name, namespace: 'shop', generation: 1 } as FakeObject['metadata'],
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: {
      observedGeneration: 1,
      ...{ disruptionsAllowed: allowed, currentHealthy: healthy, desiredHealthy: wanted, expectedPods: expected },
    },
  });
}

const refusedBy = (name: string): Refusal => ({
  code: 429,
  body: {
    reason: 'TooManyRequests',
    details: { causes: [{ reason: 'DisruptionBudget', message: `The disruption budget ${name} needs 2` }] },
  },
});

function drain(changes: Partial<DrainRequest> = {}, means: Partial<DrainMeans> = {}) {
  const request: DrainRequest = {
    ...{ node: 'w-1', orderId: 'order-1', timeoutMs: 600_000, perSecond: 50, consent: CONSENT },
    report: () => {},
    reportDrain: (drained) => shown.push(drained),
    cancel: new CancelSource(),
    ...changes,
  };
  return drainNode({ kube, clock: new FastClock(100), random: { next: () => 0.5 }, ...means }, request);
}

const asked = (part: string): number => api.requests.filter((request) => request.includes(part)).length;

describe('what a drain shows of its pods', () => {
  it('pods come and go → counted in every state, at the end all gone, DaemonSets kept', async () => {
    api.goneAfterMs = 400;
    ['a', 'b', 'c'].forEach((name) => pod(name));
    pod('logs', { metadata: { ownerReferences: [{ kind: 'DaemonSet', name: 'logs', controller: true }] } });
    expect(await drain()).toEqual({ kind: 'succeeded' });
    const { counts, waits } = shown.at(-1)!;
    expect(counts).toEqual({ kept: 1, queued: 0, evicting: 0, blocked: 0, terminating: 0, gone: 3 });
    expect(waits).toEqual([]);
    expect(shown.some(({ counts: { terminating } }) => terminating > 0)).toBe(true);
  });

  it('a budget refuses → named with its numbers and the Deployment; the budget moves → asked at once, not at the end of a pause', async () => {
    pod('a');
    budget('cart', { allowed: 0, healthy: 2 });
    let open = false;
    api.onEvict = () => (open ? null : refusedBy('cart'));
    const named = () => shown.flatMap(({ waits }) => waits).find(({ detail }) => detail.includes('healthy'));
    const draining = drain({}, { clock: new FastClock(1) });
    while (!named()) await new Promise((resolve) => setTimeout(resolve, 10));
    const moved = Date.now();
    open = true;
    budget('cart', { allowed: 1 });
    expect(await draining).toEqual({ kind: 'succeeded' });
    // The pause after a refusal is at least four seconds.
    expect(Date.now() - moved).toBeLessThan(2_000);
    const wait = named();
    expect(wait).toMatchObject({ pod: 'shop/a', state: 'blocked', pdb: 'shop/cart', owner: 'Deployment shop/web' });
    expect(wait?.detail).toBe('0 disruptions allowed: 2 of its 3 pods are healthy, 2 must be');
    expect(asked('/eviction')).toBe(2);
  });

  it('a budget that can never allow → said in the line, with what would help', async () => {
    pod('a');
    budget('cart', { allowed: 0, healthy: 3, wanted: 3 });
    api.onEvict = () => refusedBy('cart');
    await drain({ timeoutMs: 20_000 }, { clock: new FastClock(20) });
    expect(shown.at(-1)?.waits[0]?.detail).toContain('can never allow one: add a replica, or set maxUnavailable: 1');
  });

  it('one of ten blocked pods may go → one asks, not ten', async () => {
    Array.from({ length: 10 }, (_, n) => pod(`p${n}`));
    budget('cart', { allowed: 0 });
    let room = 0;
    api.onEvict = () => (room-- > 0 ? null : refusedBy('cart'));
    const clock = new FastClock(1);
    const cancel = new CancelSource();
    const running = drain({ cancel }, { clock }).catch(() => null);
    await until(() => shown.at(-1)?.counts.blocked === 10 && asked('GET /apis/policy') >= 2);
    const before = asked('/eviction');
    room = 1;
    budget('cart', { allowed: 1 });
    await until(() => shown.at(-1)?.counts.gone === 1);
    expect(asked('/eviction')).toBe(before + 1);
    cancel.cancel();
    await running;
  });

  it('a finalizer holds a pod → terminating, the finalizer named, and the drain ends at its bound with its name', async () => {
    pod('a', { metadata: { deletionTimestamp: '2026-11-21T00:00:00Z', finalizers: ['shop.example/save'] } });
    const end = await drain({ timeoutMs: 40_000 }, { clock: new FastClock(40) });
    expect(shown.at(-1)?.waits[0]).toMatchObject({
      state: 'terminating',
      detail: 'waits for its finalizers shop.example/save',
    });
    expect(JSON.stringify(end)).toContain('waits for its finalizers shop.example/save');
  });

  it('a hundred pods → one list, one watch, one eviction each: no request per pod beside', async () => {
    Array.from({ length: 100 }, (_, n) => pod(`p${n}`));
    expect(await drain({ perSecond: Infinity }, { clock: new FastClock(1) })).toEqual({ kind: 'succeeded' });
    expect(asked('/eviction')).toBe(100);
    expect(api.requests.length).toBeLessThanOrEqual(107);
  });
});

describe('the order of a drain', () => {
  it('priorities → lower first, our own pod last of all', async () => {
    pod('me', { spec: { priority: -5 } });
    pod('dns', { spec: { priority: 2_000_000_000 } });
    pod('app', { spec: { priority: 0 } });
    pod('batch', { spec: { priority: -10 } });
    expect(await drain({}, { agentPod: { namespace: 'shop', name: 'me' } })).toEqual({ kind: 'succeeded' });
    expect(evicted).toEqual(['batch', 'app', 'dns', 'me']);
  });

  it('groups with a wait → the next begins when the one before is gone, or the wait is over', async () => {
    pod('app');
    pod('dns', { spec: { priority: 2_000_000_000 } });
    api.goneAfterMs = 80;
    const goneAtDns: number[] = [];
    api.onEvict = ({ metadata }) => (metadata.name === 'dns' && goneAtDns.push(api.all(PODS).length), null);
    await drain({ priorityGroups: [1_000_000], waitBetweenMs: 60_000 });
    expect(goneAtDns).toEqual([1]);
  });

  it('a budget on our own single replica → our pod stays, and the drain is through', async () => {
    pod('me');
    pod('app');
    api.onEvict = ({ metadata }) => (metadata.name === 'me' ? refusedBy('agent') : null);
    expect(await drain({}, { agentPod: { namespace: 'shop', name: 'me' } })).toEqual({ kind: 'succeeded' });
    expect(api.all(PODS).map(({ metadata }) => metadata.name)).toEqual(['me']);
  });

  it('our own pod landed here again since the drain began → it is not moved a second time', async () => {
    pod('me', { metadata: { creationTimestamp: '2026-11-21T00:00:00Z' } });
    expect(await drain({ begunAt: 1_700_000_000_000 }, { agentPod: { namespace: 'shop', name: 'me' } })).toEqual({
      kind: 'succeeded',
    });
    expect(evicted).toEqual([]);
  });
});

describe('a drain that must not be', () => {
  it.each([
    ['no other node', () => api.remove(NODES, api.get(NODES, 'w-2')!)],
    ['the other is closed', () => api.put(NODES, node('w-2', { unschedulable: true }))],
    [
      'the others are control planes',
      () =>
        api.put(
          NODES,
          node('w-2', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }),
        ),
    ],
  ])('%s → refused before the first eviction, and the node is open again', async (_title, make) => {
    make();
    pod('a');
    expect(await drain()).toEqual({
      kind: 'failed',
      reason: { code: 'last_schedulable_node', params: { node: 'w-1' } },
    });
    expect(evicted).toEqual([]);
    expect(api.get(NODES, 'w-1')).toMatchObject({ spec: { unschedulable: false } });
  });

  it('the last node with consent → drained', async () => {
    api.remove(NODES, api.get(NODES, 'w-2')!);
    pod('a');
    expect(await drain({ lastNode: true })).toEqual({ kind: 'succeeded' });
  });

  it('an unknown node, another node of that name, a timeout below nothing → one clear reason, nothing touched', async () => {
    expect(await drain({ node: 'w-9' })).toMatchObject({ reason: { code: 'node_unknown', params: { node: 'w-9' } } });
    expect(await drain({ nodeUid: 'node-0' })).toMatchObject({
      reason: { code: 'node_uid_mismatch', params: { expected: 'node-0', found: 'node-1' } },
    });
    expect(JSON.stringify(await drain({ timeoutMs: -5 }))).toContain('its timeout is -5 ms');
    expect(asked('PATCH')).toBe(0);
  });

  it('taken up again after its bound → asks once more for half a minute, not for a fresh timeout', async () => {
    pod('a');
    api.onEvict = () => refusedBy('cart');
    const clock = new FastClock(40);
    const begun = clock.now();
    const end = await drain({ begunAt: begun - 900_000, timeoutMs: 900_000 }, { clock });
    expect(end).toMatchObject({ reason: { code: 'drain_timed_out' } });
    expect(clock.now() - begun).toBeLessThan(45_000);
  });
});

describe('the Cluster Autoscaler', () => {
  const marks = () => api.get(NODES, 'w-1')?.metadata.annotations ?? {};

  it('a node we close → its scale-down is disabled by us in the same write', async () => {
    await drain();
    expect(marks()).toEqual({
      [CORDON_ANNOTATION]: 'order-1',
      [SCALE_DOWN_ANNOTATION]: 'true',
      [SCALE_DOWN_BY_ANNOTATION]: 'order-1',
    });
    expect(asked('PATCH')).toBe(1);
  });

  it('disabled by somebody before → left alone', async () => {
    api.put(NODES, { metadata: { name: 'w-1', annotations: { [SCALE_DOWN_ANNOTATION]: 'true' } }, spec: {} });
    await drain();
    expect(marks()).toEqual({ [CORDON_ANNOTATION]: 'order-1', [SCALE_DOWN_ANNOTATION]: 'true' });
  });
});

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('waited for in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
