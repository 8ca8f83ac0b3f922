import type { V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import {
  StepInterrupted,
  type AgentClock,
  type AgentRandom,
  type Cancel,
  type StepResult,
} from '@wavegate/runtime/agent';
import { Brake } from './brake.js';
import { cordonNode } from './cordon.js';
import { DrainAccount } from './drain-account.js';
import { evictPod, type EvictionAnswer } from './eviction.js';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';
import { listNodePods, NodePods, uidOf } from './node-pods.js';
import { openPacer, type Pacer } from './pacer.js';
import { fateOf, podName, type DrainConsent } from './pod-filter.js';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
/** kubectl's client limit lets ten go at once, then paces. */
const BURST = 10;
/** Watches have lost events before: a pod that should be gone is asked for this often. */
const ASK_AGAIN_MS = 15_000;

export interface DrainRequest {
  readonly node: string;
  readonly orderId: string;
  readonly timeoutMs: number;
  readonly perSecond: number;
  readonly consent: DrainConsent;
  readonly report: (why: Reason) => void;
  readonly cancel: Cancel;
}

/** What a drain needs of its surroundings. */
export interface DrainMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
}

/**
 * `kubectl drain` made observable: cordon (a failed cordon is fatal: it throws, and nothing is evicted), filter, evict
 * all pods at a pace, wait by one watch, retry refusals with growing jittered pauses, never longer than the bound.
 * Never uncordons: the engine decides about that.
 *
 * A pod: listed → (its turn) → evict ⟲ blocked, unanswered → granted → terminating → gone; or failed, or timed out.
 */
export async function drainNode(means: DrainMeans, request: DrainRequest): Promise<StepResult> {
  const drain = new Drain(means, request);
  return drain.run();
}

class Drain {
  private readonly deadline: number;
  private readonly pacer: Pacer;
  private readonly account: DrainAccount;
  private readonly pods: NodePods;
  /** Pulled when the agent stops, or one pod's error ends this drain: no pod may go on being evicted behind its back. */
  private readonly over: Brake;
  /** Evictions granted so far: a budget that moves is asked again soon, one that stands still ever more seldom. */
  private granted = 0;

  constructor(
    private readonly means: DrainMeans,
    private readonly request: DrainRequest,
  ) {
    this.deadline = means.clock.now() + request.timeoutMs;
    this.pacer = openPacer(request.perSecond, BURST);
    this.account = new DrainAccount(means.kube, request, this.deadline);
    this.pods = new NodePods(means.kube, request.node);
    this.over = new Brake(request.cancel);
  }

  async run(): Promise<StepResult> {
    const { node, orderId } = this.request;
    this.account.tell();
    await cordonNode(this.means.kube, node, orderId);
    await this.pods.start();
    try {
      // Pods may have landed between the first look and the cordon: look again until nothing is left to evict.
      for (;;) {
        const round = await this.podsToEvict();
        if (round.refused) return notConsented(node, round.refused);
        if (round.targets.length === 0) return { kind: 'succeeded' };
        const failure = await this.removeAll(round.targets);
        if (failure) return { kind: 'failed', reason: failure };
      }
    } finally {
      this.over.cancel();
      this.over.release();
      await this.pods.stop();
    }
  }

  private async podsToEvict(): Promise<{ targets: V1Pod[]; refused: string | null }> {
    const targets: V1Pod[] = [];
    const refused: string[] = [];
    for (const pod of await listNodePods(this.means.kube, this.request.node)) {
      const fate = fateOf(pod, this.request.consent);
      if (fate.kind === 'evict') targets.push(pod);
      if (fate.kind === 'refused') refused.push(`${podName(pod)} (${fate.why})`);
    }
    for (const pod of targets) this.pods.expect(uidOf(pod));
    return { targets, refused: refused.length > 0 ? refused.sort().join(', ') : null };
  }

  /** All at once, each to its end: one that fails does not stop the others, one that throws does. */
  private async removeAll(targets: readonly V1Pod[]): Promise<Reason | null> {
    const ends = await Promise.allSettled(
      targets.map((pod) =>
        this.remove(pod).catch((error: unknown) => {
          this.over.cancel();
          throw error;
        }),
      ),
    );
    if (this.request.cancel.cancelled) throw interrupted();
    // The error that pulled the brake, not the interruptions that followed from it.
    const thrown = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (thrown.length > 0) throw thrown.find((error) => !(error instanceof StepInterrupted)) ?? thrown[0];
    return ends.flatMap((end) => (end.status === 'fulfilled' && end.value ? [end.value] : []))[0] ?? null;
  }

  /** One pod to its end; null when it is gone, or the reason why not. */
  private async remove(pod: V1Pod): Promise<Reason | null> {
    if (pod.metadata?.deletionTimestamp) return this.waitGone(pod);
    let pause = 0;
    let grantedBefore = this.granted;
    for (;;) {
      await this.waitFor(this.pacer.take(this.means.clock.now()), pod);
      if (!this.pods.has(uidOf(pod))) return this.gone(pod);
      if (this.isLate()) return this.account.timedOut(pod);
      const answer = await evictPod(this.means.kube, this.means.clock, pod);
      if (answer.kind === 'granted') return this.afterGrant(pod);
      if (answer.kind === 'gone') return this.gone(pod);
      if (answer.kind === 'failed') return this.failed(pod, answer.detail);
      await this.account.note(pod, answer, this.means.clock.now());
      pause = this.nextPause(answer, pause, grantedBefore);
      grantedBefore = this.granted;
      await this.waitFor(this.pauseAfter(answer, pause), pod);
    }
  }

  /** Doubles while a budget stands still. */
  private nextPause(answer: EvictionAnswer, pause: number, grantedBefore: number): number {
    // No answer is nobody's refusal: when the server is back, the budget may have moved long ago.
    if (answer.kind === 'unanswered' || this.granted > grantedBefore || pause === 0) return FIRST_RETRY_MS;
    return Math.min(LONGEST_RETRY_MS, pause * 2);
  }

  private afterGrant(pod: V1Pod): Promise<Reason | null> {
    this.granted += 1;
    return this.waitGone(pod);
  }

  private pauseAfter(answer: EvictionAnswer, pause: number): number {
    const asked = answer.kind === 'blocked' ? (answer.retryAfterMs ?? 0) : 0;
    return Math.max(asked, pause * (0.75 + this.means.random.next() / 2));
  }

  private gone(pod: V1Pod): null {
    this.pods.forget(uidOf(pod));
    this.account.settle(pod);
    return null;
  }

  private failed(pod: V1Pod, detail: string): Reason {
    this.account.settle(pod);
    return reason('step_failed', {
      step: 'drainNode',
      node: this.request.node,
      detail: `${podName(pod)}: ${detail}`.slice(0, 300),
    });
  }

  private async waitGone(pod: V1Pod): Promise<Reason | null> {
    this.account.settle(pod);
    for (;;) {
      await this.waitFor(ASK_AGAIN_MS, pod);
      if (!this.pods.has(uidOf(pod))) return null;
      if (await this.isGoneByName(pod)) return this.gone(pod);
      if (this.isLate()) return this.account.timedOut(pod);
    }
  }

  /** 404, or another pod under that name. No answer is no news. */
  private async isGoneByName(pod: V1Pod): Promise<boolean> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    try {
      return uidOf(await this.means.kube.core.readNamespacedPod({ name, namespace })) !== uidOf(pod);
    } catch (error) {
      return isGone(error);
    }
  }

  private isLate(): boolean {
    return this.means.clock.now() >= this.deadline;
  }

  /** Waits up to `ms`, not past the deadline, and no longer than the pod is there. Throws when the drain is over. */
  private async waitFor(ms: number, pod: V1Pod): Promise<void> {
    const { clock } = this.means;
    const until = Math.min(this.deadline, clock.now() + ms);
    for (;;) {
      if (this.over.cancelled) throw interrupted();
      const left = until - clock.now();
      if (left <= 0 || !this.pods.has(uidOf(pod))) return;
      const nap = new Brake(this.over);
      const forget = this.pods.onChange(() => nap.cancel());
      await clock.sleep(left, nap);
      forget();
      nap.release();
    }
  }
}

function interrupted(): StepInterrupted {
  return new StepInterrupted('the drain was left: the agent is stopping, or will begin it again');
}

function notConsented(node: string, refused: string): StepResult {
  const detail = `${refused}: evicting would lose data or the pod; consent in drain.deleteEmptyDir or drain.evictUnmanaged`;
  return { kind: 'failed', reason: reason('step_failed', { step: 'drainNode', node, detail }) };
}
