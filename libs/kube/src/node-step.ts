import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted, type AgentClock, type Cancel } from '@wavegate/runtime/agent';
import type { Step } from '@wavegate/runtime/agent';
import { unlessFresh } from './fresh-server.js';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isPassing, toKubeError } from './kube-error.js';
import { NODE_JOB_NAMESPACE, nodeJob, nodeJobName, type NodeWork } from './node-job.js';
import { endOf, type JobEnd } from './node-jobs-left.js';

const POLL_MS = 1_000;
/** Kubernetes cuts termination messages at 4 KiB; anything larger did not come from our script. */
const MESSAGE_LIMIT = 4_096;
/** A reason is for screens: this much of what a program said. */
const DETAIL_LIMIT = 300;

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
  const refused = await createOrAdopt(kube, clock, nodeJob(name, request.orderId, request.work, request.image));
  if (refused !== null) return failed(request, refused);
  for (;;) {
    const job = await kube.batch.readNamespacedJob({ name, namespace: NODE_JOB_NAMESPACE });
    const ended = endOf(job);
    if (ended) return readEnd(kube, request, ended);
    await clock.sleep(POLL_MS, request.cancel);
    if (request.cancel.cancelled) throw new StepInterrupted('the agent is stopping');
  }
}

/** Null, or why this API server will never take the Job: no namespace for it, no right, an image it does not admit. */
async function createOrAdopt(kube: KubeAccess, clock: AgentClock, job: V1Job): Promise<string | null> {
  try {
    await unlessFresh(clock, () => kube.batch.createNamespacedJob({ namespace: NODE_JOB_NAMESPACE, body: job }));
    return null;
  } catch (error) {
    // "exists": an earlier life of this agent made it. The name says order, step and try, so it is the same work.
    if (isConflict(error)) return null;
    const refusal = toKubeError(error);
    if (isPassing(refusal)) throw error;
    return `the API server refused the node Job: ${refusal.code} ${refusal.message}`;
  }
}

async function readEnd(kube: KubeAccess, request: NodeStepRequest, end: JobEnd): Promise<NodeStepEnd> {
  const pods = await kube.core.listNamespacedPod({
    namespace: NODE_JOB_NAMESPACE,
    labelSelector: `batch.kubernetes.io/controller-uid=${end.uid}`,
  });
  const text = terminationMessage(pods.items);
  const told = parseMessage(text);
  // Its pod may be collected before an agent that was away comes back. The Job's word is then all there is, and the
  // version that the node shows decides; a snapshot without its receipt is none.
  if (end.good && (text === '' || told?.ok === true)) return { kind: 'reported', message: told ?? {} };
  if (/DeadlineExceeded/.test(end.why)) {
    const { name: step } = request.step;
    return { kind: 'failed', reason: reason('step_timed_out', { step, node: request.work.node }) };
  }
  return failed(request, errorOf(told) || text || end.detail || 'the node Job left no message');
}

function errorOf(told: Readonly<Record<string, unknown>> | null): string {
  return typeof told?.error === 'string' ? told.error : '';
}

function failed({ step, work }: NodeStepRequest, detail: string): NodeStepEnd {
  const params = { step: step.name, node: work.node, detail: detail.trim().slice(0, DETAIL_LIMIT) };
  return { kind: 'failed', reason: reason('step_failed', params) };
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
