import { isFailure, orderId, type OrderKind, type Reason } from '@wavegate/fleet';
import type { Decision, RolloutAction } from './action.js';
import { indexedClusters, type IndexedClusters } from './indexed-clusters.js';
import { inOrder, type Line } from './line.js';
import { viewOf, type PlanView } from './plan-view.js';
import type { Rollout, RolloutCluster, RolloutHead, RolloutState, WaveState } from './rollout.js';
import type { ListKind, RowIndex, RowList } from './row-index.js';

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
  private clusters: IndexedClusters | null = null;
  private forked: RowIndex | null = null;

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
   * The index of the rows as they stand now: a fork of the holder's, which a decision leaves as it was. Not asked for
   * by an event that does not fit, so that a plain map costs nothing then.
   */
  get index(): RowIndex {
    if (this.forked) return this.forked;
    const forked = this.indexed.index.fork();
    for (const row of this.changed.values()) forked.move(this.rollout.clusters.get(row.clusterId) ?? null, row);
    this.forked = forked;
    return forked;
  }

  /** Lists of the waves that have opened: who may start, and whom only silence keeps from it. */
  startLists(...kinds: readonly Extract<ListKind, 'candidates' | 'away'>[]): readonly RowList[] {
    return this.index.listsOf(...kinds).filter(({ wave }) => (this.waves[wave - 1]?.openedAt ?? null) !== null);
  }

  /** The rows of these lines in rollout order, of those due by then. Who joins or leaves meanwhile is not noticed. */
  *rowsIn(lines: readonly Line[], from = 0, dueBy = Infinity): Generator<RolloutCluster> {
    for (const position of inOrder(lines, from, dueBy)) yield this.rowAt(position);
  }

  rowAt(position: number): RolloutCluster {
    const row = this.row(this.indexed.idAt(position) ?? '');
    if (!row) throw new Error(`no cluster has position ${position}`);
    return row;
  }

  soakMsOf(wave: number): number {
    return this.indexed.soakMsOf(wave);
  }

  private get indexed(): IndexedClusters {
    this.clusters ??= indexedClusters(this.rollout);
    return this.clusters;
  }

  /** Replaces a row; `since` moves when the phase or the reason does, and an equal row is no change at all. */
  change(row: RolloutCluster, patch: Partial<RolloutCluster>): RolloutCluster {
    const { phase = row.phase, reason = row.reason } = patch;
    const moved = phase !== row.phase || !sameReason(reason, row.reason);
    // Compared before it is copied: most looks at a cluster find what the last one found.
    const plain = Object.keys(patch) as (keyof RolloutCluster)[];
    if (!moved && plain.every((key) => key === 'reason' || patch[key] === row[key])) return row;
    const next = { ...row, ...patch, since: moved ? this.at : (patch.since ?? row.since) };
    this.put(row, next);
    return next;
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
    this.forked?.move(before, after);
  }

  patchWave(index: number, patch: Partial<WaveState>): void {
    const wave = this.waves[index - 1];
    if (!wave) return;
    const since = patch.phase !== undefined && patch.phase !== wave.phase ? this.at : wave.since;
    this.waves[index - 1] = { ...wave, since, ...patch };
  }

  patchHead(patch: Partial<RolloutHead>): void {
    this.head = { ...this.head, ...patch };
  }

  setState(state: RolloutState, reason: Reason): void {
    const same = state === this.head.state && reason.code === this.head.reason.code;
    this.head = { ...this.head, state, reason, since: same ? this.head.since : this.at };
  }

  /** Null and Infinity: there is nothing to wake for. */
  wakeAt(at: number | null): void {
    if (at !== null && at > this.at && at < Infinity) this.wake = this.wake === null ? at : Math.min(this.wake, at);
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
