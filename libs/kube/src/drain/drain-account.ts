import type { V1Pod } from '@kubernetes/client-node';
import { DRAIN_WAITS_SHOWN, reason, type DrainCounts, type DrainWait, type Reason } from '@wavegate/fleet';
import { budgetDetail, type Budgets } from './budgets.js';
import type { DrainRequest } from './drain-request.js';
import { uidOf, type NodePods } from './node-pods.js';
import { podName } from './pod-filter.js';
import { longOwner, ownerAtSight, shortOwner, type WorkloadOwner, type WorkloadOwners } from './workload-owner.js';

const TELL_MS = 100;

type State = 'queued' | 'evicting' | 'blocked' | 'terminating' | 'gone';

interface Line {
  readonly pod: V1Pod;
  readonly state: State;
  readonly since: number;
  /** "namespace/name"; '' where no budget is behind it. */
  readonly pdb: string;
  /** Where no budget explains it. */
  readonly detail: string;
  readonly owner: WorkloadOwner | null;
}

interface Sources {
  readonly pods: NodePods;
  readonly budgets: Budgets;
  readonly owners: WorkloadOwners;
  readonly now: () => number;
  readonly deadline: number;
}

/**
 * Where every pod of the drain stands, and for whom a person should ask.
 *
 * queued → evicting → terminating → gone;  evicting ⇄ blocked
 */
export class DrainAccount {
  private readonly lines = new Map<string, Line>();
  /** Counted as they change: looking through all pods at every event of every pod was a tenth of a large drain's work. */
  private readonly counted: Record<State, number> = { queued: 0, evicting: 0, blocked: 0, terminating: 0, gone: 0 };
  private readonly unanswered = new Set<string>();
  private kept = 0;
  /** Kept, and unlike DaemonSets' pods not to be expected: they are named. */
  private back: readonly V1Pod[] = [];
  private said: Reason | null = null;
  private closed = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly drain: Pick<DrainRequest, 'node' | 'report' | 'reportDrain' | 'patient'>,
    private readonly from: Sources,
  ) {}

  /** What a look at the node has shown; pods that are known already stand where they stood. */
  expect(targets: readonly V1Pod[], others: { readonly kept: number; readonly back: readonly V1Pod[] }): void {
    this.kept = others.kept;
    this.back = others.back;
    for (const pod of targets) if (!this.lines.has(uidOf(pod))) this.set(pod, 'queued');
    this.tell();
  }

  evicting(pod: V1Pod, detail = ''): void {
    // A blocked pod that asks again is still blocked to whoever looks.
    if (this.stateOf(pod) === 'blocked' && detail === '') return;
    this.set(pod, 'evicting', { detail });
    this.tell();
  }

  /** Refused by a budget (or, without one, by what `detail` says). The owner is asked for beside, and told when known. */
  async blocked(pod: V1Pod, pdb: string, detail: string): Promise<void> {
    const known = this.lines.get(uidOf(pod))?.owner;
    this.set(pod, 'blocked', { pdb, detail });
    this.tell();
    const owner = await this.from.owners.of(pod);
    const line = this.lines.get(uidOf(pod));
    if (!line || line.state !== 'blocked' || longOwner(owner) === longOwner(known ?? null)) return;
    this.put(pod, { ...line, owner });
    this.tell();
  }

  terminating(pod: V1Pod): void {
    this.set(pod, 'terminating');
    this.tell();
  }

  gone(pod: V1Pod): void {
    this.set(pod, 'gone');
    this.tell();
  }

  /** Stays after all: it is not waited for any longer. */
  keep(pod: V1Pod): void {
    this.put(pod, null);
    this.kept += 1;
    this.tell();
  }

  get anyBlocked(): boolean {
    return this.counted.blocked > 0;
  }

  timedOut(pod: V1Pod): Reason {
    const line = this.lines.get(uidOf(pod));
    const held = line?.state === 'terminating' ? this.detailOf(line) : '';
    const pdb = held || (line?.pdb.split('/')[1] ?? '');
    return reason('drain_timed_out', { node: this.drain.node, pod: podName(pod), pdb });
  }

  /**
   * Called at every change, also of what was only looked up: a budget's numbers, a pod's finalizers. A drain of hundreds
   * of pods changes a thousand times in seconds: the whole of it is told ten times a second, the blocker at once.
   */
  tell(): void {
    if (this.closed) return;
    const why = this.why();
    if (!isSame(why, this.said)) this.drain.report(why);
    this.said = why;
    this.timer ??= setTimeout(() => this.flush(), TELL_MS);
  }

  private flush(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.drain.reportDrain?.({ node: this.drain.node, counts: this.counts(), waits: this.waits() });
  }

  /** The drain is over: its last standing is told, and nothing that comes in late. */
  close(): void {
    this.flush();
    this.closed = true;
  }

  /** One line for the order: the pod that is blocked longest. */
  private why(): Reason {
    const { node } = this.drain;
    const silent = this.lines.get(this.unanswered.values().next().value ?? '');
    const [blocked] = this.anyBlocked ? this.inOrder(({ state }) => state === 'blocked') : [];
    if (silent) return reason('api_unreachable', { since: silent.since });
    const overdue = this.drain.patient && this.from.now() >= this.from.deadline;
    const held = overdue ? (blocked ?? this.inOrder(({ state }) => state === 'terminating')[0]) : undefined;
    if (held) return this.timedOut(held.pod);
    if (!blocked) return reason('draining', { node });
    return reason('drain_blocked', {
      ...{ node, pod: podName(blocked.pod), pdb: blocked.pdb.split('/')[1] ?? blocked.detail },
      ...{ owner: shortOwner(blocked.owner), since: blocked.since, until: this.from.deadline },
    });
  }

  private counts(): DrainCounts {
    return { kept: this.kept, ...this.counted };
  }

  private waits(): DrainWait[] {
    const waits = this.inOrder(({ state }) => state !== 'queued' && state !== 'gone').flatMap((line) => {
      const { pod, state, pdb, owner, since } = line;
      if (state === 'queued' || state === 'gone') return [];
      const detail = this.detailOf(line);
      return [{ pod: podName(pod), state, pdb, detail, owner: longOwner(owner), since }];
    });
    return [...waits, ...this.back.map(cameBack)].slice(0, DRAIN_WAITS_SHOWN);
  }

  /** Blocked pods before all others: behind twenty slow ends nobody would see them. Then who waits longest. */
  private inOrder(of: (line: Line) => boolean): Line[] {
    const rank = ({ state }: Line): number => (state === 'blocked' ? 0 : 1);
    return [...this.lines.values()]
      .filter(of)
      .sort((a, b) => rank(a) - rank(b) || a.since - b.since || (podName(a.pod) < podName(b.pod) ? -1 : 1));
  }

  private detailOf({ pod, state, pdb, detail }: Line): string {
    const newest = this.from.pods.get(uidOf(pod)) ?? pod;
    if (state === 'terminating') return endDetail(newest);
    const budget = this.from.budgets.get(pdb);
    return budget ? budgetDetail(budget, newest) : detail;
  }

  private stateOf(pod: V1Pod): State | null {
    return this.lines.get(uidOf(pod))?.state ?? null;
  }

  private set(pod: V1Pod, state: State, more: { readonly pdb?: string; readonly detail?: string } = {}): void {
    const before = this.lines.get(uidOf(pod));
    const since = before?.state === state ? before.since : this.from.now();
    const owner = before?.owner ?? ownerAtSight(pod);
    this.put(pod, { pod, state, since, pdb: '', detail: '', ...more, owner });
  }

  /** The only place where lines change, so that what is counted stays true. */
  private put(pod: V1Pod, line: Line | null): void {
    const uid = uidOf(pod);
    const before = this.lines.get(uid);
    if (before) this.counted[before.state] -= 1;
    this.unanswered.delete(uid);
    if (!line) return void this.lines.delete(uid);
    this.counted[line.state] += 1;
    if (line.state === 'evicting' && line.detail !== '') this.unanswered.add(uid);
    this.lines.set(uid, line);
  }
}

function cameBack(pod: V1Pod): DrainWait {
  const since = new Date(pod.metadata?.creationTimestamp ?? 0).getTime();
  const detail = 'came after the node was closed, which it tolerates: evicted, its workload would put it back';
  return { pod: podName(pod), state: 'kept', pdb: '', detail, owner: longOwner(ownerAtSight(pod)), since };
}

function isSame(a: Reason, b: Reason | null): boolean {
  return a.code === b?.code && Object.entries(a.params).every(([name, value]) => b.params[name] === value);
}

/** Why a pod that was told to end is still there. */
function endDetail({ metadata, spec }: V1Pod): string {
  const finalizers = metadata?.finalizers ?? [];
  if (finalizers.length > 0) return `waits for its finalizers ${finalizers.join(', ')}`;
  const grace = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
  return `has ${grace} s of grace to end`;
}
