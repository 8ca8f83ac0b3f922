import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { canonicalText, PlanSchema, sha256Hex, type Order } from '@wavegate/fleet';
import type { StepContext } from '@wavegate/runtime/agent';
import { CORDON_ANNOTATION } from './drain/cordon.js';
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

  it('a change that its script refused before it touched anything → the node goes back to work', async () => {
    node('w-1', { by: 'order-1' });
    job('refused', { node: 'w-1', verb: 'kubelet', end: 'Failed', at: 1 });
    const message = '{"ok":false,"code":"package_missing","error":"the repository of 1.35 has no kubelet 1.35.4"}';
    const labels = { [JOB_LABELS.order]: 'order-1', 'batch.kubernetes.io/job-name': 'refused' };
    api.put(PODS, {
      metadata: { name: 'refused-x', namespace: NODE_JOB_NAMESPACE, labels },
      spec: { containers: [] },
      status: { containerStatuses: [{ state: { terminated: { message } } }] },
    });
    expect(await driver.release(order)).toEqual([]);
    expect(closed()).toEqual([]);
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

  it('pods that came back to a closed node by their toleration → not to be evicted, so the node is out', async () => {
    const closed = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: '2026-11-21T10:00:00Z' };
    node('w-1', { by: 'order-1' });
    api.put(NODES, { ...api.get(NODES, 'w-1')!, spec: { unschedulable: true, taints: [closed] } });
    const put = (name: string, creationTimestamp: string, tolerations: object[]): void =>
      void api.put(PODS, {
        metadata: {
          ...{ name, namespace: 'shop', creationTimestamp },
          ...{ ownerReferences: [{ kind: 'ReplicaSet', name: 'o', controller: true }] },
        },
        spec: { nodeName: 'w-1', containers: [], tolerations },
      });
    put('back', '2026-11-21T10:00:01Z', [{ operator: 'Exists' }]);
    const out = async () => (await driver.observe(order)).nodes[0]?.podsToEvict;
    expect(await out()).toBe(0);
    put('before', '2026-11-21T09:59:59Z', [{ operator: 'Exists' }]);
    put('landed', '2026-11-21T10:00:01Z', []);
    expect(await out()).toBe(2);
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

describe('a look at the cluster in an order', () => {
  const UNTIL = '2099-01-31T00:00:00Z';
  const waiving = canonicalText(
    PlanSchema.parse({
      ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
      spec: {
        target: { kubernetes: '1.35.4' },
        preflight: {
          severities: [{ code: 'node_not_ready', set: 'warn', selector: 'env=lab', reason: 'a lab', until: UNTIL }],
        },
      },
    }),
  );
  const context = (changes: object) =>
    ({
      order: { ...order, plan: waiving, planDigest: sha256Hex(waiving), labels: { env: 'lab' } },
      ...{ attempt: 1, report: () => undefined, cancel: { cancelled: false, onCancel: () => () => undefined } },
      ...changes,
    }) as unknown as StepContext;

  it('preflight → by the order’s labels, the hub’s clock and the newest proof', async () => {
    node('w-1', { ready: false });
    api.onRequest = (_method, path) => {
      if (path === '/apis') return { code: 200, body: { groups: [] } };
      return path === '/version' ? { code: 200, body: { gitVersion: 'v1.34.4' } } : null;
    };
    const clock = new FastClock(1);
    const means = { kube, clock, inventory: new KubeInventory(kube, () => clock.now()), random: { next: () => 0.5 } };
    const told = new KubeadmDriver({ ...means, nodeImage: 'image', hubAheadMs: () => 90_000 });
    const step = { kind: 'preflight', name: 'preflight/cluster', target: '1.35.4' } as const;
    const result = await told.carryOut(step, context({ receiptAt: 0 }));
    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    expect(findings.find(({ code }) => code === 'node_not_ready')).toMatchObject({ severity: 'warn' });
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'clock_skew', object: 'the hub', severity: 'block' }),
    );
    expect(findings.some(({ code }) => code === 'etcd_receipt_old')).toBe(true);
  });

  it('validation → of the phase after, against the picture of before', async () => {
    node('w-1');
    const before = { schema: 1, at: 1, version: '1.34.4', ready: { 'Deployment shop/web': 2 }, crashLooping: [] };
    const step = { kind: 'validate', name: 'validate/cluster', target: '1.35.4' } as const;
    const result = await driver.carryOut(step, context({ before }));
    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    expect(findings).toContainEqual(expect.objectContaining({ code: 'workload_gone', phase: 'after' }));
    expect(findings).toContainEqual(expect.objectContaining({ code: 'version_not_reached', severity: 'block' }));
  });
});
