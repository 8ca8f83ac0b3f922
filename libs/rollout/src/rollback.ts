import { minorDistance, parseVersion, reason, type Hop, type Labels, type Reason } from '@wavegate/fleet';
import { haltBetweenHops, keepFormerOutcome } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { RollbackScope } from './event.js';
import { CalendarLook } from './gates/calendar.js';
import type { PlanView } from './plan-view.js';
import type { GateResult, RolloutCluster } from './rollout.js';
import { sendOrder } from './send-order.js';
import { isBetweenHops, isPendingRollback, isWithdrawing } from './cluster-standing.js';

const WORKER_RUNG = 2;
const HIGHEST_RUNG = 7;
/** A kubelet may be three minors older than the API server that stays (Kubernetes version skew policy). */
const KUBELET_LAG = 3;

/**
 * Which rungs of the ladder the versions leave open for a hop, of those allowed without and with a person. Worker
 * nodes can go back while their old kubelet stays within skew of the control plane, which is committed and stays;
 * everything above needs the person's explicit word, rung by rung. Sorted.
 */
export function applicableRungs(hop: Hop, approved: readonly number[]): number[] {
  const [from, to] = [parseVersion(hop.from), parseVersion(hop.to)];
  if (!from || !to) return [];
  const distance = minorDistance(from, to);
  const rungs = new Set(approved.filter((rung) => isByPerson(rung, distance)));
  if (distance >= 0 && distance <= KUBELET_LAG) rungs.add(WORKER_RUNG);
  return [...rungs].sort((a, b) => a - b);
}

/** Rung 3 puts an older patch back: it cannot undo a minor. */
function isByPerson(rung: number, distance: number): boolean {
  return Number.isInteger(rung) && rung > WORKER_RUNG && rung <= HIGHEST_RUNG && (rung !== 3 || distance === 0);
}

/** The clusters that a scope names, in rollout order; null when it names nothing of this rollout. */
export function rowsInScope(draft: Draft, scope: RollbackScope): RolloutCluster[] | null {
  if (scope.kind === 'cluster') {
    const row = draft.row(scope.clusterId);
    return row ? [row] : null;
  }
  if (scope.kind === 'wave' && !draft.wave(scope.wave)) return null;
  const rows = [...draft.rows()].filter((row) => scope.kind === 'rollout' || row.wave === scope.wave);
  return rows.sort((a, b) => a.position - b.position);
}

export interface RollbackWish {
  readonly by: string;
  readonly rungs: readonly number[];
}

/**
 * Marks a cluster for rollback, or says why no rung applies to it. At most once per attempt. Honoured wherever the
 * cluster stands: one that has ended waits for a slot, one between two hops stops there first, and one that is being
 * worked on is asked to stop at its next safe point, whatever gate or node it waits for, and goes back from there.
 */
export function markForRollback(draft: Draft, row: RolloutCluster, asked: RollbackWish): void {
  // Nobody tells a rollout that is over who came and went: there the order itself finds out, and expires if need be.
  const over = draft.current.finishedAt !== null;
  const known = over && row.offlineSince !== null ? { ...row, offlineSince: null } : row;
  const hop = hopToUndo(row);
  const rungs = hop ? applicableRungs(hop, asked.rungs) : [];
  const why = whyNoRollback(known) ?? whyNoRung(rungs, hop);
  if (why) {
    draft.cannot.push({ clusterId: row.clusterId, reason: why });
    return;
  }
  const wish = reason('rollback_asked', { by: asked.by, rungs: rungs.join(',') });
  const ended = isBetweenHops(row) ? haltBetweenHops(draft, row, wish) : row;
  if (ended.phase !== 'done') {
    stopFirst(draft, row, wish);
    return;
  }
  const { offlineSince } = known;
  draft.change(ended, { phase: 'waiting', reason: wish, attempt: ended.attempt + 1, offlineSince });
}

function whyNoRung(rungs: readonly number[], hop: Hop | undefined): Reason | null {
  return rungs.length === 0 ? reason('no_rung_applies', { committed: hop?.to ?? '' }) : null;
}

/** The one under way or done last; between two hops, the one behind. */
function hopToUndo(row: RolloutCluster): Hop | undefined {
  return row.hops[row.hop - (isBetweenHops(row) ? 2 : 1)];
}

/** One order is over before the next is sent: what becomes of the wish is decided when this one's end is known. */
function stopFirst(draft: Draft, row: RolloutCluster, wish: Reason): void {
  const { clusterId, orderId } = row;
  if (orderId !== null && !isWithdrawing(row.reason.code))
    draft.act({ kind: 'withdrawOrder', clusterId, orderId, reason: wish });
  draft.change(row, { reason: wish });
}

/** What was asked for while the cluster was worked on; null: nothing. */
export function wishOf({ reason: { code, params } }: RolloutCluster): RollbackWish | null {
  if (code !== 'rollback_asked') return null;
  return { by: String(params['by']), rungs: rungsOf(params['rungs']) };
}

function rungsOf(text: string | number | undefined): number[] {
  return String(text ?? '')
    .split(',')
    .map(Number);
}

function whyNoRollback(row: RolloutCluster): Reason | null {
  const nothing = reason('no_rung_applies', { committed: 'nothing' });
  switch (row.phase) {
    case 'waiting':
      return isPendingRollback(row) ? row.reason : nothing;
    case 'ordered':
    case 'upgrading':
      return isBetweenHops(row) ? whyAway(row) : whyNotStopped(row);
    case 'lost':
    case 'rollingBack':
      return row.reason;
    case 'done':
      break;
  }
  if (row.outcome?.kind === 'rolledBack') return reason('rolled_back', { rung: row.outcome.rung });
  if (row.outcome?.kind === 'skipped' || row.orderId === null) return nothing;
  return whyAway(row);
}

function whyAway({ offlineSince }: RolloutCluster): Reason | null {
  return offlineSince === null ? null : reason('agent_lost', { since: offlineSince });
}

/** What is stopped already for another reason ends by that reason; an abort only stops it, so that it may go back after. */
function whyNotStopped({ reason: why }: RolloutCluster): Reason | null {
  return isWithdrawing(why.code) && why.code !== 'rollout_aborted' ? why : null;
}

/**
 * Sends the rollbacks that were asked for, in order, as slots become free. Pause, budget, soak, approval and verdict do
 * not hold them: they undo harm, and a person asked for them. `maxInFlight` does: a rollback is a change like any other.
 * Windows and freezes hold them only where the plan says so (`rollback.windows: respect`).
 */
export function startRollbacks(draft: Draft): void {
  const calendar = new CalendarLook(draft.view, draft.at);
  for (const row of draft.rowsIn([draft.index.line('rollbacks')])) {
    if (row.offlineSince !== null) {
      keepFormerOutcome(draft, row, reason('agent_lost', { since: row.offlineSince }));
      continue;
    }
    const shut = rollbackHold(draft.view, calendar, row.labels);
    if (shut) {
      draft.wakeAt(shut.until);
      if (shut.until === null) draft.asks.push(shut.reason);
      continue;
    }
    if (draft.freeSlots === 0) return;
    const closesAt = draft.view.spec.rollback.windows === 'respect' ? calendar.of(row.labels).window.until : null;
    sendOrder(draft, row, { kind: 'rollback', approvedRungs: rungsOf(row.reason.params['rungs']), closesAt });
  }
}

/** The window or freeze that a rollback waits for; null: none. Plans of before this choice override them. */
export function rollbackHold({ spec }: PlanView, calendar: CalendarLook, labels: Labels): GateResult | null {
  if (spec.rollback.windows !== 'respect') return null;
  const { window, freeze } = calendar.of(labels);
  return [freeze, window].find(({ answer }) => answer !== 'pass') ?? null;
}
