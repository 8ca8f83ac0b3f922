import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evictions, podDeletions } from './world/audit-log.js';
import { eventually } from './world/eventually.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, sampleJob } from './world/node-job-contract.js';
import { NodePlayer } from './world/node-player.js';
import { startCluster } from './world/real-cluster.js';
import type { RealCluster } from './world/real-cluster.js';
import { clearLeftovers, makeRunFolder, removeRunFolder } from './world/run-folder.js';
import { kubeletVersion } from './world/simulated-nodes.js';
import { podsOf, workload, workloadReady } from './world/workload.js';
import type { NodeSpec } from './world/simulated-nodes.js';

const OLD = '1.34.4';
const NEW = '1.35.4';

function nodes(
  kubelet: string,
  counts: { readonly controlPlanes: number; readonly workers: number },
): readonly NodeSpec[] {
  const make = (role: NodeSpec['role'], prefix: string, count: number): readonly NodeSpec[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${prefix}-${index + 1}`,
      role,
      kubelet,
      zone: `zone-${index % 2}`,
    }));
  return [...make('controlPlane', 'cp', counts.controlPlanes), ...make('worker', 'worker', counts.workers)];
}

let dir: string;
let older: RealCluster;
let newer: RealCluster;
let player: NodePlayer;

beforeAll(async () => {
  dir = makeRunFolder();
  [older, newer] = await Promise.all([
    startCluster({ name: 'older', version: OLD, dir, nodes: nodes(OLD, { controlPlanes: 2, workers: 3 }) }),
    startCluster({ name: 'newer', version: NEW, dir, nodes: nodes(OLD, { controlPlanes: 1, workers: 2 }) }),
  ]);
  player = new NodePlayer(older);
  await player.start();
});

afterAll(async () => {
  await player?.stop();
  await Promise.all([older?.stop(), newer?.stop()]);
  removeRunFolder(dir);
});

/** Runs a node Job as the agent would make it and waits until the real job controller has closed it. */
async function runNodeJob(
  job: Parameters<typeof sampleJob>[0],
): Promise<{ readonly succeeded: boolean; readonly message: Record<string, unknown> }> {
  const made = sampleJob(job);
  const path = `/apis/batch/v1/namespaces/${NODE_JOB_NAMESPACE}/jobs`;
  await older.api.create(path, made);
  const ended = await eventually(
    `Job ${made.metadata?.name}`,
    async () => {
      const { body } = await older.api.ask('GET', `${path}/${made.metadata?.name}`);
      const { status } = body as { status?: { conditions?: { type: string; status: string }[] } };
      return status?.conditions?.find(
        ({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed'),
      );
      // After an outage the real job controller rests up to a minute before it asks again.
    },
    { withinMs: 240_000 },
  );
  const selector = encodeURIComponent(
    `${JOB_LABELS.order}=${job.order},${JOB_LABELS.step}=${job.step},${JOB_LABELS.node}=${job.node}`,
  );
  const pods = await older.api.list(`/api/v1/namespaces/${NODE_JOB_NAMESPACE}/pods?labelSelector=${selector}`);
  const status = pods[0]?.status as { containerStatuses: { state: { terminated: { message: string } } }[] };
  const message = JSON.parse(status.containerStatuses[0]?.state.terminated.message ?? '{}') as Record<string, unknown>;
  return { succeeded: ended.type === 'Complete', message };
}

describe('the clusters of the test world', () => {
  it('two minors started side by side → each API server names its version, its nodes keep the kubelet version given', async () => {
    expect(await older.apiServerVersion()).toBe(OLD);
    expect(await newer.apiServerVersion()).toBe(NEW);
    expect(await kubeletVersion(newer.api, 'worker-1')).toBe(OLD);
    const { stdout } = await newer.kubectl(
      'get',
      'pod',
      '-n',
      'kube-system',
      'kube-apiserver-cp-1',
      '-o',
      'jsonpath={.spec.containers[0].image}',
    );
    expect(stdout).toBe(`registry.k8s.io/kube-apiserver:v${NEW}`);
  });

  it('30 pods under a budget that needs 30 → an eviction is refused with 429, nothing is deleted, the audit log shows it', async () => {
    const web = { namespace: 'shop', name: 'web', replicas: 30, pdb: { minAvailable: 30 }, owner: 'team-shop' };
    await workload(older, web);
    await workloadReady(older, web);
    const [pod] = await podsOf(older, web);
    const name = pod?.metadata.name ?? '';

    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'shop' } };
    const refused = await older.api.ask('POST', `/api/v1/namespaces/shop/pods/${name}/eviction`, eviction);

    expect(refused.code).toBe(429);
    expect(refused.headers['retry-after']).toBeUndefined();
    expect(refused.status.details?.causes?.[0]?.reason).toBe('DisruptionBudget');
    expect(await podsOf(older, web)).toHaveLength(30);
    expect(evictions(older.audit())).toContainEqual(expect.objectContaining({ pod: `shop/${name}`, code: 429 }));
    expect(podDeletions(older.audit())).toEqual([]);
  });

  it('a budget that allows one disruption → the second eviction waits until the replacement is ready', async () => {
    const api = { namespace: 'shop', name: 'api', replicas: 3, pdb: { maxUnavailable: 1 }, readyAfter: '6s' };
    await workload(newer, api);
    await workloadReady(newer, api);
    const [first, second] = (await podsOf(newer, api)).map(({ metadata }) => metadata.name);
    const evict = (name = '') => {
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'shop' } };
      return newer.api.ask('POST', `/api/v1/namespaces/shop/pods/${name}/eviction`, eviction);
    };

    expect((await evict(first)).code).toBe(201);
    expect((await evict(second)).code).toBe(429);
    await eventually('the second eviction to be granted', async () => (await evict(second)).code === 201);
    expect(evictions(newer.audit()).filter(({ code }) => code === 201)).toHaveLength(2);
  });

  it('a client of its own → the audit log tells its requests from those of the world, and its rules bind it', async () => {
    const kubeconfig = await newer.identity('agent', [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] },
    ]);
    const listed = await newer.kubectl('--kubeconfig', kubeconfig, 'get', 'nodes');
    const refused = await newer.kubectl('--kubeconfig', kubeconfig, 'delete', 'pod', '-n', 'shop', '--all');

    expect(listed.code).toBe(0);
    expect(refused.stderr).toContain('forbidden');
    expect(newer.audit().filter(({ user }) => user.username === 'agent').length).toBeGreaterThan(0);
  });

  it('an older run whose owner is gone → its folder is cleared, running ones are left alone', () => {
    const orphan = makeRunFolder();
    writeFileSync(join(orphan, 'owner'), String(2 ** 22 - 1));

    expect(clearLeftovers()).toContain(orphan);
    expect(existsSync(dir)).toBe(true);
  });
});

describe("the node's side of node Jobs", () => {
  it('etcdSnapshot → a real snapshot, restored once, whose hash and revision the Job reports', async () => {
    const { succeeded, message } = await runNodeJob({
      order: 'o1',
      node: 'cp-1',
      step: 'etcdSnapshot',
      to: NEW,
      from: OLD,
    });

    expect(succeeded).toBe(true);
    expect(message).toMatchObject({ ok: true, verified: 'restore', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(message['revision']).toBeGreaterThan(100);
    expect(message['totalKeys']).toBeGreaterThan(100);
    expect(existsSync(String(message['path']))).toBe(true);
  });

  it('kubelet before the control plane → the Job fails, for that kubelet would be newer than its API server', async () => {
    const { succeeded, message } = await runNodeJob({
      order: 'o0',
      node: 'worker-1',
      step: 'kubelet',
      to: NEW,
      from: OLD,
    });

    expect(succeeded).toBe(false);
    expect(message).toMatchObject({ ok: false, error: expect.stringContaining('newer than the API server') });
    expect(await kubeletVersion(older.api, 'worker-1')).toBe(OLD);
  });

  it('controlPlane on the first of two → only that node shows the new version; on the last → a new API server on the same etcd', async () => {
    const before = await older.api.get('/api/v1/namespaces/kube-system');
    const pids = ['kube-apiserver', 'etcd'].map((name) => older.programs.pid(name));

    const first = await runNodeJob({ order: 'o1', node: 'cp-1', step: 'controlPlane', to: NEW, from: OLD });
    expect(first).toEqual({ succeeded: true, message: { ok: true, version: NEW } });
    expect(await older.apiServerVersion()).toBe(OLD);
    expect(older.programs.pid('kube-apiserver')).toBe(pids[0]);

    const last = await runNodeJob({ order: 'o1', node: 'cp-2', step: 'controlPlane', to: NEW, from: OLD });
    expect(last).toEqual({ succeeded: true, message: { ok: true, version: NEW } });
    expect(await older.apiServerVersion()).toBe(NEW);
    expect(older.programs.pid('kube-apiserver')).not.toBe(pids[0]);
    expect(older.programs.pid('etcd')).toBe(pids[1]);
    expect((await older.api.get('/api/v1/namespaces/kube-system')).metadata.uid).toBe(before.metadata.uid);
    expect(await podsOf(older, { namespace: 'shop', name: 'web' })).toHaveLength(30);
    expect(evictions(older.audit()).length).toBeGreaterThan(0); // the audit log goes on where it was
  });

  it('inspect → the kubelet and the static pods of that node, by version', async () => {
    const { message } = await runNodeJob({ order: 'o1', node: 'cp-2', step: 'inspect', to: NEW, from: OLD });

    expect(message).toMatchObject({ ok: true, kubelet: OLD, staticPods: { 'kube-apiserver': NEW, etcd: '3.6.16' } });
  });

  it('kubelet, then kubeletRollback → the node reports the new version, then the old one again', async () => {
    const up = await runNodeJob({ order: 'o1', node: 'worker-1', step: 'kubelet', to: NEW, from: OLD });
    expect(up.succeeded).toBe(true);
    expect(await kubeletVersion(older.api, 'worker-1')).toBe(NEW);

    const down = await runNodeJob({ order: 'o1', node: 'worker-1', step: 'kubeletRollback', to: OLD, from: NEW });
    expect(down.succeeded).toBe(true);
    expect(await kubeletVersion(older.api, 'worker-1')).toBe(OLD);
  });

  it('a step told to fail → the real job controller closes the Job as failed, and the node is unchanged', async () => {
    player.failNext('kubelet', 'worker-2', 'no space left on device');
    const { succeeded, message } = await runNodeJob({
      order: 'o2',
      node: 'worker-2',
      step: 'kubelet',
      to: NEW,
      from: OLD,
    });

    expect(succeeded).toBe(false);
    expect(message).toEqual({ ok: false, error: 'no space left on device' });
    expect(await kubeletVersion(older.api, 'worker-2')).toBe(OLD);
  });

  it('a step told to hang, the API server stopped meanwhile → it ends once, after both are let go', async () => {
    const release = player.hangNext('kubelet', 'worker-3');
    const job = runNodeJob({ order: 'o3', node: 'worker-3', step: 'kubelet', to: NEW, from: OLD });
    await eventually('the pod to run', async () =>
      (await older.kubectl('get', 'pod', '-n', NODE_JOB_NAMESPACE, '-l', `${JOB_LABELS.order}=o3`)).stdout.includes(
        'Running',
      ),
    );
    await older.stopApiServer();
    release();
    await older.startApiServer();

    expect((await job).message).toEqual({ ok: true, version: NEW });
    expect(player.played.filter(({ order }) => order === 'o3')).toHaveLength(1);
  });
});
