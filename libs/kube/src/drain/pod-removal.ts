import type { V1Pod } from '@kubernetes/client-node';
import type { Reason } from '@wavegate/fleet';
import { Turnstile } from '@wavegate/runtime/agent';
import { isGone } from '../kube-error.js';
import { Brake } from './brake.js';
import type { Budgets } from './budgets.js';
import type { DrainAccount } from './drain-account.js';
import { failure, interrupted } from './drain-end.js';
import type { DrainMeans, DrainRequest } from './drain-request.js';
import { evictPod, type EvictionAnswer } from './eviction.js';
import { EvictionLanes, type LaneAnswer } from './eviction-lanes.js';
import { uidOf, type NodePods } from './node-pods.js';
import { openPacer, type Pacer } from './pacer.js';
import { controllerOf, podName } from './pod-filter.js';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
/** kubectl's client limit lets ten go at once, then paces. */
const BURST = 10;
/** Evictions under way at once, where the pace is lifted. */
const AT_ONCE = 16;
/** Watches have lost events before: the node is listed this often while a pod should be gone. */
const ASK_AGAIN_MS = 15_000;

interface Surroundings {
  readonly pods: NodePods;
  readonly budgets: Budgets;
  readonly account: DrainAccount;
  readonly over: Brake;
  readonly deadline: number;
}

type Blocked = Extract<EvictionAnswer, { kind: 'blocked' }>;

/** One pod to its end. listed → (its turn) → evict ⟲ blocked, unanswered → granted → terminating → gone; or failed, or timed out. */
export class PodRemoval {
  private readonly pacer: Pacer;
  private readonly turnstile = new Turnstile(AT_ONCE);
  private readonly lanes: EvictionLanes;

  constructor(
    private readonly means: DrainMeans,
    private readonly request: DrainRequest,
    private readonly world: Surroundings,
  ) {
    this.pacer = openPacer(request.perSecond, BURST);
    this.lanes = new EvictionLanes(() => means.clock.now());
  }

  /** Null when it is gone, or the reason why not. Throws StepInterrupted when the drain is over. */
  async remove(pod: V1Pod): Promise<Reason | null> {
    let pause = 0;
    for (;;) {
      const answer = await this.ask(pod);
      if (answer === 'late') return this.world.account.timedOut(pod);
      if (answer.kind === 'granted') return this.untilGone(pod);
      if (answer.kind === 'gone') return this.gone(pod);
      if (answer.kind === 'failed') return this.failed(pod, answer.detail);
      // No answer is nobody's refusal: when the server is back, the budget may have moved long ago.
      pause = answer.kind === 'unanswered' || pause === 0 ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, pause * 2);
      await this.untilWorthAsking(pod, answer, pause * (0.75 + this.means.random.next() / 2));
    }
  }

  /** Asks once more than silence makes necessary, and no more: a budget's refusal is taken for an answer. */
  async removeUnlessBlocked(pod: V1Pod): Promise<Reason | null | 'blocked'> {
    for (;;) {
      const answer = await this.ask(pod);
      if (answer === 'late' || answer.kind === 'blocked') return 'blocked';
      if (answer.kind === 'granted') return this.untilGone(pod);
      if (answer.kind === 'gone') return this.gone(pod);
      if (answer.kind === 'failed') return this.failed(pod, answer.detail);
      await this.untilWorthAsking(pod, answer, FIRST_RETRY_MS);
    }
  }

  private async ask(pod: V1Pod): Promise<EvictionAnswer | 'late'> {
    if (this.isEnding(pod)) return { kind: 'granted' };
    await this.rest(this.pacer.take(this.means.clock.now()), pod);
    const lane = this.lanes.of(workloadOf(pod));
    return lane.through(() => this.turnstile.through(() => this.askNow(pod)), laneAnswer);
  }

  private async askNow(pod: V1Pod): Promise<EvictionAnswer | 'late'> {
    if (this.world.over.cancelled) throw interrupted();
    if (!this.world.pods.has(uidOf(pod))) return { kind: 'gone' };
    if (this.isEnding(pod)) return { kind: 'granted' };
    if (this.isLate()) return 'late';
    this.world.account.evicting(pod);
    return evictPod(this.means.kube, this.means.clock, pod);
  }

  /** Somebody has deleted it already, before our turn or meanwhile: a namespace being deleted does. */
  private isEnding(pod: V1Pod): boolean {
    return (this.world.pods.get(uidOf(pod)) ?? pod).metadata?.deletionTimestamp !== undefined;
  }

  private async untilWorthAsking(pod: V1Pod, answer: EvictionAnswer, pauseMs: number): Promise<void> {
    const { account } = this.world;
    if (answer.kind === 'blocked') return this.untilBudgetMoves(pod, answer, pauseMs);
    if (answer.kind === 'namespaceTerminating') void account.blocked(pod, '', 'waits for its namespace to be deleted');
    else account.evicting(pod, 'the API server does not answer');
    await this.rest(pauseMs, pod);
  }

  /** Until the budget says that it allows one more, at the latest after the pause (no shorter than the server asked for). */
  private async untilBudgetMoves(pod: V1Pod, answer: Blocked, pauseMs: number): Promise<void> {
    const { account, budgets } = this.world;
    const pdb = answer.pdb === '' ? '' : `${pod.metadata?.namespace ?? ''}/${answer.pdb}`;
    void account.blocked(pod, pdb, answer.detail);
    void budgets.watch();
    await this.rest(Math.max(answer.retryAfterMs ?? 0, pauseMs), pod, (wake) => budgets.onRoom(pdb, wake));
  }

  private async untilGone(pod: V1Pod): Promise<Reason | null> {
    const { account, pods } = this.world;
    account.terminating(pod);
    this.restBudgets();
    for (;;) {
      await this.rest(ASK_AGAIN_MS, pod);
      if (!pods.has(uidOf(pod))) return this.gone(pod);
      if (this.isLate()) return (await this.isGoneByName(pod)) ? this.gone(pod) : account.timedOut(pod);
      await pods.askAgain(this.means.clock.now(), ASK_AGAIN_MS);
    }
  }

  /** The last word before a pod is called too late: 404, or another pod under that name. No answer is no news. */
  private async isGoneByName(pod: V1Pod): Promise<boolean> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    try {
      return uidOf(await this.means.kube.core.readNamespacedPod({ name, namespace })) !== uidOf(pod);
    } catch (error) {
      return isGone(error);
    }
  }

  private gone(pod: V1Pod): null {
    this.world.pods.forget(uidOf(pod));
    this.world.account.gone(pod);
    this.restBudgets();
    return null;
  }

  private async failed(pod: V1Pod, detail: string): Promise<Reason> {
    const { account, budgets } = this.world;
    // Said before it is looked up: while a pod is blocked, the budgets are watched.
    await account.blocked(pod, '', detail);
    await budgets.watch();
    const covering = budgets.covering(pod);
    const named = covering.length > 1 ? ` (${covering.join(', ')})` : '';
    await account.blocked(pod, '', `${detail}${named}`);
    return failure(this.request.node, `${podName(pod)}: ${detail}${named}`);
  }

  private restBudgets(): void {
    if (!this.world.account.anyBlocked) void this.world.budgets.rest();
  }

  private isLate(): boolean {
    return !this.request.patient && this.means.clock.now() >= this.world.deadline;
  }

  /** Up to `ms`, not past the deadline, and no longer than the pod is there or `alarm` rings. Throws when the drain is over. */
  private async rest(ms: number, pod: V1Pod, alarm?: (wake: () => void) => () => void): Promise<void> {
    const { clock } = this.means;
    const { over, pods, deadline } = this.world;
    if (over.cancelled) throw interrupted();
    const untilDeadline = deadline - clock.now();
    // A patient drain wakes at its bound, too: that is when it begins to say so.
    const left = this.request.patient && untilDeadline <= 0 ? ms : Math.min(untilDeadline, ms);
    if (left <= 0 || !pods.has(uidOf(pod))) return;
    const nap = new Brake(over);
    const wake = (): void => nap.cancel();
    const forget = [pods.onGone(uidOf(pod), wake), alarm?.(wake)];
    await clock.sleep(left, nap);
    forget.forEach((stop) => stop?.());
    nap.release();
    if (over.cancelled) throw interrupted();
  }
}

/** Pods of one workload share their budget. One without a controller is alone with its own. */
function workloadOf(pod: V1Pod): string {
  return `${pod.metadata?.namespace ?? ''}/${controllerOf(pod)?.name ?? uidOf(pod)}`;
}

function laneAnswer(answer: EvictionAnswer | 'late'): LaneAnswer {
  if (answer === 'late') return 'calm';
  if (answer.kind === 'unanswered') return 'silent';
  return answer.kind === 'blocked' ? 'crowded' : 'calm';
}
