import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { Observed } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { isPassing, toKubeError } from './kube-error.js';
import { listNodePods } from './drain/node-pods.js';
import { nodeName, toObservedNode } from './node-view.js';
import { LeaseWatch, type NodeLease } from './node/lease-watch.js';
import { fateOf, isAgentPod, type AgentPod, type DrainConsent } from './drain/pod-filter.js';
import { closedSince } from './drain/toleration.js';

export interface ObserverMeans {
  readonly kube: KubeAccess;
  readonly now: () => number;
  readonly agentPod: AgentPod | null;
  /** Since when the API server has answered every look of a closer watch than ours; null while it does not. */
  readonly apiGoodSince?: () => number | null;
}

/**
 * One fresh look at the whole cluster. An API server that does not answer is an answer too: the last picture is kept
 * and marked unreachable, because a single control plane is away for minutes while it is upgraded.
 */
export class ClusterObserver {
  private last: Observed | null = null;
  private reachable = true;
  private reachableSince: number;
  private readonly leases = new LeaseWatch();

  constructor(private readonly means: ObserverMeans) {
    this.reachableSince = means.now();
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
      return { ...this.last, at: this.means.now(), reachable: false, reachableSince: this.reachableSince };
    }
  }

  private mark(reachable: boolean): void {
    if (reachable === this.reachable) return;
    this.reachable = reachable;
    this.reachableSince = this.means.now();
  }

  private async look(consent: DrainConsent): Promise<Observed> {
    // One after the other on purpose: the namespace read is cheap and fails first where the API is away.
    const system = await this.means.kube.core.readNamespace({ name: 'kube-system' });
    const [nodes, planes, steadySince] = await Promise.all([
      this.means.kube.core.listNode(),
      this.means.kube.core.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'tier=control-plane' }),
      this.steadySince(),
    ]);
    const observed = await Promise.all(nodes.items.map((node) => this.toNode(node, planes.items, consent)));
    observed.sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      at: this.means.now(),
      uid: system.metadata?.uid ?? '',
      reachable: true,
      reachableSince: this.reachableSince,
      nodes: observed,
      etcd: etcdHealth(planes.items),
      steadySince,
    };
  }

  /** Both of them, whichever broke last: the nodes' leases, and our own requests once a second. */
  private async steadySince(): Promise<number | null> {
    const { apiGoodSince, now } = this.means;
    const [leases, api] = [this.leases.look(await this.nodeLeases(), now()), apiGoodSince ? apiGoodSince() : 0];
    return leases === null || api === null ? null : Math.max(leases, api);
  }

  /** Where they may not be read, or nobody keeps them, the other signs of being settled have to do. */
  private async nodeLeases(): Promise<NodeLease[]> {
    try {
      const { items } = await this.means.kube.coordination.listNamespacedLease({ namespace: 'kube-node-lease' });
      return items.map(({ metadata, spec }) => ({
        node: metadata?.name ?? '',
        renewed: String(spec?.renewTime ?? ''),
      }));
    } catch (error) {
      if (isPassing(toKubeError(error))) throw error;
      return [];
    }
  }

  /** Pods are counted only on closed nodes, ours or not: for open ones the number would decide nothing. */
  private async toNode(node: V1Node, planes: readonly V1Pod[], consent: DrainConsent) {
    const own = planes.filter((pod) => pod.spec?.nodeName === nodeName(node));
    const pods = node.spec?.unschedulable === true ? await listNodePods(this.means.kube, nodeName(node)) : [];
    // Our own pod leaves where it can; where it cannot, the node is no less empty for it.
    const others = pods.filter((pod) => !isAgentPod(pod, this.means.agentPod));
    const closedAt = closedSince(node);
    const left = others.filter((pod) => fateOf(pod, consent, closedAt).kind !== 'kept').length;
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
