import type { DrainProgress, Reason } from '@wavegate/fleet';
import {
  ClusterObserver,
  drainNode,
  openKube,
  uncordonNode,
  type DrainMeans,
  type DrainRequest,
  type KubeAccess,
} from '@wavegate/kube';
import { CancelSource, type AgentClock, type StepResult } from '@wavegate/runtime/agent';
import { agentKubeconfig } from './agent-process.js';
import { evictions, podDeletions } from './audit-log.js';
import { eventually } from './eventually.js';
import type { KubeObject } from './kube-api.js';
import { startCluster, type RealCluster } from './real-cluster.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import { createUnlessThere } from './workload.js';

export interface AppSpec {
  readonly name: string;
  /** Where its pods are to be at first; they may go anywhere else. */
  readonly node: string;
  readonly replicas: number;
  readonly kind?: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  /** Fields of each PodDisruptionBudget, by its name. */
  readonly budgets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly readyAfter?: string;
  readonly goneAfter?: string;
  readonly finalizers?: readonly string[];
  /** Of its pods, beside those of every app. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Fields of its pods' spec, beside those of every app. */
  readonly pod?: Readonly<Record<string, unknown>>;
}

/** One drain, looked at from outside: what it said, when, and how it ended. */
export interface DrainSeen {
  readonly end: StepResult;
  readonly ms: number;
  readonly shown: readonly { readonly at: number; readonly progress: DrainProgress }[];
  readonly said: readonly Reason[];
}

const NAMESPACE = 'drained';
const NO_CONSENT = { deleteEmptyDir: { namespaces: [] }, evictUnmanaged: { namespaces: [] } };
const clock: AgentClock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.onCancel(() => (clearTimeout(timer), resolve()));
    }),
};

/** A real cluster on which drains are carried out in this process, with the rights of the shipped agent. */
export class DrainWorld {
  private constructor(
    readonly cluster: RealCluster,
    /** With the rights of the shipped agent. */
    readonly kube: KubeAccess,
    private readonly dir: string,
  ) {}

  static async start(version: string, workers: number): Promise<DrainWorld> {
    const dir = makeRunFolder();
    const plane = { name: 'cp-1', role: 'controlPlane', kubelet: version } as const;
    const nodes = Array.from({ length: workers }, (_, n) => ({
      ...{ name: `w-${n + 1}`, role: 'worker' as const, kubelet: version },
    }));
    const cluster = await startCluster({ name: `drains-${version}`, version, dir, nodes: [plane, ...nodes] });
    const kube = openKube({ kubeconfig: await agentKubeconfig(cluster) });
    await cluster.api.create('/api/v1/namespaces', namespaceOf(NAMESPACE));
    await cluster.api.create('/apis/scheduling.k8s.io/v1/priorityclasses', {
      ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'important' }, value: 1000 },
    });
    const account = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`;
    await eventually('a ServiceAccount for the pods', async () => (await cluster.api.ask('GET', account)).code === 200);
    return new DrainWorld(cluster, kube, dir);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    removeRunFolder(this.dir);
  }

  /** Deploys the app; resolves when its pods are ready on their node and its budgets have been counted. */
  async deploy(app: AppSpec, namespace = NAMESPACE): Promise<void> {
    const { api } = this.cluster;
    const kind = app.kind ?? 'Deployment';
    await createUnlessThere(() => api.create('/api/v1/namespaces', namespaceOf(namespace)));
    const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    await eventually('a ServiceAccount', async () => (await api.ask('GET', account)).code === 200);
    await api.create(`/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`, manifest(app, kind));
    const isReady = ({ status }: Pod): boolean =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
    await eventually(`${app.name} to be ready on ${app.node}`, async () => {
      const pods = (await this.pods(app.name, namespace)).filter(isReady);
      return kind === 'DaemonSet' ? pods.length > 0 : pods.length === app.replicas;
    });
    for (const [name, spec] of Object.entries(app.budgets ?? {})) await this.budget(app, name, { spec, namespace });
  }

  /** Takes the app away with all its pods, also those that wait for a finalizer. */
  async remove(app: string): Promise<void> {
    const kinds = 'deployment,statefulset,daemonset,poddisruptionbudget';
    await this.cluster.kubectl('delete', kinds, app, '-n', NAMESPACE, '--ignore-not-found', '--wait=false');
    await eventually(`${app} to be gone`, async () => {
      const pods = await this.pods(app);
      await Promise.all(pods.map(({ metadata }) => this.releasePod(metadata.name)));
      return pods.length === 0;
    });
  }

  /** Takes the finalizers off a pod; one that is gone needs that no more. */
  async releasePod(name: string, namespace = NAMESPACE): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const body = { metadata: { finalizers: null } };
    await this.cluster.api.ask('PATCH', path, body, 'application/merge-patch+json');
  }

  pods(app: string, namespace = NAMESPACE): Promise<readonly Pod[]> {
    return this.cluster.api.list<Pod>(`/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`);
  }

  async podsOn(node: string): Promise<readonly Pod[]> {
    const pods = await this.cluster.api.list<Pod>(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`);
    return pods.filter(({ metadata }) => metadata.namespace !== 'kube-system');
  }

  /** A pod that runs and is not ready, as one that crashes again and again. */
  async crash(app: string): Promise<void> {
    const unready = { type: 'Ready', status: 'False', reason: 'ContainersNotReady' };
    for (const { metadata } of await this.pods(app)) {
      const path = `/api/v1/namespaces/${NAMESPACE}/pods/${metadata.name}/status`;
      await this.cluster.api.patch(path, { status: { phase: 'Running', conditions: [unready] } });
    }
    const path = `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/${app}`;
    await eventually('the budget to have noticed', async () => {
      const { status } = await this.cluster.api.get<Budget>(path);
      return status.currentHealthy === 0;
    });
  }

  changeBudget(name: string, spec: object): Promise<KubeObject> {
    return this.cluster.api.patch(`/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/${name}`, { spec });
  }

  /** Drains in this process; `orderId` is also what the audit log's user did. */
  async drain(
    node: string,
    changes: Partial<DrainRequest> = {},
    watch: (progress: DrainProgress) => void = () => {},
    means: Partial<DrainMeans> = {},
  ): Promise<DrainSeen> {
    const shown: { at: number; progress: DrainProgress }[] = [];
    const said: Reason[] = [];
    const begun = Date.now();
    const end = await drainNode(
      { kube: this.kube, clock, random: { next: () => Math.random() }, ...means },
      {
        ...{ node, orderId: `order-of-${node}`, timeoutMs: 60_000, perSecond: Infinity },
        consent: NO_CONSENT,
        report: (why) => said.push(why),
        reportDrain: (progress) => {
          shown.push({ at: Date.now() - begun, progress });
          watch(progress);
        },
        cancel: new CancelSource(),
        ...changes,
      },
    );
    return { end, ms: Date.now() - begun, shown, said };
  }

  node(name: string): Promise<DrainNode> {
    return this.cluster.api.get<DrainNode>(`/api/v1/nodes/${name}`);
  }

  /** What the engine is told: pods that it would want drained once more. */
  async podsToEvict(node: string): Promise<number | undefined> {
    const observer = new ClusterObserver({ kube: this.kube, now: () => Date.now(), agentPod: null });
    return (await observer.observe(NO_CONSENT)).nodes.find(({ name }) => name === node)?.podsToEvict;
  }

  uncordon(node: string): Promise<boolean> {
    return uncordonNode(this.kube, node, `order-of-${node}`);
  }

  /** Evictions of an app's pods by the agent: each with the code it was answered. */
  evictionsOf(app: string): { readonly pod: string; readonly code: number }[] {
    return evictions(this.cluster.audit()).filter(({ pod }) => pod.split('/')[1]?.startsWith(`${app}-`));
  }

  /** Must stay empty. */
  deletions(): readonly unknown[] {
    return podDeletions(this.cluster.audit());
  }

  private async budget(
    app: AppSpec,
    name: string,
    { spec, namespace }: { readonly spec: object; readonly namespace: string },
  ): Promise<void> {
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    const body = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name } };
    await this.cluster.api.create(path, { ...body, spec: { ...spec, selector: { matchLabels: { app: app.name } } } });
    await eventually(`the budget ${name} to be counted`, async () => {
      const { status } = await this.cluster.api.get<Budget>(`${path}/${name}`);
      return (status?.observedGeneration ?? 0) > 0 && status.currentHealthy === app.replicas;
    });
  }
}

export type DrainNode = KubeObject<{ readonly unschedulable?: boolean; readonly taints?: readonly object[] }>;
export type Pod = KubeObject<
  { readonly nodeName?: string },
  { readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
>;
type Budget = KubeObject<unknown, { readonly observedGeneration?: number; readonly currentHealthy?: number }>;

const namespaceOf = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function manifest(app: AppSpec, kind: string): unknown {
  const labels = { app: app.name };
  const annotations = {
    'wavegate.test/ready-after': app.readyAfter ?? '300ms',
    'wavegate.test/gone-after': app.goneAfter ?? '500ms',
  };
  const only = { key: 'kubernetes.io/hostname', operator: 'In', values: [app.node] };
  const there = { matchExpressions: [only] };
  // Only DaemonSets are tied to their node: the others must be able to go elsewhere.
  const nodeAffinity =
    kind === 'DaemonSet'
      ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [there] } }
      : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: there }] };
  const template = {
    metadata: {
      labels: { ...app.labels, ...labels },
      annotations,
      ...(app.finalizers && { finalizers: app.finalizers }),
    },
    spec: {
      terminationGracePeriodSeconds: 5,
      affinity: { nodeAffinity },
      containers: [{ name: 'main', image: `registry.example/${app.name}:1` }],
      ...app.pod,
    },
  };
  const size = kind === 'DaemonSet' ? {} : { replicas: app.replicas };
  const more = kind === 'StatefulSet' ? { serviceName: app.name, podManagementPolicy: 'Parallel' } : {};
  return {
    ...{ apiVersion: 'apps/v1', kind, metadata: { name: app.name, labels } },
    spec: { selector: { matchLabels: labels }, template, ...size, ...more },
  };
}
