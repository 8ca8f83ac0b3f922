import { reason, type Outcome, type ReasonCode, type Verdict } from '@wavegate/fleet';
import { rollBackByBudget } from './budget-rollback.js';
import { endCluster, keepFormerOutcome } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { RolloutEvent } from './event.js';
import { soakGate } from './gates/soak.js';
import type { RolloutCluster } from './rollout.js';
import { markForRollback, wishOf } from './rollback.js';
import { noteFailure } from './same-failure.js';
import { noteUndecided } from './undecided.js';
import { isBetweenHops, isUnbegun, isWithdrawing } from './cluster-standing.js';

/**
 * What agents say, taken into the rows. Each returns why the report does not fit, or null. A report fits only with the
 * order id of the row: ids are derived from attempt, kind and hop, so that a late or repeated report of an earlier one
 * finds no place.
 */
type Report<K extends RolloutEvent['kind']> = Extract<RolloutEvent, { kind: K }>;

/** Refusals that mean "this is not the cluster we planned for": nothing was touched, and a person must look. */
const HALTING: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'cluster_uid_mismatch',
  'version_mismatch',
  'skew_violation',
  'journal_rewound',
]);

/** The row whose order in flight the report speaks of, or why there is none. */
function rowOf(draft: Draft, { clusterId, orderId }: { clusterId: string; orderId: string }): RolloutCluster | string {
  const row = draft.row(clusterId);
  if (!row) return `cluster ${clusterId} is not part of this rollout`;
  if (row.orderId !== orderId) return `order ${orderId} is not the order in flight of ${row.clusterName}`;
  if (row.phase === 'waiting') return `${row.clusterName} has no order in flight`;
  return row;
}

const isRollback = (row: RolloutCluster): boolean => row.outcome !== null;

export function takeStart(draft: Draft, event: Report<'orderStarted'>): string | null {
  const row = rowOf(draft, event);
  if (typeof row === 'string') return row;
  if (!isUnbegun(row)) return `order ${event.orderId} has begun already`;
  const kind = isRollback(row) ? 'rollback' : 'upgrade';
  draft.change(row, {
    phase: isRollback(row) ? 'rollingBack' : 'upgrading',
    // Begun while being withdrawn: the agent stops at its next safe point, and the row still says what was wanted.
    reason: keepsCause(row) ? row.reason : reason('order_running', { kind }),
    offlineSince: null,
  });
  return null;
}

function keepsCause(row: RolloutCluster): boolean {
  return row.phase === 'ordered' && isWithdrawing(row.reason.code) && row.reason.code !== 'order_expired';
}

/** Refused before anything was touched. Not a failure, unless the cluster is not what the plan took it for. */
export function takeRefusal(draft: Draft, event: Report<'orderRefused'>): string | null {
  const row = rowOf(draft, event);
  if (typeof row === 'string') return row;
  if (row.phase === 'done') return `${row.clusterName} has ended already`;
  const why = event.reason;
  if (isRollback(row)) {
    keepFormerOutcome(draft, row, why);
  } else if (HALTING.has(why.code)) {
    const outcome: Outcome = { kind: 'halted', reason: why, standing: {}, cordoned: [] };
    endCluster(draft, row, outcome);
    noteFailure(draft, row, outcome);
  } else if (why.code === 'agent_busy') {
    draft.change(row, { phase: 'waiting', reason: why, attempt: row.attempt + 1 });
  } else {
    endCluster(draft, row, { kind: 'skipped', reason: why });
  }
  return null;
}

/** Certain: the order will never take effect. What becomes of the cluster depends on why it was taken back. */
export function takeWithdrawal(draft: Draft, event: Report<'orderWithdrawn'>): string | null {
  const row = rowOf(draft, event);
  if (typeof row === 'string') return row;
  if (row.phase === 'done') return `${row.clusterName} has ended already`;
  if (isRollback(row)) {
    keepFormerOutcome(draft, row, reason('order_withdrawn'));
  } else if (row.reason.code === 'skipped_by_person' || wouldStartAgain(draft, row)) {
    endCluster(draft, row, { kind: 'skipped', reason: row.reason });
  } else {
    const why = isWithdrawing(row.reason.code) ? row.reason : reason('order_withdrawn');
    // An order takes effect at most once, so its id is spent: the next start is a new attempt.
    draft.change(row, { phase: 'waiting', reason: why, attempt: row.attempt + 1 });
  }
  return null;
}

/** Somebody asked for it to go back before it had begun, and nothing else would keep it from starting. */
function wouldStartAgain(draft: Draft, row: RolloutCluster): boolean {
  return row.reason.code === 'rollback_asked' && draft.state === 'running';
}

export function takeEnd(draft: Draft, event: Report<'clusterEnded'>): string | null {
  const { outcome } = event;
  const row = rowOf(draft, event);
  if (typeof row === 'string') return row;
  if (outcome.kind === 'lost') return 'an agent cannot report itself lost';
  if (outcome.kind === 'completed') return 'an upgrade or rollback order does not end as completed';
  if (row.phase === 'done') return takeLateEnd(draft, row, outcome);
  const { evidence } = event;
  const heard = draft.change(row, { offlineSince: null, ...askedAgain(row), ...(evidence ? { evidence } : {}) });
  if (isRollback(heard)) {
    takeRollbackEnd(draft, heard, outcome);
  } else if (outcome.kind === 'upgraded' && heard.hop < heard.hops.length) {
    takeHop(draft, heard, outcome);
  } else {
    const ended = endCluster(draft, heard, outcome);
    noteFailure(draft, heard, outcome);
    noteUndecided(draft, heard, outcome);
    grantWish(draft, heard, ended);
    rollBackByBudget(draft, heard, outcome);
  }
  return null;
}

/** It was asked to stop so that it can go back: now it can, from wherever it stopped. */
function grantWish(draft: Draft, before: RolloutCluster, ended: RolloutCluster): void {
  const wish = wishOf(before);
  const kind = ended.outcome?.kind;
  if (wish && (kind === 'upgraded' || kind === 'halted')) markForRollback(draft, ended, wish);
}

/** A cluster given up as lost is heard of after all: its true outcome replaces the word `lost`, nothing else ends twice. */
function takeLateEnd(draft: Draft, row: RolloutCluster, outcome: Outcome): string | null {
  if (row.outcome?.kind !== 'lost') return `${row.clusterName} has ended already`;
  const halfWay = outcome.kind === 'upgraded' && row.hop < row.hops.length;
  const heard = draft.change(row, { offlineSince: null });
  // It gave up its slot, so it may not go on to the next hop by itself: a person retries it.
  const told: Outcome = halfWay
    ? { kind: 'halted', reason: reason('agent_returned'), standing: outcome.standing, cordoned: [] }
    : outcome;
  endCluster(draft, heard, told);
  noteFailure(draft, heard, told);
  noteUndecided(draft, heard, told);
  rollBackByBudget(draft, heard, told);
  return null;
}

function takeRollbackEnd(draft: Draft, row: RolloutCluster, outcome: Outcome): void {
  if (outcome.kind === 'skipped' || outcome.kind === 'upgraded') {
    keepFormerOutcome(draft, row, outcome.kind === 'skipped' ? outcome.reason : reason('order_withdrawn'));
  } else {
    endCluster(draft, row, outcome);
  }
}

/** One hop done, more to come: it keeps its slot and waits for the gates of the next. */
function takeHop(draft: Draft, row: RolloutCluster, outcome: Extract<Outcome, { kind: 'upgraded' }>): void {
  const next = row.hops[row.hop];
  if (draft.state === 'aborted' || wishOf(row)) {
    const { standing } = outcome;
    const why = reason(draft.state === 'aborted' ? 'aborted_mid_order' : 'order_stopped');
    grantWish(draft, row, endCluster(draft, row, { kind: 'halted', reason: why, standing, cordoned: [] }));
    return;
  }
  const version = next?.from ?? '';
  draft.change(row, { phase: 'upgrading', hop: row.hop + 1, orderId: null, reason: reason('verified', { version }) });
}

/** Silence matters by phase: before the start the offline policy applies, after it the cluster is lost and keeps its slot. */
export function takeLoss(draft: Draft, clusterId: string): string | null {
  const row = draft.row(clusterId);
  if (!row) return `cluster ${clusterId} is not part of this rollout`;
  if (row.offlineSince !== null) return `${row.clusterName} is known to be away`;
  const begun = (row.phase === 'upgrading' || row.phase === 'rollingBack') && !isUnbegun(row) && !isBetweenHops(row);
  if (!begun) {
    draft.change(row, { offlineSince: draft.at });
    return null;
  }
  const why = reason('agent_lost', { since: draft.at });
  // What was asked of it does not go with its voice: the withdrawal still stands, and so does what it was for.
  const asked = isWithdrawing(row.reason.code) ? { askedBefore: row.reason } : {};
  draft.change(row, { phase: 'lost', reason: why, offlineSince: draft.at, ...asked });
  draft.act({ kind: 'notify', clusterId, reason: why });
  return null;
}

export function takeReturn(draft: Draft, clusterId: string): string | null {
  const row = draft.row(clusterId);
  if (!row) return `cluster ${clusterId} is not part of this rollout`;
  if (row.offlineSince === null) return `${row.clusterName} is not away`;
  if (row.phase !== 'lost') {
    draft.change(row, { offlineSince: null });
    return null;
  }
  const kind = isRollback(row) ? 'rollback' : 'upgrade';
  draft.change(row, {
    phase: isRollback(row) ? 'rollingBack' : 'upgrading',
    reason: reason('order_running', { kind }),
    offlineSince: null,
    ...askedAgain(row),
  });
  return null;
}

/** A cluster that fell silent while it was asked to stop is asked to stop when it comes back, and for the same reason. */
function askedAgain({ askedBefore }: RolloutCluster): Partial<RolloutCluster> {
  return askedBefore ? { reason: askedBefore, askedBefore: null } : {};
}

/** A verdict counts for the wave that is being judged, and only while nothing in it has begun to move again. */
export function takeVerdict(draft: Draft, index: number, { kind: verdict, reasons }: Verdict): string | null {
  const wave = draft.wave(index);
  if (!wave) return `there is no wave ${index}`;
  if (wave.phase !== 'soaking' || wave.waiting + wave.inFlight > 0) return `wave ${index} is not being judged`;
  const soak = soakGate(wave, draft.soakMsOf(index), draft.at);
  if (soak.answer !== 'pass') return `wave ${index} is still soaking`;
  if (wave.verdictOverriddenBy !== null || (wave.verdict !== null && wave.verdict !== 'hold'))
    return `wave ${index} has its verdict`;
  const told = reasons.length > 0 || wave.verdictReasons ? { verdictReasons: reasons } : {};
  draft.patchWave(index, { verdict, ...told });
  return null;
}
