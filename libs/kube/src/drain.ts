import type { V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import {
  StepInterrupted,
  type AgentClock,
  type AgentRandom,
  type Cancel,
  type StepResult,
} from '@wavegate/runtime/agent';
import { cordonNode } from './cordon.js';
import { evictPod, type EvictionAnswer } from './eviction.js';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';
import { listNodePods, uidOf, watchNodePods, type NodePods } from './node-pods.js';
import { openPacer, type Pacer } from './pacer.js';
import { controllerOf, fateOf, podName, type DrainConsent } from './pod-filter.js';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
const BURST = 10;

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
 */
export async function drainNode(means: DrainMeans, request: DrainRequest): Promise<StepResult> {
  const drain = new Drain(means, request);
  return drain.run();
}

class Drain {
  private readonly deadline: number;
  private readonly startedAt: number;
  private readonly pacer: Pacer;
  /** Pods refused by a PDB right now: the screens name the one blocked longest. */
  private readonly blocked = new Map<string, Reason>();

  constructor(
    private readonly means: DrainMeans,
    private readonly request: DrainRequest,
  ) {
    this.startedAt = means.clock.now();
    this.deadline = this.startedAt + request.timeoutMs;
    this.pacer = openPacer(request.perSecond, BURST);
  }

  async run(): Promise<StepResult> {
    const { node, orderId } = this.request;
    this.request.report(reason('draining', { node }));
    await cordonNode(this.means.kube, node, orderId);
    const pods = await watchNodePods(this.means.kube, node);
    try {
      // Pods may have landed between the first look and the cordon: look again until nothing is left to evict.
      for (;;) {
        const round = await this.podsToEvict();
        if (round.refused) return failed(node, round.refused);
        if (round.targets.length === 0) return { kind: 'succeeded' };
        const ends = await Promise.all(round.targets.map((pod) => this.remove(pod, pods)));
        const failure = ends.find((end) => end !== null);
        if (failure) return { kind: 'failed', reason: failure };
      }
    } finally {
      await pods.stop();
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
    return { targets, refused: refused.length > 0 ? refused.sort().join(', ') : null };
  }

  /** One pod to its end; null when it is gone, or the reason why not. */
  private async remove(pod: V1Pod, pods: NodePods): Promise<Reason | null> {
    let pause = FIRST_RETRY_MS;
    for (;;) {
      if (!(await this.pace(pods, pod))) return this.timedOut(pod);
      const answer = await evictPod(this.means.kube, pod);
      if (answer.kind === 'granted' || answer.kind === 'gone') {
        this.unblock(pod);
        return this.waitGone(pod, pods);
      }
      if (answer.kind === 'failed')
        return reason('step_failed', {
          step: 'drainNode',
          node: this.request.node,
          detail: `${podName(pod)}: ${answer.detail}`,
        });
      await this.noteBlocked(pod, answer);
      const wait = Math.max(
        answer.kind === 'blocked' ? (answer.retryAfterMs ?? 0) : 0,
        pause * (0.75 + this.means.random.next() / 2),
      );
      pause = Math.min(LONGEST_RETRY_MS, pause * 2);
      await this.waitFor(wait, pods, () => !pods.has(uidOf(pod)));
      if (!pods.has(uidOf(pod))) return (this.unblock(pod), null);
    }
  }

  /** Waits for the pod's turn; false when the bound passed meanwhile. */
  private async pace(pods: NodePods, pod: V1Pod): Promise<boolean> {
    const wait = this.pacer.take(this.means.clock.now());
    if (wait > 0) await this.waitFor(wait, pods, () => !pods.has(uidOf(pod)));
    return this.means.clock.now() < this.deadline;
  }

  private async waitGone(pod: V1Pod, pods: NodePods): Promise<Reason | null> {
    const uid = uidOf(pod);
    while (pods.has(uid)) {
      if (this.means.clock.now() >= this.deadline) return this.timedOut(pod);
      await this.waitFor(this.deadline - this.means.clock.now(), pods, () => !pods.has(uid));
    }
    return null;
  }

  /** Sleeps up to `ms`, not past the deadline, and leaves at once when `done` holds or the agent stops. */
  private async waitFor(ms: number, pods: NodePods, done: () => boolean): Promise<void> {
    const until = Math.min(this.deadline, this.means.clock.now() + ms);
    while (!done() && this.means.clock.now() < until) {
      await Promise.race([pods.changed(), this.means.clock.sleep(until - this.means.clock.now(), this.request.cancel)]);
      if (this.request.cancel.cancelled) throw new StepInterrupted('the agent is stopping');
    }
  }

  private async noteBlocked(pod: V1Pod, answer: EvictionAnswer): Promise<void> {
    const uid = uidOf(pod);
    const known = this.blocked.get(uid);
    const pdb = answer.kind === 'blocked' ? answer.pdb : 'namespace terminating';
    const since = Number(known?.params.since ?? this.means.clock.now());
    const owner = known ? String(known.params.owner) : await this.ownerOf(pod);
    const why = reason('drain_blocked', {
      node: this.request.node,
      pod: podName(pod),
      pdb,
      owner,
      since,
      until: this.deadline,
    });
    this.blocked.set(uid, why);
    this.tell();
  }

  private unblock(pod: V1Pod): void {
    if (this.blocked.delete(uidOf(pod))) this.tell();
  }

  private tell(): void {
    const longest = [...this.blocked.values()].sort((a, b) => Number(a.params.since) - Number(b.params.since))[0];
    this.request.report(longest ?? reason('draining', { node: this.request.node }));
  }

  private timedOut(pod: V1Pod): Reason {
    const pdb = String(this.blocked.get(uidOf(pod))?.params.pdb ?? '');
    return reason('drain_timed_out', { node: this.request.node, pod: podName(pod), pdb });
  }

  /** "Deployment/web": the workload a person knows, not the ReplicaSet between. */
  private async ownerOf(pod: V1Pod): Promise<string> {
    const controller = controllerOf(pod);
    if (!controller) return '';
    if (controller.kind !== 'ReplicaSet') return `${controller.kind}/${controller.name}`;
    try {
      const set = await this.means.kube.apps.readNamespacedReplicaSet({
        name: controller.name,
        namespace: pod.metadata?.namespace ?? '',
      });
      const above = set.metadata?.ownerReferences?.find((reference) => reference.controller === true);
      return above ? `${above.kind}/${above.name}` : `ReplicaSet/${controller.name}`;
    } catch (error) {
      if (!isGone(error)) return `ReplicaSet/${controller.name}`;
      return '';
    }
  }
}

function failed(node: string, refused: string): StepResult {
  const detail = `${refused}: evicting would lose data or the pod; consent in drain.deleteEmptyDir or drain.evictUnmanaged`;
  return { kind: 'failed', reason: reason('step_failed', { step: 'drainNode', node, detail }) };
}
