import { minorDistance, parseVersion, reason, type Hop, type Reason } from '@wavegate/fleet';
import { keepFormerOutcome } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { RollbackScope } from './event.js';
import type { RolloutCluster } from './rollout.js';
import { sendOrder } from './send-order.js';
import { isPendingRollback } from './survey.js';

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

/** Marks a cluster for rollback, or says why no rung applies to it. At most once per attempt. */
export function markForRollback(
  draft: Draft,
  row: RolloutCluster,
  asked: { by: string; rungs: readonly number[] },
): void {
  // Nobody tells a rollout that is over who came and went: there the order itself finds out, and expires if need be.
  const over = draft.current.finishedAt !== null;
  const refusal = whyNoRollback(over ? { ...row, offlineSince: null } : row);
  const hop = row.hops[row.hop - 1];
  const rungs = hop ? applicableRungs(hop, asked.rungs) : [];
  const why = refusal ?? (rungs.length === 0 ? reason('no_rung_applies', { committed: hop?.to ?? '' }) : null);
  if (why) {
    draft.cannot.push({ clusterId: row.clusterId, reason: why });
    return;
  }
  draft.change(row, {
    phase: 'waiting',
    reason: reason('rollback_asked', { by: asked.by, rungs: rungs.join(',') }),
    attempt: row.attempt + 1,
    offlineSince: over ? null : row.offlineSince,
  });
}

function whyNoRollback(row: RolloutCluster): Reason | null {
  const nothing = reason('no_rung_applies', { committed: 'nothing' });
  switch (row.phase) {
    case 'waiting':
      return isPendingRollback(row) ? row.reason : nothing;
    case 'ordered':
    case 'upgrading':
    case 'lost':
    case 'rollingBack':
      // The agent is at work (or may be): abort first, so that one order is over before the next is sent.
      return row.reason;
    case 'done':
      break;
  }
  if (row.outcome?.kind === 'rolledBack') return reason('rolled_back', { rung: row.outcome.rung });
  if (row.outcome?.kind === 'skipped' || row.orderId === null) return nothing;
  return row.offlineSince === null ? null : reason('agent_lost', { since: row.offlineSince });
}

/**
 * Sends the rollbacks that were asked for, in order, as slots become free. Pause, budget, window and freeze do not
 * hold them: they undo harm, and a person asked for them. `maxInFlight` does: a rollback is a change like any other.
 */
export function startRollbacks(draft: Draft): void {
  for (const row of draft.look().rollbacks) {
    if (row.offlineSince !== null) {
      keepFormerOutcome(draft, row, reason('agent_lost', { since: row.offlineSince }));
      continue;
    }
    if (draft.freeSlots === 0) return;
    const approvedRungs = String(row.reason.params['rungs'] ?? '')
      .split(',')
      .map(Number);
    sendOrder(draft, row, { kind: 'rollback', approvedRungs, closesAt: null });
  }
}
