import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKube, type KubeAccess } from '@wavegate/kube';
import * as controlPlane from '../world/control-plane.js';
import { eventually } from '../world/eventually.js';
import { startCluster, type RealCluster } from '../world/real-cluster.js';
import { setKubeletVersion, setNodeReady, type NodeSpec } from '../world/simulated-nodes.js';
import { troubles } from './troubled-objects.js';

const RBAC = join(import.meta.dirname, '../../../deploy/agent/rbac.yaml');
const TOO_OLD: Readonly<Record<string, string>> = { '1.34.4': '1.30.2', '1.35.4': '1.31.2' };

/** Two control-plane nodes and six workers, all well. */
export async function soundCluster(version: string, dir: string): Promise<RealCluster> {
  const node = (name: string, role: NodeSpec['role']): NodeSpec => ({ name, role, kubelet: version });
  const workers = ['w-1', 'w-2', 'w-old', 'w-sick', 'w-closed', 'w-full'].map((name) => node(name, 'worker'));
  const cluster = await startCluster({
    name: `preflight-${version}`,
    version,
    dir,
    nodes: [node('cp-1', 'controlPlane'), node('cp-2', 'controlPlane'), ...workers],
  });
  // As a cluster whose record was lost; the troubles bring an old one.
  await cluster.api.remove('/api/v1/namespaces/kube-system/configmaps/kubeadm-config');
  // A version that ends is served only where somebody asked for it: as an old client's cluster would.
  await cluster.stopApiServer();
  const { file, args, env } = controlPlane.apiServer(version, cluster.files);
  cluster.programs.start('kube-apiserver', file, [...args, '--runtime-config=networking.k8s.io/v1beta1=true'], env);
  await eventually(
    'the API server with its old version',
    async () => (await cluster.api.ask('GET', '/readyz')).code === 200,
  );
  return cluster;
}

/** The account of the shipped manifests, with exactly its rights. */
export async function agentAccess(cluster: RealCluster): Promise<{ kube: KubeAccess; kubeconfig: string }> {
  await eventually('the shipped manifests to be taken', async () => {
    const applied = await cluster.kubectl('apply', '-f', RBAC);
    return applied.code === 0;
  });
  const token = await eventually('a token of the ServiceAccount', async () => {
    const made = await cluster.kubectl('create', 'token', 'wavegate-agent', '-n', 'wavegate', '--duration', '2h');
    return made.code === 0 && made.stdout.trim();
  });
  const kubeconfig = join(cluster.dir, 'kubeconfigs', 'preflight-agent');
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': cluster.name },
    clusters: [{ name: 'c', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'agent', user: { token } }],
    contexts: [{ name: cluster.name, context: { cluster: 'c', user: 'agent' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return { kube: openKube({ kubeconfig }), kubeconfig };
}

/** As the cluster's own admin, before anything of Wavegate is installed. */
export function adminAccess(cluster: RealCluster): KubeAccess {
  return openKube({ kubeconfig: cluster.kubeconfigPath });
}

/** Everything that can be wrong at once, beside sound twins of it. */
export async function trouble(cluster: RealCluster): Promise<void> {
  const { api } = cluster;
  const { version } = cluster.spec;
  // kubeadm would have written others: the world's own are bare.
  for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']) {
    await Promise.all(['cp-1', 'cp-2'].map((node) => goneForGood(cluster, `${component}-${node}`)));
  }
  for (const { path, object } of troubles(version)) {
    await eventually(`${path} to be taken`, async () => {
      const { code, status } = await api.ask('POST', path, object);
      if (code >= 400 && code !== 409 && code !== 403 && code !== 404)
        throw new Error(`${path}: ${code} ${status.message}`);
      return code < 300 || code === 409;
    });
  }
  await nodeTroubles(cluster, version);
  await podTroubles(cluster);
  await oldVersions(cluster);
  await endingClient(cluster);
}

/** Somebody who comes with a certificate of three days. */
async function endingClient(cluster: RealCluster): Promise<void> {
  const rules = [{ apiGroups: [''], resources: ['namespaces'], verbs: ['list'] }];
  const kubeconfig = await cluster.identity('ending', rules, 3);
  await eventually('the rights of the ending client', () => openKube({ kubeconfig }).core.listNamespace({ limit: 1 }));
}

/** A plane whose etcd is elsewhere shows none of its members. */
export async function withoutStackedEtcd(cluster: RealCluster): Promise<void> {
  await Promise.all(['cp-1', 'cp-2'].map((node) => goneForGood(cluster, `etcd-${node}`)));
}

/** A removed pod may still be there for a moment: what is made under its name meanwhile would be taken for made already. */
async function goneForGood({ api }: RealCluster, name: string): Promise<void> {
  const path = `/api/v1/namespaces/kube-system/pods/${name}`;
  await api.remove(path);
  await eventually(`${name} to be gone`, async () => (await api.ask('GET', path)).code === 404);
}

async function nodeTroubles(cluster: RealCluster, version: string): Promise<void> {
  const { api } = cluster;
  await setKubeletVersion(api, 'w-old', TOO_OLD[version] ?? '1.30.0');
  await setNodeReady(api, 'w-sick', false);
  await api.patch('/api/v1/nodes/w-closed', { spec: { unschedulable: true } });
  const nodeInfo = (of: object) => ({ status: { nodeInfo: of } });
  await api.patch('/api/v1/nodes/w-old/status', nodeInfo({ containerRuntimeVersion: 'docker://20.10.24' }));
  await api.patch('/api/v1/nodes/w-1/status', nodeInfo({ containerRuntimeVersion: 'containerd://1.7.27' }));
  await api.patch('/api/v1/nodes/w-2/status', nodeInfo({ osImage: 'CentOS Linux 7 (Core)' }));
  const { status } = await api.get<{ metadata: { name: string }; spec: unknown; status: { conditions: object[] } }>(
    '/api/v1/nodes/w-full',
  );
  const now = new Date().toISOString();
  const full = {
    ...{ type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'imagefs is low' },
    ...{ lastHeartbeatTime: now, lastTransitionTime: now },
  };
  const others = status.conditions.filter((one) => (one as { type: string }).type !== 'DiskPressure');
  await api.patch('/api/v1/nodes/w-full/status', { status: { conditions: [...others, full] } });
}

/** What a kubelet would report of containers that do not do well. */
async function podTroubles(cluster: RealCluster): Promise<void> {
  const { api } = cluster;
  const state = (of: object) => ({
    status: { containerStatuses: [{ name: 'main', image: 'i', imageID: 'i', ...of }] },
  });
  const crashing = { ready: false, restartCount: 7, state: { waiting: { reason: 'CrashLoopBackOff' } } };
  await running(cluster, 'shop', 'crashing');
  await api.patch('/api/v1/namespaces/shop/pods/crashing/status', state(crashing));
  const etcd = '/api/v1/namespaces/kube-system/pods/etcd-cp-1';
  await running(cluster, 'kube-system', 'etcd-cp-1');
  const restarted = { ready: true, restartCount: 2, state: { running: { startedAt: new Date().toISOString() } } };
  await api.patch(`${etcd}/status`, {
    status: { containerStatuses: [{ name: 'etcd', image: 'i', imageID: 'i', ...restarted }] },
  });
  await running(cluster, 'shop', 'stuck');
  await cluster.api.ask('DELETE', '/api/v1/namespaces/shop/pods/stuck');
  await cluster.api.ask('DELETE', '/api/v1/namespaces/leaving');
  // No quota controller runs in the test world: the figure it would write.
  await api.patch('/api/v1/namespaces/tight/resourcequotas/pods/status', {
    status: { hard: { pods: '1' }, used: { pods: '1' } },
  });
}

async function running({ api }: RealCluster, namespace: string, name: string): Promise<void> {
  await eventually(`${namespace}/${name} to run`, async () => {
    const { status } = await api.get<{ metadata: { name: string }; spec: unknown; status: { phase?: string } }>(
      `/api/v1/namespaces/${namespace}/pods/${name}`,
    );
    return status.phase === 'Running';
  });
}

/** An old client at work: it asks by a version that ends, writes by it, and changes a definition's stored version. */
async function oldVersions({ api }: RealCluster): Promise<void> {
  const old = { apiVersion: 'networking.k8s.io/v1beta1', kind: 'ServiceCIDR', metadata: { name: 'old-client' } };
  await api.create('/apis/networking.k8s.io/v1beta1/servicecidrs', { ...old, spec: { cidrs: ['10.250.0.0/24'] } });
  await api.list('/api/v1/endpoints');
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.example.test';
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await eventually('the definition to be taken over', async () => {
    const { status } = await api.get<{
      metadata: { name: string };
      spec: unknown;
      status: { storedVersions?: string[] };
    }>(crd);
    return (status.storedVersions ?? []).length > 0;
  });
  await api.patch(crd, {
    spec: {
      versions: [
        { name: 'v1alpha1', served: false, storage: false, schema },
        { name: 'v1', served: true, storage: true, schema },
      ],
    },
  });
}
