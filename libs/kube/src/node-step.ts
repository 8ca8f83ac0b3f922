import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted, type AgentClock, type Cancel } from '@wavegate/runtime/agent';
import type { Step } from '@wavegate/runtime/agent';
import { unlessFresh } from './fresh-server.js';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isPassing, toKubeError } from './kube-error.js';
import { NODE_JOB_NAMESPACE, nodeJob, nodeJobName, type NodeWork } from './node-job.js';
import { endOf, type JobEnd } from './node-jobs-left.js';
import { readProgress } from './node/node-progress.js';
import { cut, failureOf, parseMessage, type StepMessage } from './node/step-message.js';

const POLL_MS = 1_000;
/** Kubernetes cuts termination messages at 4 KiB; anything larger did not come from our script. */
const MESSAGE_LIMIT = 4_096;
/** Between two looks into the log of a running step. */
const PROGRESS_MS = 3_000;

export interface NodeStepRequest {
  readonly orderId: string;
  readonly step: Step;
  /** 1 for the first try; the journal counts. */
  readonly attempt: number;
  readonly work: NodeWork;
  readonly image: string;
  readonly cancel: Cancel;
  /** Told what the step waits for, as its log says. */
  readonly report?: (reason: Reason) => void;
}

/** A node Job's own account of itself: the termination message. What really happened is for the observation to say. */
export type NodeStepEnd =
  { readonly kind: 'reported'; readonly message: StepMessage } | { readonly kind: 'failed'; readonly reason: Reason };

/** A Job that is one try of a step; its name says which, so that a restarted agent adopts it. */
export interface StepJob {
  readonly job: V1Job;
  readonly step: Step;
  readonly node: string;
  readonly cancel: Cancel;
  readonly report?: (reason: Reason) => void;
}

/** One of the fixed template's Jobs. */
export function runNodeStep(kube: KubeAccess, clock: AgentClock, request: NodeStepRequest): Promise<NodeStepEnd> {
  const { orderId, step, attempt, work, image, cancel, report } = request;
  const job = nodeJob(nodeJobName(orderId, step, attempt), orderId, work, image);
  return runStepJob(kube, clock, { job, step, node: work.node, cancel, ...(report ? { report } : {}) });
}

/** Creates the Job, or adopts the one of that name, and waits for its end. Throws while the API server is away: ask again. */
export async function runStepJob(kube: KubeAccess, clock: AgentClock, request: StepJob): Promise<NodeStepEnd> {
  const name = request.job.metadata?.name ?? '';
  const refused = await createOrAdopt(kube, clock, request.job);
  if (refused !== null) return failed(request, refused);
  const progress = new ProgressWatch(kube, clock, request);
  for (;;) {
    const job = await kube.batch.readNamespacedJob({ name, namespace: NODE_JOB_NAMESPACE });
    const ended = endOf(job);
    if (ended) return readEnd(kube, request, ended);
    await progress.look(job);
    await clock.sleep(POLL_MS, request.cancel);
    if (request.cancel.cancelled) throw new StepInterrupted('the agent is stopping');
  }
}

/** Tells what a running step waits for, every few seconds, where somebody wants to know. */
class ProgressWatch {
  private shownAt = 0;

  constructor(
    private readonly kube: KubeAccess,
    private readonly clock: AgentClock,
    private readonly request: StepJob,
  ) {}

  async look({ metadata }: V1Job): Promise<void> {
    const { report, node } = this.request;
    if (!report || this.clock.now() < this.shownAt + PROGRESS_MS) return;
    this.shownAt = this.clock.now();
    const progress = await readProgress(this.kube, metadata?.uid ?? '', node);
    if (progress) report(progress);
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

async function readEnd(kube: KubeAccess, request: StepJob, end: JobEnd): Promise<NodeStepEnd> {
  const pods = await kube.core.listNamespacedPod({
    namespace: NODE_JOB_NAMESPACE,
    labelSelector: `batch.kubernetes.io/controller-uid=${end.uid}`,
  });
  const text = terminationMessage(pods.items);
  const told = parseMessage(text);
  // Its pod may be collected before an agent that was away comes back. The Job's word is then all there is, and the
  // version that the node shows decides; a snapshot without its receipt is none.
  if (end.good && (text === '' || told?.ok === true)) return { kind: 'reported', message: told ?? {} };
  return { kind: 'failed', reason: whyFailed(request, end, { text, told }) };
}

interface Told {
  readonly text: string;
  readonly told: StepMessage | null;
}

function whyFailed(request: StepJob, end: JobEnd, { text, told }: Told): Reason {
  const of = { step: request.step.name, node: request.node };
  if (/DeadlineExceeded/.test(end.why)) return reason('step_timed_out', of);
  if (typeof told?.error === 'string') return failureOf(told, of);
  const detail = cut(text || end.detail || 'the node Job left no message');
  return reason(hasWord(told) ? 'step_failed' : 'step_interrupted', { ...of, detail });
}

/**
 * The script says at its end, good or bad, whether it was `ok`. Anything else in its place (nothing, the end of a log,
 * the node's "could not be located") was left by a death on the way: a power cut, an eviction, a kill.
 */
const hasWord = (told: StepMessage | null): boolean => typeof told?.ok === 'boolean';

function failed({ step, node }: StepJob, detail: string): NodeStepEnd {
  const params = { step: step.name, node, detail: cut(detail) };
  return { kind: 'failed', reason: reason('step_failed', params) };
}

function terminationMessage(pods: readonly V1Pod[]): string {
  for (const pod of pods) {
    const message = pod.status?.containerStatuses?.[0]?.state?.terminated?.message;
    if (message) return message.slice(0, MESSAGE_LIMIT);
  }
  return '';
}
