import type { V1Job } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, nodeLabel, type NodeVerb } from './node-job.js';
import { isRefusal, parseMessage } from './node/step-message.js';
import { epochMs } from './node-view.js';

export interface JobEnd {
  readonly uid: string;
  readonly good: boolean;
  /** The condition's reason: "DeadlineExceeded", "BackoffLimitExceeded"; '' for a good end. */
  readonly why: string;
  readonly detail: string;
}

/** How a Job ended; null while it has not. */
export function endOf(job: V1Job): JobEnd | null {
  const condition = job.status?.conditions?.find(
    (one) => one.status === 'True' && (one.type === 'Complete' || one.type === 'Failed'),
  );
  if (!condition) return null;
  return {
    uid: job.metadata?.uid ?? '',
    good: condition.type === 'Complete',
    why: condition.type === 'Complete' ? '' : (condition.reason ?? ''),
    detail: condition.message ?? condition.reason ?? '',
  };
}

export async function jobsOfOrder(kube: KubeAccess, orderId: string): Promise<readonly V1Job[]> {
  const jobs = await kube.batch.listNamespacedJob({
    namespace: NODE_JOB_NAMESPACE,
    labelSelector: `${JOB_LABELS.order}=${orderId}`,
  });
  return jobs.items;
}

const CHANGES: readonly string[] = [
  ...(['controlPlane', 'controlPlaneRollback', 'kubelet', 'kubeletRollback'] satisfies NodeVerb[]),
];

/**
 * Jobs of the order whose script refused before it touched anything, by name. Their pods' messages tell; a pod that is
 * gone tells nothing, and its node stays out.
 */
export async function refusedJobs(kube: KubeAccess, jobs: readonly V1Job[], orderId: string): Promise<Set<string>> {
  if (jobs.every((job) => endOf(job)?.good !== false)) return new Set();
  const labelSelector = `${JOB_LABELS.order}=${orderId}`;
  const { items } = await kube.core.listNamespacedPod({ namespace: NODE_JOB_NAMESPACE, labelSelector });
  const refused = items.filter(({ status }) =>
    isRefusal(parseMessage(status?.containerStatuses?.[0]?.state?.terminated?.message ?? '')),
  );
  return new Set(refused.map(({ metadata }) => metadata?.labels?.['batch.kubernetes.io/job-name'] ?? ''));
}

/** A Job that changes the node still runs, or the last one came to no good end: nobody knows what stands there. */
export function isHalfChanged(jobs: readonly V1Job[], node: string, refused: ReadonlySet<string>): boolean {
  const last = jobs
    .filter(({ metadata }) => !refused.has(metadata?.name ?? ''))
    .filter(({ metadata }) => metadata?.labels?.[JOB_LABELS.node] === nodeLabel(node))
    .filter(({ metadata }) => CHANGES.includes(metadata?.labels?.[JOB_LABELS.step] ?? ''))
    .sort((a, b) => createdAt(a) - createdAt(b))
    .at(-1);
  return last !== undefined && endOf(last)?.good !== true;
}

function createdAt(job: V1Job): number {
  return epochMs(job.metadata?.creationTimestamp);
}

/**
 * Removes the order's ended Jobs, their outcome is in the journal; not those of nodes that stay out: they are evidence
 * for people, and for `isHalfChanged` when an agent that was killed here asks again.
 */
export async function removeEndedJobs(
  kube: KubeAccess,
  jobs: readonly V1Job[],
  keep: readonly string[],
): Promise<void> {
  const kept = new Set(keep.map(nodeLabel));
  const removable = jobs.filter((job) => endOf(job) && !kept.has(job.metadata?.labels?.[JOB_LABELS.node] ?? ''));
  for (const { metadata } of removable) {
    const which = { name: metadata?.name ?? '', namespace: NODE_JOB_NAMESPACE };
    // In the background: the garbage collector deletes the pods, we hold no right to.
    await kube.batch.deleteNamespacedJob({ ...which, propagationPolicy: 'Background' }).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }
}
