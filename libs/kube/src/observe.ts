import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { Observed } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { isPassing, toKubeError } from './kube-error.js';
import { listNodePods } from './node-pods.js';
import { nodeName, toObservedNode } from './node-view.js';
import { fateOf, type DrainConsent } from './pod-filter.js';

/**
 * One fresh look at the whole cluster. An API server that does not answer is an answer too: the last picture is kept
 * and marked unreachable, because a single control plane is away for minutes while it is upgraded.
 */
export class ClusterObserver {
  private last: Observed | null = null;
  private reachable = true;
  private reachableSince: number;

  constructor(
    private readonly kube: KubeAccess,
    private readonly now: () => number,
  ) {
    this.reachableSince = now();
  }

  async observe(consent: DrainConsent): Promise<Observed> {
    try {
      const seen = await this.look(consent);
      this.mark(true);
      this.last = { ...seen, reachableSince: this.reachableSince };
      return this.last;
    } catch (error) {
      // A server that answers "you may not" is reachable: that is for a person, and the caller says it.
      if (!isPassing(toKubeError(error))) throw error;
      this.mark(false);
      if (!this.last) throw error;
      return { ...this.last, at: this.now(), reachable: false, reachableSince: this.reachableSince };
    }
  }

  private mark(reachable: boolean): void {
    if (reachable === this.reachable) return;
    this.reachable = reachable;
    this.reachableSince = this.now();
  }

  private async look(consent: DrainConsent): Promise<Observed> {
    // One after the other on purpose: the namespace read is cheap and fails first where the API is away.
    const system = await this.kube.core.readNamespace({ name: 'kube-system' });
    const [nodes, planes] = await Promise.all([
      this.kube.core.listNode(),
      this.kube.core.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'tier=control-plane' }),
    ]);
    const observed = await Promise.all(nodes.items.map((node) => this.toNode(node, planes.items, consent)));
    observed.sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      at: this.now(),
      uid: system.metadata?.uid ?? '',
      reachable: true,
      reachableSince: this.reachableSince,
      nodes: observed,
      etcd: etcdHealth(planes.items),
    };
  }

  /** Pods are counted only on closed nodes, ours or not: for open ones the number would decide nothing. */
  private async toNode(node: V1Node, planes: readonly V1Pod[], consent: DrainConsent) {
    const own = planes.filter((pod) => pod.spec?.nodeName === nodeName(node));
    const pods = node.spec?.unschedulable === true ? await listNodePods(this.kube, nodeName(node)) : [];
    const left = pods.filter((pod) => fateOf(pod, consent).kind !== 'kept').length;
    return toObservedNode(node, own, left);
  }
}

/** Stacked etcd by its static pods: a member is healthy when its pod is ready (its own probe asks /health). */
function etcdHealth(planes: readonly V1Pod[]): Observed['etcd'] {
  const members = planes.filter((pod) => pod.metadata?.labels?.component === 'etcd');
  if (members.length === 0) return null;
  const healthy = members.filter((pod) =>
    pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  );
  return { members: members.length, healthy: healthy.length };
}
