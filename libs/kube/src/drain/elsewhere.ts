import type { V1Node, V1Pod, V1Taint } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { hasFinished } from './pod-filter.js';
import { tolerates } from './toleration.js';

/** Whether a pod of the node may run on another one that is Ready and open, by taints alone: affinity and room are preflight's. */
export class Elsewhere {
  private constructor(private readonly open: readonly (readonly V1Taint[])[]) {}

  /** Looks at all nodes but this one. */
  static async than(kube: KubeAccess, node: string): Promise<Elsewhere> {
    const others = (await kube.core.listNode()).items.filter(({ metadata }) => metadata?.name !== node);
    return new Elsewhere(others.filter(isOpen).map(({ spec }) => (spec?.taints ?? []).filter(keepsOut)));
  }

  takes(pod: V1Pod): boolean {
    return this.open.some((taints) => taints.every((taint) => tolerates(pod, taint)));
  }

  /**
   * This was the last node for some of these pods: evicted, they would not run anywhere. One that had ended, and one
   * without a controller, runs nowhere else on any cluster.
   */
  isMissingFor(pods: readonly V1Pod[]): boolean {
    return pods.some((pod) => !hasFinished(pod) && pod.metadata?.ownerReferences !== undefined && !this.takes(pod));
  }
}

function isOpen({ spec, status, metadata }: V1Node): boolean {
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  return ready && spec?.unschedulable !== true && metadata?.deletionTimestamp === undefined;
}

const keepsOut = ({ effect }: V1Taint): boolean => effect === 'NoSchedule' || effect === 'NoExecute';
