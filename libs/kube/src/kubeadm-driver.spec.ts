import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { canonicalText, PlanSchema, sha256Hex, type Order } from '@wavegate/fleet';
import { CORDON_ANNOTATION } from './cordon.js';
import { KubeInventory } from './inventory.js';
import type { KubeAccess } from './kube-access.js';
import { KubeadmDriver } from './kubeadm-driver.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, type NodeVerb } from './node-job.js';
import type { FakeApiServer } from './testing/fake-api-server.js';
import { FastClock } from './testing/fast-clock.js';
import { startKubeWorld } from './testing/kube-world.js';

const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const JOBS = '/apis/batch/v1/jobs';

const plan = canonicalText(
  PlanSchema.parse({
    ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
    spec: { target: { kubernetes: '1.35.4' } },
  }),
);
const order = {
  ...{ schema: 1, id: 'order-1', kind: 'upgrade', clusterId: 'c', clusterUid: 'uid-kube-system', attempt: 1, epoch: 1 },
  hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' },
  ...{ plan, planDigest: sha256Hex(plan) },
} as unknown as Order;

let api: FakeApiServer;
let kube: KubeAccess;
let driver: KubeadmDriver;
beforeEach(async () => {
  ({ api, kube } = await startKubeWorld());
  const clock = new FastClock(1);
  const inventory = new KubeInventory(kube, () => clock.now());
  driver = new KubeadmDriver({ kube, inventory, clock, random: { next: () => 0.5 }, nodeImage: 'image' });
  api.put('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
});
afterEach(() => api.stop());

function node(
  name: string,
  of: { readonly ready?: boolean; readonly by?: string; readonly closed?: boolean } = {},
): void {
  api.put(NODES, {
    metadata: { name, annotations: of.by ? { [CORDON_ANNOTATION]: of.by } : {} },
    spec: { unschedulable: of.closed ?? of.by !== undefined },
    status: {
      nodeInfo: { kubeletVersion: 'v1.34.4' },
      conditions: [
        { type: 'Ready', status: of.ready === false ? 'False' : 'True', lastTransitionTime: '2026-11-21T00:00:00Z' },
      ],
    },
  });
}

function job(
  name: string,
  of: {
    readonly node: string;
    readonly verb: NodeVerb;
    readonly end: 'Complete' | 'Failed' | null;
    readonly at: number;
  },
): void {
  api.put(JOBS, {
    metadata: {
      ...{ name, namespace: NODE_JOB_NAMESPACE, creationTimestamp: new Date(of.at).toISOString() },
      labels: { [JOB_LABELS.order]: 'order-1', [JOB_LABELS.node]: of.node, [JOB_LABELS.step]: of.verb },
    },
    status: of.end ? { conditions: [{ type: of.end, status: 'True' }] } : {},
  });
}

const closed = (): string[] =>
  api
    .all(NODES)
    .filter(({ spec }) => (spec as { unschedulable?: boolean }).unschedulable)
    .map(({ metadata }) => metadata.name);

describe('what is left of an order', () => {
  it('a node that was only cordoned → goes back to work', async () => {
    node('w-1', { by: 'order-1' });
    expect(await driver.release(order)).toEqual([]);
    expect(closed()).toEqual([]);
  });

  it.each<[string, 'Failed' | null]>([
    ['the change failed', 'Failed'],
    ['the change still runs', null],
  ])(
    '%s → the node stays closed and is named, its Job stays as evidence, and asking again says the same',
    async (_title, end) => {
      node('w-1', { by: 'order-1' });
      job('good', { node: 'w-1', verb: 'kubelet', end: 'Complete', at: 1 });
      job('last', { node: 'w-1', verb: 'kubelet', end, at: 2_000 });
      expect(await driver.release(order)).toEqual(['w-1']);
      expect(await driver.release(order)).toEqual(['w-1']);
      expect(closed()).toEqual(['w-1']);
      expect(api.all(JOBS)).toHaveLength(2);
    },
  );

  it('a second try that came to a good end → the node goes back to work, and the Jobs go', async () => {
    node('w-1', { by: 'order-1' });
    job('first', { node: 'w-1', verb: 'kubelet', end: 'Failed', at: 1 });
    job('second', { node: 'w-1', verb: 'kubelet', end: 'Complete', at: 2_000 });
    expect(await driver.release(order)).toEqual([]);
    expect([closed(), api.all(JOBS)]).toEqual([[], []]);
    expect(api.requests.some((request) => request.startsWith('DELETE') && request.includes('/pods'))).toBe(false);
  });

  it('a failed snapshot → says nothing about the node', async () => {
    node('cp-1', { by: 'order-1' });
    job('snapshot', { node: 'cp-1', verb: 'etcdSnapshot', end: 'Failed', at: 1 });
    expect(await driver.release(order)).toEqual([]);
  });

  it('a node that is not Ready, and cordons of others → the first is named, the others are left alone', async () => {
    node('w-1', { by: 'order-1', ready: false });
    node('w-2', { by: 'order-0' });
    node('w-3', { closed: true });
    expect(await driver.release(order)).toEqual(['w-1']);
    expect(closed()).toEqual(['w-1', 'w-2', 'w-3']);
  });
});

describe('what is observed', () => {
  it('pods on closed nodes → counted as a drain would, our own node Job and DaemonSets not among them', async () => {
    node('w-1', { by: 'order-1' });
    const put = (name: string, namespace: string, kind: string): void =>
      void api.put(PODS, {
        metadata: { name, namespace, ...{ ownerReferences: [{ kind, name: 'o', controller: true }] } },
        spec: { nodeName: 'w-1', containers: [] },
      });
    put('web', 'shop', 'ReplicaSet');
    put('logs', 'ops', 'DaemonSet');
    put('wg-1', NODE_JOB_NAMESPACE, 'Job');
    const [seen] = (await driver.observe(order)).nodes;
    expect(seen).toMatchObject({
      name: 'w-1',
      cordoned: true,
      cordonedBy: 'order-1',
      podsToEvict: 1,
      kubelet: '1.34.4',
    });
  });

  it('an API server that goes away → the last picture, marked; one that says "you may not" → an error', async () => {
    node('w-1');
    const before = await driver.observe(order);
    expect(before.reachable).toBe(true);
    api.goAway();
    const during = await driver.observe(order);
    expect(during).toMatchObject({ reachable: false, nodes: before.nodes });
    await expect(driver.release(order)).rejects.toThrow(/does not answer/);
    api.comeBack();
    expect((await driver.observe(order)).reachable).toBe(true);
    api.onRequest = () => ({ code: 403, body: { message: 'forbidden' } });
    await expect(driver.observe(order)).rejects.toMatchObject({ code: 403 });
  });
});
