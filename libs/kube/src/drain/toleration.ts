import type { V1Node, V1Pod, V1Taint } from '@kubernetes/client-node';

/** The node controller puts it on a closed node, with the time; the scheduler heeds it even before it is there. */
export const CORDON_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

export function tolerates({ spec }: V1Pod, taint: Pick<V1Taint, 'key' | 'value' | 'effect'>): boolean {
  return (spec?.tolerations ?? []).some(({ key, operator = 'Equal', value = '', effect }) => {
    if (effect && effect !== taint.effect) return false;
    if (!key) return operator === 'Exists';
    return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
  });
}

/** Its workload's next pod may be put onto a closed node, most likely onto the one that has just been emptied. */
export function heedsNoCordon(pod: V1Pod): boolean {
  const isMadeAgain = pod.metadata?.ownerReferences?.some(({ controller }) => controller === true) ?? false;
  return isMadeAgain && tolerates(pod, CORDON_TAINT);
}

/**
 * Epoch ms since when the node is closed, by the cluster's own clock and whoever closed it; null while it is open, and
 * in the moment before the node controller has marked it.
 */
export function closedSince({ spec }: V1Node): number | null {
  if (spec?.unschedulable !== true) return null;
  const { timeAdded } = spec.taints?.find(({ key }) => key === CORDON_TAINT.key) ?? {};
  return timeAdded === undefined ? null : new Date(timeAdded).getTime();
}

/** Put there by the scheduler although the node was closed: evicted, it would only come back. */
export function cameThroughCordon(pod: V1Pod, closedAt: number | null): boolean {
  if (closedAt === null || !heedsNoCordon(pod)) return false;
  return new Date(pod.metadata?.creationTimestamp ?? 0).getTime() >= closedAt;
}
