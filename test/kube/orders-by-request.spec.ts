import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { podDeletions } from './world/audit-log.js';
import { eventually, pause } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, OLD, twice, type SeenReason } from './world/fleet-world.js';
import { ClusterPki, type CertificateFiles } from './world/pki.js';
import { workload, workloadReady } from './world/workload.js';

interface SeenOrder {
  readonly id: string;
  readonly state: string;
  readonly ended: boolean;
  readonly args: Readonly<Record<string, unknown>>;
  readonly progress: {
    readonly reason: SeenReason;
    readonly drains: readonly { readonly waits: readonly { readonly pod: string; readonly pdb: string }[] }[];
  } | null;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly object: string }[];
  readonly receipts: readonly { readonly path: string; readonly sha256: string }[];
  readonly outcome: {
    readonly kind: string;
    readonly text: string;
    readonly reason: SeenReason | null;
    readonly cordoned: readonly string[];
  } | null;
}

interface SeenCluster {
  readonly lastBackup: { readonly order: string } | null;
  readonly lastRestoreProof: { readonly order: string } | null;
}

const ROOT = join(import.meta.dirname, '..', '..');
const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Never lets a pod go. */
const ledger = {
  ...{ namespace: 'payments', name: 'ledger', replicas: 2, owner: 'team-ledger' },
  pdb: { minAvailable: 2 },
};
const shop = {
  namespace: 'shop',
  name: 'web',
  replicas: 4,
  owner: 'team-shop',
  pdb: { maxUnavailable: 1 },
  readyAfter: '3s',
};

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([{ name: 'rho', version: OLD, workers: 3 }]);
  const { cluster } = world.member('rho');
  await workload(cluster, shop);
  await workloadReady(cluster, shop);
});
afterAll(() => world?.stop());

const ask = (body: unknown): Promise<SeenOrder> => world.hub.call<SeenOrder>('POST', '/clusters/rho/orders', body);
const look = (id: string): Promise<SeenOrder> => world.hub.call<SeenOrder>('GET', `/orders/${id}`);

function until(id: string, what: string, holds: (order: SeenOrder) => boolean): Promise<SeenOrder> {
  return eventually(
    `order ${id} to be ${what}`,
    async () => {
      const order = await look(id);
      return holds(order) && order;
    },
    { withinMs: 180_000, everyMs: 200 },
  );
}
const ended = (id: string): Promise<SeenOrder> => until(id, 'at its end', (order) => order.ended);

/** A worker that runs pods of this workload. */
async function nodeWith(namespace: string): Promise<string> {
  type Pod = { metadata: { namespace: string }; spec: { nodeName?: string } };
  const { api } = world.member('rho').cluster;
  const pods = (await api.list(`/api/v1/namespaces/${namespace}/pods`)) as unknown as readonly Pod[];
  const node = pods.map(({ spec }) => spec.nodeName ?? '').find((name) => name.startsWith('w-'));
  if (!node) throw new Error(`no pod of ${namespace} runs on a worker`);
  return node;
}
async function uidOf(node: string): Promise<string> {
  type Node = { metadata: { name: string; uid: string } };
  const nodes = (await world.member('rho').cluster.api.list('/api/v1/nodes')) as unknown as readonly Node[];
  return nodes.find(({ metadata }) => metadata.name === node)?.metadata.uid ?? '';
}

const SCALE_DOWN = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

async function annotationsOf(node: string): Promise<Readonly<Record<string, string>>> {
  const { metadata } = await world.member('rho').cluster.api.get(`/api/v1/nodes/${node}`);
  return metadata.annotations ?? {};
}
const ourMarks = async (node: string): Promise<string[]> =>
  Object.keys(await annotationsOf(node)).filter((key) => key.startsWith('wavegate.dev/'));

describe('orders by request on a real cluster', () => {
  it('preflight → findings of the real cluster, and nothing on it is changed', async () => {
    const before = deedsOf(world.member('rho'));
    const order = await ended((await ask({ kind: 'preflight', target: '1.35.4' })).id);
    expect([order.outcome?.kind, order.outcome?.cordoned]).toEqual(['completed', []]);
    expect(order.findings.length).toBeGreaterThan(0);
    const after = deedsOf(world.member('rho'));
    expect([after.nodePatches, after.granted]).toEqual([before.nodePatches, before.granted]);
  });

  it('drain, the agent killed in the middle → each pod evicted once, the node stays cordoned under the order’s name', async () => {
    const { cluster, agent } = world.member('rho');
    const node = await nodeWith('shop');
    const { id } = await ask({ kind: 'drain', args: { node } });
    await until(id, 'draining', ({ progress }) => progress !== null);
    await agent.kill();
    await pause(500);
    agent.start();
    const order = await ended(id);
    expect(order.outcome).toMatchObject({ kind: 'completed', cordoned: [node] });
    expect(order.args).toMatchObject({ node, nodeUid: await uidOf(node) });
    expect(await cordoned(world.member('rho'))).toEqual([node]);
    const deeds = deedsOf(world.member('rho'));
    expect([twice(deeds.granted), podDeletions(cluster.audit())]).toEqual([[], []]);
    // The cordon, which the second life adopted, and at the end our mark for the autoscaler taken off again.
    expect(deeds.nodePatches.filter((patched) => patched === node)).toHaveLength(2);
    await cluster.api.patch(`/api/v1/nodes/${node}`, { spec: { unschedulable: null } });
  });

  it('drain against a budget that never allows → the pod and its budget named; timed out, the cordon is taken back', async () => {
    const { cluster } = world.member('rho');
    await workload(cluster, ledger);
    await workloadReady(cluster, ledger);
    const node = await nodeWith('payments');
    const drain = { timeout: '25s', onTimeout: 'failCluster' };
    // Somebody's own word to the Cluster Autoscaler: it is ours only while we work.
    await cluster.api.patch(`/api/v1/nodes/${node}`, { metadata: { annotations: { [SCALE_DOWN]: 'false' } } });
    const { id } = await ask({ kind: 'drain', args: { node }, drain });
    const waitsOf = ({ progress }: SeenOrder) => progress?.drains.flatMap((one) => one.waits) ?? [];
    const isBlocked = (order: SeenOrder): boolean => order.progress?.reason.code === 'drain_blocked';
    const waits = waitsOf(await until(id, 'blocked', (order) => isBlocked(order) && waitsOf(order).length > 0));
    expect(waits.map(({ pod }) => pod).join()).toMatch(/payments\/ledger-/);
    expect(await annotationsOf(node)).toMatchObject({
      [SCALE_DOWN]: 'true',
      'wavegate.dev/scale-down-disabled-by': id,
    });
    const order = await ended(id);
    expect(order.outcome).toMatchObject({ kind: 'halted', reason: { code: 'drain_timed_out' }, cordoned: [] });
    expect(await cordoned(world.member('rho'))).toEqual([]);
    const preflight = await ended((await ask({ kind: 'preflight', target: '1.35.4' })).id);
    expect(preflight.findings).toContainEqual(
      expect.objectContaining({ code: 'pdb_never_allows', severity: 'block', object: 'payments/ledger' }),
    );
    expect(await ourMarks(node)).toEqual([]);
    expect(await annotationsOf(node)).toMatchObject({ [SCALE_DOWN]: 'false' });
    await cluster.api.patch(`/api/v1/nodes/${node}`, { metadata: { annotations: { [SCALE_DOWN]: null } } });
  });

  it('the same under skipNode, and taken back by a person → each time open again, and nothing of ours is left on the node', async () => {
    const node = await nodeWith('payments');
    const drain = { timeout: '5s', onTimeout: 'skipNode' };
    const skipped = await ended((await ask({ kind: 'drain', args: { node }, drain })).id);
    expect(skipped.outcome).toMatchObject({ kind: 'halted', reason: { code: 'drain_timed_out' }, cordoned: [] });
    expect([await cordoned(world.member('rho')), await ourMarks(node)]).toEqual([[], []]);

    const { id } = await ask({ kind: 'drain', args: { node } });
    await until(id, 'blocked', ({ progress }) => progress?.reason.code === 'drain_blocked');
    expect(await ourMarks(node)).toContain('wavegate.dev/cordoned-by');
    await world.hub.call('POST', `/orders/${id}/withdraw`, {});
    const taken = await ended(id);
    expect(taken.outcome).toMatchObject({ kind: 'halted', cordoned: [] });
    expect([await cordoned(world.member('rho')), await ourMarks(node)]).toEqual([[], []]);
    expect(Object.keys(await annotationsOf(node))).not.toContain(SCALE_DOWN);
  });

  it('the same, paused, and its budget goes away → past its bound it names who is waited for, and then goes on by itself', async () => {
    const { cluster } = world.member('rho');
    const node = await nodeWith('payments');
    const { id } = await ask({ kind: 'drain', args: { node }, drain: { timeout: '8s' } });
    const late = await until(id, 'paused', ({ progress }) => progress?.reason.code === 'drain_timed_out');
    expect(late.progress?.reason.params).toMatchObject({ node, pdb: 'ledger' });
    expect([late.ended, await cordoned(world.member('rho'))]).toEqual([false, [node]]);
    await cluster.api.remove('/apis/policy/v1/namespaces/payments/poddisruptionbudgets/ledger');
    const order = await ended(id);
    expect(order.outcome).toMatchObject({ kind: 'completed', cordoned: [node] });
    await cluster.api.patch(`/api/v1/nodes/${node}`, { spec: { unschedulable: null } });
  });

  it('backup of etcd → a snapshot by a node Job, restored for proof, under the order’s own name; the fleet’s column says so', async () => {
    const before = deedsOf(world.member('rho'));
    const args = { what: 'etcd', name: 'before-autumn', ttlMs: 86_400_000 };
    const order = await ended((await ask({ kind: 'backup', args })).id);
    expect(order.outcome).toMatchObject({ kind: 'completed', cordoned: [] });
    const [receipt] = order.receipts;
    expect(receipt).toMatchObject({ backup: 'etcd', node: 'cp-1', verified: 'restore' });
    expect(receipt?.path).toMatch(/_before-autumn_until-\d{8}T\d{6}Z\.tar$/);
    expect(hashOf(receipt?.path ?? '')).toBe(receipt?.sha256);
    const { lastBackup, lastRestoreProof } = await world.hub.call<SeenCluster>('GET', '/clusters/rho');
    expect([lastBackup?.order, lastRestoreProof?.order]).toEqual([order.id, order.id]);
    expect(deedsOf(world.member('rho')).granted).toEqual(before.granted);
  });

  it('backup of manifests → an archive of that namespace by an ordinary pod’s rights; no proof of a restore', async () => {
    const rights = readFileSync(join(ROOT, 'deploy/charts/agent/rights/rbac-export.yaml'), 'utf8');
    const { cluster } = world.member('rho');
    const file = join(cluster.dir, 'rbac-export.yaml');
    writeFileSync(file, rights);
    const applied = await cluster.kubectl('apply', '-f', file);
    expect(applied).toMatchObject({ code: 0 });
    const proven = (await world.hub.call<SeenCluster>('GET', '/clusters/rho')).lastRestoreProof;
    const order = await ended((await ask({ kind: 'backup', args: { what: 'manifests', namespaces: ['shop'] } })).id);
    expect(order.outcome?.kind).toBe('completed');
    const [receipt] = order.receipts;
    expect(receipt).toMatchObject({ backup: 'manifests', verified: 'status' });
    expect(hashOf(receipt?.path ?? '')).toBe(receipt?.sha256);
    const files = execFileSync('tar', ['-tzf', receipt?.path ?? ''], { encoding: 'utf8' }).split('\n');
    expect(files).toContain('namespaces/shop/deployments.apps/web.yaml');
    expect(files.some((name) => name.startsWith('namespaces/') && !name.startsWith('namespaces/shop/'))).toBe(false);
    const { lastBackup, lastRestoreProof } = await world.hub.call<SeenCluster>('GET', '/clusters/rho');
    expect([lastBackup?.order, lastRestoreProof]).toEqual([order.id, proven]);
  });

  it('a Velero backup where there is no Velero → halted with one clear reason, and no receipt', async () => {
    const order = await ended((await ask({ kind: 'backup', args: { what: 'velero' } })).id);
    expect(order).toMatchObject({ receipts: [], outcome: { kind: 'halted', reason: { code: 'backup_failed' } } });
    expect(order.outcome?.text).toMatch(/velero/i);
  });

  it('an agent that was told of an etcd beside the cluster → preflight asks it by a Job: a wrong certificate is named, with the right one nothing is left to say', async () => {
    const { cluster, agent, player } = world.member('rho');
    const { caFile, etcdClient, ports } = cluster.files;
    const stranger = await (await ClusterPki.create(join(cluster.dir, 'strangers'), 'other')).client('x', 'root');
    const secret = '/api/v1/namespaces/wavegate-nodes/secrets';
    const dataOf = ({ cert, key }: CertificateFiles) => {
      const read = (file: string): string => readFileSync(file).toString('base64');
      return { 'ca.crt': read(caFile), 'tls.crt': read(cert), 'tls.key': read(key) };
    };
    const metadata = { name: 'etcd-client', namespace: 'wavegate-nodes' };
    await cluster.api.create(secret, { apiVersion: 'v1', kind: 'Secret', metadata, data: dataOf(stranger) });
    await agent.stop();
    const told = agent.twin('told', {
      WAVEGATE_ETCD_ENDPOINTS: `https://127.0.0.1:${ports.etcd}`,
      WAVEGATE_ETCD_SECRET: 'etcd-client',
    });
    told.start();
    try {
      await world.untilConnected(1);
      const looked = async () => {
        const { findings } = await ended((await ask({ kind: 'preflight', target: '1.35.4' })).id);
        return findings
          .filter(({ code }) => code.startsWith('etcd_'))
          .map(({ severity, code }) => `${severity} ${code}`);
      };
      expect(await looked()).toContain('warn etcd_not_looked_at');
      await cluster.api.patch(`${secret}/etcd-client`, { data: dataOf(etcdClient) });
      expect((await looked()).join()).not.toMatch(/not_looked_at|unhealthy|quorum|alarm/);
      const looks = player.played.filter(({ step }) => step === 'etcdLook').map(({ message }) => message);
      expect(looks).toEqual([
        { ok: false, error: expect.stringMatching(/etcd at https:\/\/127.*certificate/) },
        { ok: true, alarms: [], members: [expect.objectContaining({ name: 'e', silent: '', leads: true })] },
      ]);
    } finally {
      await told.stop();
    }
  });
});
