import {
  makeInformer,
  type KubernetesListObject,
  type V1Node,
  type V1PodDisruptionBudget,
} from '@kubernetes/client-node';
import type { ClusterFacts } from '@wavegate/fleet';
import type { KubeAccess } from './kube-access.js';
import { bareVersion, toNodeFacts } from './node-view.js';

/** Facts of the cluster for the hub, kept fresh by two informers (nodes and PDBs). */
export class KubeInventory {
  private readonly listeners = new Set<() => void>();
  private informers: readonly { stop(): Promise<void> }[] = [];

  constructor(
    private readonly kube: KubeAccess,
    private readonly now: () => number,
  ) {}

  async start(): Promise<void> {
    const { config, core, policy } = this.kube;
    const nodes = makeInformer<V1Node>(
      config,
      '/api/v1/nodes',
      () => core.listNode() as Promise<KubernetesListObject<V1Node>>,
    );
    const budgets = makeInformer<V1PodDisruptionBudget>(
      config,
      '/apis/policy/v1/poddisruptionbudgets',
      () => policy.listPodDisruptionBudgetForAllNamespaces() as Promise<KubernetesListObject<V1PodDisruptionBudget>>,
    );
    // A heartbeat changes a node every few seconds; only what we report on is worth a call.
    const seen = new Map<string, string>();
    nodes.on('change', (node) => {
      const digest = JSON.stringify(toNodeFacts(node));
      const name = node.metadata?.name ?? '';
      if (seen.get(name) !== digest) this.tell();
      seen.set(name, digest);
    });
    for (const verb of ['add', 'delete'] as const) {
      nodes.on(verb, () => this.tell());
      budgets.on(verb, () => this.tell());
    }
    for (const informer of [nodes, budgets]) {
      informer.on('error', () => setTimeout(() => void informer.start().catch(() => undefined), 2000).unref());
      await informer.start();
    }
    this.informers = [nodes, budgets];
  }

  async stop(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.stop()));
  }

  onChange(act: () => void): () => void {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  async facts(): Promise<ClusterFacts> {
    const [system, version, nodes, budgets, planes] = await Promise.all([
      this.kube.core.readNamespace({ name: 'kube-system' }),
      this.kube.version.getCode(),
      this.kube.core.listNode(),
      this.kube.policy.listPodDisruptionBudgetForAllNamespaces(),
      this.kube.core.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'component=kube-apiserver' }),
    ]);
    // The server that answered, and every API server's static pod: they differ while an HA plane is mixed.
    const images = planes.items.map((pod) =>
      bareVersion(pod.spec?.containers[0]?.image?.split('@')[0]?.split(':').at(-1)),
    );
    const apiServers = [...new Set([bareVersion(version.gitVersion), ...images.filter(Boolean)])].sort();
    return {
      schema: 1,
      uid: system.metadata?.uid ?? '',
      // Static API server pods are what kubeadm makes; managed control planes show none.
      driver: planes.items.length > 0 ? 'kubeadm' : 'none',
      apiServers,
      nodes: nodes.items.map(toNodeFacts).sort((a, b) => (a.name < b.name ? -1 : 1)),
      pdbCount: budgets.items.length,
      provider: providerOf(nodes.items),
      observedAt: this.now(),
    };
  }

  private tell(): void {
    for (const act of this.listeners) act();
  }
}

/** The scheme of the nodes' providerID ("aws", "gce", "azure", "kind"); '' on bare metal. */
function providerOf(nodes: readonly V1Node[]): string {
  return nodes[0]?.spec?.providerID?.split(':')[0] ?? '';
}
