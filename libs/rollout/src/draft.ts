import { isFailure, orderId, type OrderKind, type Reason } from '@wavegate/fleet';
import type { Decision, RolloutAction } from './action.js';
import { viewOf, type PlanView } from './plan-view.js';
import type { Rollout, RolloutCluster, RolloutHead, RolloutState, WaveState } from './rollout.js';
import { survey, type Survey } from './survey.js';

/** The part of a wave's counters that a row's phase and outcome decide. */
type Counted = 'waiting' | 'inFlight' | 'lost' | 'upgraded' | 'failures' | 'skipped';

/** Which counters a row is in. Kept beside `put`, its only user, because the two must agree for ever. */
export function countersOf(row: RolloutCluster): readonly Counted[] {
  if (row.phase === 'waiting') return ['waiting'];
  if (row.phase === 'lost') return ['inFlight', 'lost'];
  if (row.phase !== 'done') return ['inFlight'];
  if (row.outcome?.kind === 'upgraded') return ['upgraded'];
  return row.outcome && isFailure(row.outcome) ? ['failures'] : ['skipped'];
}

export function sameReason(a: Reason, b: Reason): boolean {
  if (a.code !== b.code) return false;
  const keys = Object.keys(a.params);
  return keys.length === Object.keys(b.params).length && keys.every((key) => a.params[key] === b.params[key]);
}

/**
 * A decision in the making. It is the one mutable thing of this room and never outlives `decide`: rows and waves are
 * replaced, never changed in place, and every row goes through `put`, which keeps the head's counters equal to the rows.
 */
export class Draft {
  readonly at: number;
  readonly view: PlanView;
  readonly actions: RolloutAction[] = [];
  readonly cannot: { clusterId: string; reason: Reason }[] = [];
  /** What only a person can move, the most pressing first; settled into `head.asks`. */
  readonly asks: Reason[] = [];
  private readonly changed = new Map<string, RolloutCluster>();
  private readonly waves: WaveState[];
  private head: RolloutHead;
  private wake: number | null = null;
  private surveyed: Survey | null = null;

  constructor(
    private readonly rollout: Rollout,
    at: number,
  ) {
    // Time never runs backwards for one rollout, whatever a replica's clock said when the event was written.
    this.at = Math.max(at, rollout.head.at);
    this.view = viewOf(rollout.head.plan);
    this.head = rollout.head;
    this.waves = [...rollout.head.waves];
  }

  get state(): RolloutState {
    return this.head.state;
  }

  get reason(): Reason {
    return this.head.reason;
  }

  get current(): RolloutHead {
    return this.head;
  }

  get currentWave(): WaveState | undefined {
    return this.waves[this.head.currentWave - 1];
  }

  get allWaves(): readonly WaveState[] {
    return this.waves;
  }

  get inFlight(): number {
    return this.waves.reduce((sum, wave) => sum + wave.inFlight, 0);
  }

  get freeSlots(): number {
    return Math.max(0, this.head.maxInFlight - this.inFlight);
  }

  wave(index: number): WaveState | undefined {
    return this.waves[index - 1];
  }

  row(clusterId: string): RolloutCluster | undefined {
    return this.changed.get(clusterId) ?? this.rollout.clusters.get(clusterId);
  }

  /** Every row as it stands now, in no particular order. */
  *rows(): Generator<RolloutCluster> {
    for (const row of this.rollout.clusters.values()) yield this.changed.get(row.clusterId) ?? row;
  }

  /**
   * What a pass over all rows finds. Taken again only where a list could have gained a row: something ended, came back
   * from its end, or a wave opened. Between passes rows only leave lists, so readers of a list ask `row` for each.
   */
  look(): Survey {
    this.surveyed ??= survey(this.rollout.clusters, this.changed, this.waves);
    return this.surveyed;
  }

  /** Replaces a row; `since` moves when the phase or the reason does, and an equal row is no change at all. */
  change(row: RolloutCluster, patch: Partial<RolloutCluster>): RolloutCluster {
    const next = { ...row, ...patch };
    const moved = next.phase !== row.phase || !sameReason(next.reason, row.reason);
    const plain = Object.keys(patch).filter((key) => key !== 'reason') as (keyof RolloutCluster)[];
    if (!moved && plain.every((key) => next[key] === row[key])) return row;
    const stamped = moved ? { ...next, since: this.at } : next;
    this.put(row, stamped);
    return stamped;
  }

  private put(before: RolloutCluster, after: RolloutCluster): void {
    this.changed.set(after.clusterId, after);
    const wave = this.waves[after.wave - 1];
    if (wave) {
      const counts = { ...wave };
      for (const counter of countersOf(before)) counts[counter] -= 1;
      for (const counter of countersOf(after)) counts[counter] += 1;
      this.waves[after.wave - 1] = counts;
    }
    if (before.phase === 'done' || after.phase === 'done') this.surveyed = null;
  }

  patchWave(index: number, patch: Partial<WaveState>): void {
    const wave = this.waves[index - 1];
    if (!wave) return;
    const since = patch.phase !== undefined && patch.phase !== wave.phase ? this.at : wave.since;
    this.waves[index - 1] = { ...wave, since, ...patch };
    if (patch.openedAt !== undefined) this.surveyed = null;
  }

  patchHead(patch: Partial<RolloutHead>): void {
    this.head = { ...this.head, ...patch };
  }

  setState(state: RolloutState, reason: Reason): void {
    const same = state === this.head.state && reason.code === this.head.reason.code;
    this.head = { ...this.head, state, reason, since: same ? this.head.since : this.at };
  }

  wakeAt(at: number | null): void {
    if (at !== null && at > this.at) this.wake = this.wake === null ? at : Math.min(this.wake, at);
  }

  act(action: RolloutAction): void {
    this.actions.push(action);
  }

  /** The id of the order that this row has, or would have next. */
  orderIdOf(row: RolloutCluster, kind: OrderKind): string {
    return orderId({ kind: 'rollout', id: this.head.id }, row.clusterId, row.attempt, kind, row.hop);
  }

  decision(): Decision {
    const over = this.head.finishedAt !== null;
    const head: RolloutHead = {
      ...this.head,
      at: this.at,
      waves: this.waves,
      wakeAt: over ? null : this.wake,
      asks: over ? null : (this.asks[0] ?? null),
    };
    return {
      head,
      clusters: [...this.changed.values()],
      actions: this.actions,
      ignored: null,
      cannot: this.cannot,
    };
  }
}
