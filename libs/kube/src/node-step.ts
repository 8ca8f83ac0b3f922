import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted, type AgentClock, type Cancel } from '@wavegate/runtime/agent';
import type { Step } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isGone } from './kube-error.js';
import { NODE_JOB_NAMESPACE, nodeJob, nodeJobName, type NodeWork } from './node-job.js';

const POLL_MS = 1_000;
/** Kubernetes cuts termination messages at 4 KiB; anything larger did not come from our script. */
const MESSAGE_LIMIT = 4_096;

export interface NodeStepRequest {
  readonly orderId: string;
  readonly step: Step;
  /** 1 for the first try; the journal counts. */
  readonly attempt: number;
  readonly work: NodeWork;
  readonly image: string;
  readonly cancel: Cancel;
}

/** A node Job's own account of itself: the termination message. What really happened is for the observation to say. */
export type NodeStepEnd =
  | { readonly kind: 'reported'; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** Creates the Job, or adopts the one of that name, and waits for its end. Throws while the API server is away: ask again. */
export async function runNodeStep(kube: KubeAccess, clock: AgentClock, request: NodeStepRequest): Promise<NodeStepEnd> {
  const name = nodeJobName(request.orderId, request.step, request.attempt);
  await createOrAdopt(kube, nodeJob(name, request.orderId, request.work, request.image));
  for (;;) {
    const job = await kube.batch.readNamespacedJob({ name, namespace: NODE_JOB_NAMESPACE });
    const ended = endOf(job);
    if (ended) return readEnd(kube, request, ended);
    await clock.sleep(POLL_MS, request.cancel);
    if (request.cancel.cancelled) throw new StepInterrupted('the agent is stopping');
  }
}

async function createOrAdopt(kube: KubeAccess, job: V1Job): Promise<void> {
  try {
    await kube.batch.createNamespacedJob({ namespace: NODE_JOB_NAMESPACE, body: job });
  } catch (error) {
    // "exists": an earlier life of this agent made it. The name says order, step and try, so it is the same work.
    if (!isConflict(error)) throw error;
  }
}

interface JobEnd {
  readonly uid: string;
  readonly good: boolean;
  readonly detail: string;
}

function endOf(job: V1Job): JobEnd | null {
  const condition = job.status?.conditions?.find(
    (one) => one.status === 'True' && (one.type === 'Complete' || one.type === 'Failed'),
  );
  if (!condition) return null;
  return {
    uid: job.metadata?.uid ?? '',
    good: condition.type === 'Complete',
    detail: condition.message ?? condition.reason ?? '',
  };
}

async function readEnd(kube: KubeAccess, request: NodeStepRequest, end: JobEnd): Promise<NodeStepEnd> {
  const pods = await kube.core.listNamespacedPod({
    namespace: NODE_JOB_NAMESPACE,
    labelSelector: `batch.kubernetes.io/controller-uid=${end.uid}`,
  });
  const message = terminationMessage(pods.items);
  const told = parseMessage(message);
  if (told?.ok === true && end.good) return { kind: 'reported', message: told };
  const detail = typeof told?.error === 'string' ? told.error : message || end.detail || 'the node Job left no message';
  const { name: step } = request.step;
  if (/DeadlineExceeded/.test(end.detail))
    return { kind: 'failed', reason: reason('step_timed_out', { step, node: request.work.node }) };
  return {
    kind: 'failed',
    reason: reason('step_failed', { step, node: request.work.node, detail: detail.slice(0, 300) }),
  };
}

function terminationMessage(pods: readonly V1Pod[]): string {
  for (const pod of pods) {
    const message = pod.status?.containerStatuses?.[0]?.state?.terminated?.message;
    if (message) return message.slice(0, MESSAGE_LIMIT);
  }
  return '';
}

function parseMessage(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Removes the order's finished Jobs; their outcome is in the journal. */
export async function removeNodeJobs(kube: KubeAccess, orderId: string): Promise<void> {
  const jobs = await kube.batch.listNamespacedJob({
    namespace: NODE_JOB_NAMESPACE,
    labelSelector: `wavegate.dev/order=${orderId}`,
  });
  for (const job of jobs.items.filter((one) => endOf(one) !== null)) {
    await kube.batch
      .deleteNamespacedJob({
        name: job.metadata?.name ?? '',
        namespace: NODE_JOB_NAMESPACE,
        propagationPolicy: 'Background',
      })
      .catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
  }
}
