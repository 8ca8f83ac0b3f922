import type {
  KubernetesListObject,
  KubernetesObject,
  V1Node,
  V1Pod,
  V1PodDisruptionBudget,
} from '@kubernetes/client-node';
import type { ClusterFacts } from '@wavegate/fleet';
import type { KubeAccess } from './kube-access.js';
import { bareVersion, toNodeFacts } from './node-view.js';
import { SteadyInformer } from './steady-informer.js';

const API_SERVERS = 'component=kube-apiserver';

/** Facts of the cluster for the hub, kept fresh by informers: nodes, PDBs, and the API servers' static pods. */
export class KubeInventory {
  private readonly listeners = new Set<() => void>();
  private informers: readonly { start(): Promise<void>; stop(): Promise<void> }[] = [];

  constructor(
    private readonly kube: KubeAccess,
    private readonly now: () => number,
  ) {}

  /** An API server that is away does not hinder the start: the informers go on trying. */
  async start(): Promise<void> {
    const { core, policy } = this.kube;
    const budgets = () => policy.listPodDisruptionBudgetForAllNamespaces();
    const servers = () => core.listNamespacedPod({ namespace: 'kube-system', labelSelector: API_SERVERS });
    this.informers = [
      this.watch<V1Node>('/api/v1/nodes', () => core.listNode(), toNodeFacts),
      // What a PDB allows changes with every pod; we report how many there are.
      this.watch<V1PodDisruptionBudget>('/apis/policy/v1/poddisruptionbudgets', budgets, () => null),
      this.watch<V1Pod>('/api/v1/namespaces/kube-system/pods', servers, versionOfImage, API_SERVERS),
    ];
    await Promise.all(this.informers.map((informer) => informer.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.stop()));
  }

  onChange(act: () => void): () => void {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  async facts(): Promise<ClusterFacts> {
    const { core, version, policy } = this.kube;
    const [system, answering, nodes, budgets, planes] = await Promise.all([
      core.readNamespace({ name: 'kube-system' }),
      version.getCode(),
      core.listNode(),
      policy.listPodDisruptionBudgetForAllNamespaces(),
      core.listNamespacedPod({ namespace: 'kube-system', labelSelector: API_SERVERS }),
    ]);
    // The server that answered, and every API server's static pod: they differ while an HA plane is mixed.
    const versions = [bareVersion(answering.gitVersion), ...planes.items.map(versionOfImage)].filter(Boolean);
    return {
      schema: 1,
      uid: system.metadata?.uid ?? '',
      // Static API server pods are what kubeadm makes; managed control planes show none.
      driver: planes.items.length > 0 ? 'kubeadm' : 'none',
      apiServers: [...new Set(versions)].sort(),
      nodes: nodes.items.map(toNodeFacts).sort((a, b) => (a.name < b.name ? -1 : 1)),
      pdbCount: budgets.items.length,
      provider: providerOf(nodes.items),
      observedAt: this.now(),
    };
  }

  /** Heartbeats change a node every few seconds; only what `digest` tells apart is worth a call. */
  private watch<T extends KubernetesObject>(
    path: string,
    list: () => Promise<KubernetesListObject<T>>,
    digest: (object: T) => unknown,
    labelSelector?: string,
  ): SteadyInformer<T> {
    const known = new Map<string, string>();
    const seen = (object: T, how: 'add' | 'update' | 'delete'): void => {
      const name = `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
      const text = JSON.stringify(digest(object));
      if (how === 'delete') known.delete(name);
      else if (known.get(name) === text) return;
      else known.set(name, text);
      for (const act of this.listeners) act();
    };
    return new SteadyInformer<T>({ kube: this.kube, path, list, seen, ...(labelSelector ? { labelSelector } : {}) });
  }
}

function versionOfImage(pod: V1Pod): string {
  return bareVersion(pod.spec?.containers[0]?.image?.split('@')[0]?.split(':').at(-1));
}

/** The scheme of the nodes' providerID ("aws", "gce", "azure", "kind"); '' on bare metal. */
function providerOf(nodes: readonly V1Node[]): string {
  return nodes[0]?.spec?.providerID?.split(':')[0] ?? '';
}
