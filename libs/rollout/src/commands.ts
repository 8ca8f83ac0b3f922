import { reason, type Reason, type ReasonCode } from '@wavegate/fleet';
import { endCluster, haltBetweenHops } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { RolloutEvent } from './event.js';
import { approvalsFor } from './gates/approval.js';
import { isExceeded } from './gates/budget.js';
import { markForRollback, rowsInScope } from './rollback.js';
import type { RolloutCluster } from './rollout.js';
import { isBetweenHops, isPendingRollback, isUnbegun } from './cluster-standing.js';

/** What people ask for. Each returns why it cannot be done as things stand, or null. The hub checks who may ask. */
type Command<K extends RolloutEvent['kind']> = Extract<RolloutEvent, { kind: K }>;

export function pause(draft: Draft, by: string): string | null {
  if (draft.state !== 'running') return `the rollout is ${draft.state}: nothing new starts anyway`;
  draft.setState('paused', reason('rollout_paused', { by }));
  return null;
}

/** Blocks that the verdict's gate makes: by a verdict, or because there was nothing to judge. */
const OF_THE_VERDICT: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['verdict_not_promote', 'wave_upgraded_nothing']);

/**
 * Lifts a pause, or takes a block upon oneself. `allow` raises the budget of the wave that is exceeded (else of the
 * current one); where a verdict blocks, `allow` of 1 or more overrides it in the person's name, and 0 has the wave
 * judged again; the same for a wave that upgraded nothing. Whatever still does not hold blocks again in the same decision.
 */
export function resume(draft: Draft, { by, allow }: Command<'resumed'>): string | null {
  if (draft.state !== 'paused' && draft.state !== 'blocked') return `the rollout is ${draft.state}, not stopped`;
  if (!Number.isInteger(allow) || allow < 0) return `allow ${allow} is not a count of failures, 0 or more`;
  if (draft.state === 'blocked' && OF_THE_VERDICT.has(draft.reason.code)) answerVerdict(draft, by, allow);
  else if (allow > 0) raiseBudget(draft, allow);
  draft.setState('running', reason('gate_passed'));
  return null;
}

function answerVerdict(draft: Draft, by: string, allow: number): void {
  const wave = draft.currentWave;
  if (!wave) return;
  const gates = wave.gates.filter(({ gate }) => gate !== 'verdict');
  draft.patchWave(wave.index, allow > 0 ? { verdictOverriddenBy: by } : { verdict: null, gates });
}

function raiseBudget(draft: Draft, allow: number): void {
  const wave = draft.allWaves.find(isExceeded) ?? draft.currentWave;
  if (wave) draft.patchWave(wave.index, { allowed: wave.allowed + allow });
}

/**
 * For good. Orders not begun are taken back, running ones are asked to stop at their next safe point, and their
 * outcomes are still awaited. The one event that touches every waiting row: after it nothing looks at them again.
 */
export function abort(draft: Draft, by: string): string | null {
  if (draft.state === 'aborted' || draft.state === 'finished') return `the rollout is ${draft.state} already`;
  const why = reason('rollout_aborted', { by });
  draft.setState('aborted', why);
  for (const row of [...draft.rows()]) abortCluster(draft, row, why);
  return null;
}

function abortCluster(draft: Draft, row: RolloutCluster, why: Reason): void {
  if (row.phase === 'done') return;
  if (isPendingRollback(row)) {
    draft.change(row, { phase: 'done', reason: why });
  } else if (row.phase === 'waiting') {
    draft.change(row, { reason: why });
  } else if (isBetweenHops(row)) {
    haltBetweenHops(draft, row, reason('aborted_mid_order'));
  } else {
    withdraw(draft, row, why);
  }
}

/** An unbegun rollback keeps a reason that says so: whether it began decides what its silence means. */
function withdraw(draft: Draft, row: RolloutCluster, why: Reason): void {
  if (row.orderId === null) return;
  draft.act({ kind: 'withdrawOrder', clusterId: row.clusterId, orderId: row.orderId, reason: why });
  if (row.phase === 'lost') return;
  const unbegunRollback = row.phase === 'rollingBack' && isUnbegun(row);
  draft.change(row, { reason: unbegunRollback ? reason('order_withdrawn') : why });
}

/** Approvals are for the plan that was read: another digest approves nothing. One person counts once. */
export function approve(draft: Draft, { by, wave: index, planDigest }: Command<'approved'>): string | null {
  const wave = draft.wave(index);
  if (!wave) return `there is no wave ${index}`;
  if (planDigest !== draft.current.planDigest) return 'the approval is for another plan';
  if (draft.state === 'aborted' || wave.phase !== 'waiting') return `wave ${index} needs no approval any more`;
  if (approvalsFor(draft.view, draft.allWaves, wave) === 0) return `no approval is asked for before wave ${index}`;
  if (wave.approvals.some((approval) => approval.by === by)) return `${by} has approved wave ${index} already`;
  draft.patchWave(index, { approvals: [...wave.approvals, { by, at: draft.at }] });
  return null;
}

/** A new attempt with the same inputs, from the hop that did not end well. */
export function retry(draft: Draft, { by, clusterId }: Command<'retried'>): string | null {
  const row = draft.row(clusterId);
  if (!row) return `cluster ${clusterId} is not part of this rollout`;
  if (draft.state === 'aborted' || draft.state === 'finished') return `the rollout is ${draft.state}`;
  if (row.phase !== 'done') return `${row.clusterName} has not ended yet`;
  if (row.outcome?.kind === 'upgraded') return `${row.clusterName} is upgraded already`;
  const attempt = row.attempt + 1;
  draft.change(row, { phase: 'waiting', attempt, outcome: null, reason: reason('retried', { by, attempt }) });
  return null;
}

/**
 * Leaves a cluster out. One whose order is out is left out once the withdrawal is certain; one that works is not
 * interrupted; one that fell silent after it began is given up as `lost`, which frees its slot and counts as a failure.
 */
export function skip(draft: Draft, { by, clusterId }: Command<'skipped'>): string | null {
  const row = draft.row(clusterId);
  if (!row) return `cluster ${clusterId} is not part of this rollout`;
  if (draft.state === 'finished') return 'the rollout is finished';
  if (row.phase === 'done') return `${row.clusterName} has ended already`;
  const why = reason('skipped_by_person', { by });
  if (row.phase === 'waiting') return skipWaiting(draft, row, why);
  return skipStarted(draft, row, why);
}

function skipWaiting(draft: Draft, row: RolloutCluster, why: Reason): string | null {
  if (isPendingRollback(row)) draft.change(row, { phase: 'done', reason: why });
  else if (draft.state === 'aborted') return 'the rollout is aborted: nothing starts any more';
  else endCluster(draft, row, { kind: 'skipped', reason: why });
  return null;
}

function skipStarted(draft: Draft, row: RolloutCluster, why: Reason): string | null {
  if (row.phase === 'lost') {
    withdraw(draft, row, why);
    endCluster(draft, row, { kind: 'lost', since: row.offlineSince ?? row.since });
  } else if (isBetweenHops(row)) {
    haltBetweenHops(draft, row, why);
  } else if (row.phase === 'ordered') {
    withdraw(draft, row, why);
  } else {
    return `${row.clusterName} is being worked on: abort the rollout, or wait for its outcome`;
  }
  return null;
}

/**
 * One order per cluster of the scope, each with its rungs, or `cannot` with its reason. A wave or a rollout that is
 * rolled back does not go on forward meanwhile: it is paused in the person's name. A rollout that was over keeps its
 * state and is over again when its rollbacks are (`finishedAt` is cleared meanwhile).
 */
export function rollBack(draft: Draft, { by, scope, approvedRungs }: Command<'rollbackAsked'>): string | null {
  const rows = rowsInScope(draft, scope);
  if (!rows) return scope.kind === 'wave' ? `there is no wave ${scope.wave}` : 'no such cluster in this rollout';
  for (const row of rows) markForRollback(draft, row, { by, rungs: approvedRungs });
  const some = rows.length > draft.cannot.length;
  if (some) draft.patchHead({ finishedAt: null });
  if (some && scope.kind !== 'cluster' && draft.state === 'running') {
    draft.setState('paused', reason('rollout_paused', { by }));
  }
  return null;
}
