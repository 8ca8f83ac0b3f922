import { startCluster, type RealCluster } from '../kube/world/real-cluster.js';
import type { NodeSpec } from '../kube/world/simulated-nodes.js';

/** A program of its own: a real control plane with many played nodes and pods, until it is told to end. */
export interface PreflightClusterStart {
  readonly dir: string;
  readonly nodes: number;
  readonly pods: number;
}

const NAMESPACES = 100;
const AT_ONCE = 24;
const VERSION = '1.34.4';

process.once('message', (start: PreflightClusterStart) => {
  void run(start);
});

async function run({ dir, nodes, pods }: PreflightClusterStart): Promise<void> {
  const cluster = await startCluster({ name: 'large', version: VERSION, dir, nodes: specs(nodes) });
  const end = (): void => void cluster.stop().then(() => process.exit(0));
  process.on('SIGTERM', end);
  process.on('disconnect', end);
  const workers = specs(nodes).filter(({ role }) => role === 'worker');
  await each(range(NAMESPACES), (n) => furnish(cluster, n));
  const owners = new Map<number, string>();
  await each(range(NAMESPACES), async (n) => {
    const { metadata } = await cluster.api.get(`/api/v1/namespaces/team-${n}/configmaps/owner`);
    owners.set(n, metadata.uid ?? '');
  });
  await each(range(pods), (n) => {
    const at = n % NAMESPACES;
    const node = workers[n % workers.length]?.name ?? '';
    return cluster.api.create(`/api/v1/namespaces/team-${at}/pods`, pod(n, node, owners.get(at) ?? ''));
  });
  process.send?.({ kubeconfig: cluster.kubeconfigPath });
}

function specs(nodes: number): NodeSpec[] {
  return range(nodes).map((n) => {
    const role = n < 3 ? 'controlPlane' : 'worker';
    return { name: `${role === 'worker' ? 'w' : 'cp'}-${n}`, role, kubelet: VERSION, zone: `zone-${n % 3}` };
  });
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A namespace with what a team has in it, and an object that its pods belong to and no controller acts upon. */
async function furnish({ api }: RealCluster, n: number): Promise<void> {
  const name = `team-${n}`;
  await api.create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { team: name } },
  });
  await api.create(`/api/v1/namespaces/${name}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'owner' },
  });
  const spec = { minAvailable: n % 10 === 0 ? '100%' : 40, selector: { matchLabels: { app: 'web' } } };
  await api.create(`/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`, {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec },
  });
  const template = {
    metadata: { labels: { app: 'idle' } },
    spec: { containers: [{ name: 'main', image: 'registry.example/idle:1' }] },
  };
  await api.create(`/apis/apps/v1/namespaces/${name}/deployments`, {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'idle' } },
    spec: { replicas: 0, selector: { matchLabels: { app: 'idle' } }, template },
  });
  const account = async (): Promise<boolean> =>
    (await api.ask('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)).code === 200;
  while (!(await account())) await new Promise((done) => setTimeout(done, 100));
}

/** About four kilobytes, as pods of a Helm chart with a sidecar are. */
function pod(n: number, node: string, owner: string): unknown {
  const env = range(20).map((i) => ({ name: `SETTING_${i}`, value: `a value of ordinary length, number ${i}` }));
  const container = (name: string) => ({
    ...{ name, image: `registry.example/${name}:1.${n % 7}.0`, env },
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/app' }],
  });
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      name: `web-${n}`,
      labels: { app: 'web', 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/version': `1.${n % 7}.0` },
      annotations: { 'example.test/checksum': 'f'.repeat(64) },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner, controller: true }],
    },
    spec: {
      nodeName: node,
      containers: [container('app'), container('proxy')],
      volumes: [{ name: 'config', configMap: { name: 'owner' } }],
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'web', effect: 'NoSchedule' }],
    },
  };
}

async function each<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item);
  };
  await Promise.all(range(AT_ONCE).map(lane));
}
