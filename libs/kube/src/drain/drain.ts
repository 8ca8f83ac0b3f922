import type { V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted, type StepResult } from '@wavegate/runtime/agent';
import { isGone } from '../kube-error.js';
import { Brake } from './brake.js';
import { Budgets } from './budgets.js';
import { cordonNode, OtherNode, uncordonNode, type Cordon } from './cordon.js';
import { DrainAccount } from './drain-account.js';
import { failure, interrupted } from './drain-end.js';
import type { DrainMeans, DrainRequest } from './drain-request.js';
import { Elsewhere } from './elsewhere.js';
import { NodePods, uidOf } from './node-pods.js';
import { fateOf, isAgentPod, podName, type PodFate } from './pod-filter.js';
import { evictionGroups } from './eviction-groups.js';
import { PodRemoval } from './pod-removal.js';
import { WorkloadOwners } from './workload-owner.js';

export type { DrainMeans, DrainRequest } from './drain-request.js';

/** A drain that is taken up again after its bound (the agent was away) has this long to look and to ask once. */
const LEAST_MS = 30_000;
/** Looks again at once, then after pauses that grow by this: what is put back as fast as it goes must not cost a core. */
const LOOK_AGAIN_MS = 500;
/** Two looks are the rule, a third where a pod landed while the node was closed. */
const MOST_LOOKS = 12;

/**
 * `kubectl drain` made observable: cordon (a failed cordon is fatal: it throws, and nothing is evicted), filter, evict
 * at a pace and in the order of priority, wait by one watch, ask again when a budget allows or after growing jittered
 * pauses, never longer than the bound.
 *
 * Never uncordons what it began to empty: the engine decides about that. Refused before the first eviction, it leaves
 * the node as it found it.
 */
export async function drainNode(means: DrainMeans, request: DrainRequest): Promise<StepResult> {
  if (!(request.timeoutMs > 0))
    return failed(request.node, `its timeout is ${request.timeoutMs} ms: write one above nothing`);
  const drain = new Drain(means, request);
  return drain.run();
}

interface Round {
  readonly targets: readonly V1Pod[];
  /** Why nothing of it may be evicted; null where all may. */
  readonly refused: Reason | null;
}

class Drain {
  private readonly deadline: number;
  private readonly account: DrainAccount;
  private readonly pods: NodePods;
  private readonly budgets: Budgets;
  /** Pulled when the agent stops, or one pod's error ends this drain: no pod may go on being evicted behind its back. */
  private readonly over: Brake;
  private readonly removal: PodRemoval;
  /** Our own pods that stay on the node after all. */
  private readonly staying = new Set<string>();
  /** What the first look saw. */
  private readonly first = new Set<string>();

  constructor(
    private readonly means: DrainMeans,
    private readonly request: DrainRequest,
  ) {
    const now = means.clock.now();
    const { begunAt = now, timeoutMs } = request;
    this.deadline = Math.max(begunAt + timeoutMs, now + Math.min(LEAST_MS, timeoutMs));
    const changed = (): void => this.account.tell();
    this.pods = new NodePods(means.kube, request.node, changed);
    this.budgets = new Budgets(means.kube, changed);
    const owners = new WorkloadOwners(means.kube);
    const { pods, budgets, deadline } = this;
    this.account = new DrainAccount(request, { pods, budgets, owners, deadline, now: () => means.clock.now() });
    this.over = new Brake(request.cancel);
    this.removal = new PodRemoval(means, request, {
      ...{ pods, budgets, deadline },
      account: this.account,
      over: this.over,
    });
  }

  async run(): Promise<StepResult> {
    this.account.tell();
    try {
      const cordon = await this.cordon();
      if ('code' in cordon) return { kind: 'failed', reason: cordon };
      await this.pods.start();
      // Pods may have landed between the first look and the cordon: look again until nothing is left to evict.
      let end = await this.round(cordon, 0);
      for (let nth = 1; end === null; nth += 1) end = await this.round(cordon, nth);
      return end;
    } finally {
      this.over.cancel();
      this.over.release();
      await Promise.all([this.pods.stop(), this.budgets.rest()]);
      this.account.close();
    }
  }

  /** Null while there may be more to evict. */
  private async round(cordon: Cordon, nth: number): Promise<StepResult | null> {
    if (nth > 1) await this.pause((nth - 1) * LOOK_AGAIN_MS);
    const { targets, refused } = await this.look(cordon, nth > 0);
    if (targets.length === 0 && !refused) return { kind: 'succeeded' };
    const why = refused ?? (await this.whyNot(targets, nth, cordon));
    if (why && nth === 0 && cordon.made) await uncordonNode(this.means.kube, this.request.node, this.request.orderId);
    const end = why ?? (await this.removeAll(targets));
    return end ? { kind: 'failed', reason: end } : null;
  }

  private async whyNot(targets: readonly V1Pod[], nth: number, cordon: Cordon): Promise<Reason | null> {
    if (nth === 0) return this.whyNotAtAll(targets);
    return nth < MOST_LOOKS ? this.whyNotAgain(cordon) : comeBack(this.request.node, targets);
  }

  private async cordon(): Promise<Cordon | Reason> {
    const { node, orderId, nodeUid } = this.request;
    try {
      return await cordonNode(this.means.kube, node, orderId, nodeUid);
    } catch (error) {
      if (error instanceof OtherNode)
        return reason('node_uid_mismatch', { node, expected: nodeUid ?? '', found: error.found });
      if (isGone(error)) return reason('node_unknown', { node });
      throw error;
    }
  }

  /** Asks the API server: what a watch has missed would be left behind. */
  private async look({ closedAt }: Cordon, begun: boolean): Promise<Round> {
    const items = begun ? (await this.pods.list()).items : await this.pods.firstList();
    if (!begun) items.forEach((pod) => this.first.add(uidOf(pod)));
    const fates = items.map((pod) => ({ pod, fate: this.fateOf(pod, closedAt) }));
    const targets = fates.flatMap(({ pod, fate }) => (fate.kind === 'evict' ? [pod] : []));
    const back = fates.flatMap(({ pod, fate }) => (fate.kind === 'kept' && fate.why === 'tolerates' ? [pod] : []));
    const refused = fates.flatMap(({ pod, fate }) =>
      fate.kind === 'refused' ? [`${podName(pod)} (${fate.why})`] : [],
    );
    if (!begun) await this.keepOurs(targets);
    const left = targets.filter((pod) => !this.staying.has(uidOf(pod)));
    this.account.expect(left, { kept: items.length - left.length, back });
    const why = refused.length > 0 ? notConsented(this.request.node, refused.sort().join(', ')) : null;
    return { targets: left, refused: why };
  }

  private fateOf(pod: V1Pod, closedAt: number | null): PodFate {
    if (this.isOurs(pod)) return { kind: 'evict' };
    // What the first look did not see came after the cordon, by whatever clock.
    return fateOf(pod, this.request.consent, this.first.has(uidOf(pod)) ? closedAt : -Infinity);
  }

  private isOurs(pod: V1Pod): boolean {
    return isAgentPod(pod, this.means.agentPod);
  }

  /**
   * Our own pod leaves like any other, last of all, unless it would only come back: nothing else would take it, or this
   * drain has moved it before and it landed here again.
   */
  private async keepOurs(targets: readonly V1Pod[]): Promise<void> {
    const ours = targets.find((pod) => this.isOurs(pod));
    if (!ours) return;
    const { kube, clock } = this.means;
    const { begunAt = clock.now(), node } = this.request;
    const isBack = new Date(ours.metadata?.creationTimestamp ?? 0).getTime() >= begunAt;
    if (isBack || !(await Elsewhere.than(kube, node)).takes(ours)) this.staying.add(uidOf(ours));
  }

  /** Before the first eviction: is there anywhere to go? */
  private async whyNotAtAll(targets: readonly V1Pod[]): Promise<Reason | null> {
    const { lastNode, node } = this.request;
    if (lastNode) return null;
    const elsewhere = await Elsewhere.than(this.means.kube, node);
    return elsewhere.isMissingFor(targets) ? reason('last_schedulable_node', { node }) : null;
  }

  /** Pods have come although the node was closed: is it still the node we closed, and still closed? */
  private async whyNotAgain({ uid }: Cordon): Promise<Reason | null> {
    const { node } = this.request;
    try {
      const { metadata, spec } = await this.means.kube.core.readNode({ name: node });
      if (metadata?.uid !== uid)
        return reason('node_uid_mismatch', { node, expected: uid, found: metadata?.uid ?? '' });
      if (spec?.unschedulable === true) return null;
      return failure(node, 'somebody opened the node while it was drained: pods come as fast as they are evicted');
    } catch (error) {
      // A node that is gone takes its pods with it; those that are left are waited for.
      if (isGone(error)) return null;
      throw error;
    }
  }

  /** Group after group, our own pod at the very end. */
  private async removeAll(targets: readonly V1Pod[]): Promise<Reason | null> {
    const { priorityGroups = [], waitBetweenMs = 0 } = this.request;
    const ours = targets.filter((pod) => this.isOurs(pod));
    const begun: Promise<PromiseSettledResult<Reason | null>[]>[] = [];
    for (const group of evictionGroups(
      targets.filter((pod) => !this.isOurs(pod)),
      priorityGroups,
    )) {
      if (begun.length > 0 && waitBetweenMs > 0) await this.atMost(waitBetweenMs, Promise.all(begun));
      if (this.over.cancelled) break;
      begun.push(Promise.allSettled(group.map((pod) => this.remove(pod))));
    }
    const others = this.endOf((await Promise.all(begun)).flat());
    if (others) return others;
    // What is left of us is evicted in any case but one: a budget on a single replica would hold us for ever.
    return this.endOf(await Promise.allSettled(ours.map((pod) => this.removeOurs(pod))));
  }

  private async remove(pod: V1Pod): Promise<Reason | null> {
    try {
      return await this.removal.remove(pod);
    } catch (error) {
      this.over.cancel();
      throw error;
    }
  }

  private async removeOurs(pod: V1Pod): Promise<Reason | null> {
    const end = await this.removal.removeUnlessBlocked(pod);
    if (end === 'blocked') {
      this.staying.add(uidOf(pod));
      this.account.keep(pod);
    }
    return end === 'blocked' ? null : end;
  }

  private endOf(ends: readonly PromiseSettledResult<Reason | null>[]): Reason | null {
    if (this.request.cancel.cancelled) throw interrupted();
    // The error that pulled the brake, not the interruptions that followed from it.
    const thrown = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (thrown.length > 0) throw thrown.find((error) => !(error instanceof StepInterrupted)) ?? thrown[0];
    return ends.flatMap((end) => (end.status === 'fulfilled' && end.value ? [end.value] : []))[0] ?? null;
  }

  private async pause(ms: number): Promise<void> {
    const nap = new Brake(this.over);
    await this.means.clock.sleep(ms, nap);
    nap.release();
    if (this.over.cancelled) throw interrupted();
  }

  private async atMost(ms: number, done: Promise<unknown>): Promise<void> {
    const nap = new Brake(this.over);
    void done.then(() => nap.cancel());
    await this.means.clock.sleep(Math.min(ms, this.deadline - this.means.clock.now()), nap);
    nap.release();
  }
}

function failed(node: string, detail: string): StepResult {
  return { kind: 'failed', reason: failure(node, detail) };
}

function comeBack(node: string, pods: readonly V1Pod[]): Reason {
  const names = pods.map(podName).sort().join(', ');
  return failure(
    node,
    `pods are put onto the closed node as fast as they are evicted, by no ordinary scheduler: ${names}`,
  );
}

function notConsented(node: string, refused: string): Reason {
  const consent = 'consent in drain.deleteEmptyDir or drain.evictUnmanaged';
  return failure(node, `evicting would lose data or the pod; ${consent}: ${refused}`);
}
