import { eventually } from './eventually.js';
import type { KubeObject } from './kube-api.js';
import { KubeRefusal } from './kube-api.js';
import type { RealCluster } from './real-cluster.js';

export interface WorkloadSpec {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly pdb?: { readonly minAvailable?: number | string; readonly maxUnavailable?: number | string };
  /** What explains a blocked eviction to a person: kept as a label on the Deployment and its pods. */
  readonly owner?: string;
  readonly kind?: 'Deployment' | 'DaemonSet';
  /** How long a pod takes to become ready, as a Go duration ("30s"; "1h" = never); 1 to 2 s by default. */
  readonly readyAfter?: string;
  /** How long a deleted pod takes to be gone; ½ to 1 s by default. */
  readonly goneAfter?: string;
  /** Pods also go to control-plane nodes. */
  readonly toleratesControlPlane?: boolean;
}

type Controlled = KubeObject<
  unknown,
  { readonly readyReplicas?: number; readonly numberReady?: number; readonly desiredNumberScheduled?: number }
>;
type Budget = KubeObject<
  unknown,
  { readonly observedGeneration?: number; readonly expectedPods?: number; readonly currentHealthy?: number }
>;

/** Applies namespace, Deployment (or DaemonSet) and PodDisruptionBudget. Does not wait: `workloadReady` does. */
export async function workload({ api }: RealCluster, spec: WorkloadSpec): Promise<void> {
  const { namespace, name, pdb } = spec;
  await createUnlessThere(() =>
    api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
  );
  const selector = { matchLabels: { app: name } };
  const plural = spec.kind === 'DaemonSet' ? 'daemonsets' : 'deployments';
  await api.create(`/apis/apps/v1/namespaces/${namespace}/${plural}`, controller(spec));
  if (!pdb) return;
  await api.create(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace },
    spec: { ...pdb, selector },
  });
}

function controller(spec: WorkloadSpec): unknown {
  const { namespace, name, replicas, owner } = spec;
  const kind = spec.kind ?? 'Deployment';
  const labels = { app: name, ...(owner && { 'wavegate.test/owner': owner }) };
  const annotations = {
    ...(spec.readyAfter && { 'wavegate.test/ready-after': spec.readyAfter }),
    ...(spec.goneAfter && { 'wavegate.test/gone-after': spec.goneAfter }),
  };
  const template = {
    metadata: { labels, annotations },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{ name: 'main', image: `registry.example/${name}:1` }],
      tolerations: spec.toleratesControlPlane
        ? [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }]
        : [],
    },
  };
  const common = { selector: { matchLabels: { app: name } }, template };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: kind === 'Deployment' ? { ...common, replicas } : common,
  };
}

/** Until all pods are ready and the disruption controller has counted them: before that it refuses every eviction. */
export async function workloadReady({ api, name: cluster }: RealCluster, spec: WorkloadSpec): Promise<void> {
  const { namespace, name, replicas, pdb, kind } = spec;
  const plural = kind === 'DaemonSet' ? 'daemonsets' : 'deployments';
  await eventually(`${namespace}/${name} of ${cluster} to be ready`, async () => {
    const { status } = await api.get<Controlled>(`/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`);
    if (kind === 'DaemonSet')
      return (status.numberReady ?? 0) > 0 && status.numberReady === status.desiredNumberScheduled;
    return (status.readyReplicas ?? 0) === replicas;
  });
  if (!pdb) return;
  await eventually(`the PodDisruptionBudget ${namespace}/${name} of ${cluster} to be counted`, async () => {
    const { status } = await api.get<Budget>(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${name}`);
    return (status?.observedGeneration ?? 0) > 0 && status.currentHealthy === replicas;
  });
}

/** The pods of a workload, with the node each is bound to. */
export function podsOf({ api }: RealCluster, { namespace, name }: Pick<WorkloadSpec, 'namespace' | 'name'>) {
  return api.list<KubeObject<{ readonly nodeName?: string }, { readonly phase?: string }>>(
    `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`,
  );
}

export async function createUnlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof KubeRefusal) || error.answer.code !== 409) throw error;
  }
}
