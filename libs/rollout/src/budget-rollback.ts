import { isFailure, type Outcome, type ReasonCode } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { blockByBudget } from './gates/budget-block.js';
import { markForRollback, rowsInScope } from './rollback.js';
import type { RolloutCluster } from './rollout.js';

/** What stands as a failure and is no harm that the change did: taken back or stopped by somebody's word, or never begun. */
const NOT_OF_THE_CHANGE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'rollback_asked',
  'order_stopped',
  'aborted_mid_order',
  'offline_failed',
  'agent_returned',
]);

/**
 * Asked when a cluster ended by itself: where its failure exceeds its wave's budget and the plan says so, the wave (or
 * the rollout) is taken back as if a person had asked, by the rung that needs none: workers. Silence exceeds a budget
 * too, but takes nobody else back: it is not known to be harm. Clusters for which no rung applies are told in the
 * decision's `cannot`, and so in the audit.
 */
export function rollBackByBudget(draft: Draft, row: RolloutCluster, outcome: Outcome): void {
  const { onBudget } = draft.view.spec.rollback;
  const wave = draft.wave(row.wave);
  if (!onBudget || !wave || !isAutomatic(draft) || !isOfTheChange(outcome)) return;
  const failed = [...draft.rows()].filter((other) => other.wave === row.wave && isOfTheChange(other.outcome));
  if (failed.length <= wave.tolerated + wave.allowed) return;
  // Before anything goes back: what is on its way back is no failure for the moment, and nothing may start meanwhile.
  blockByBudget(draft);
  const scope = onBudget === 'wave' ? { kind: 'wave' as const, wave: row.wave } : { kind: 'rollout' as const };
  for (const other of rowsInScope(draft, scope) ?? []) {
    markForRollback(draft, other, { by: `the failure budget of wave ${row.wave}`, rungs: [] });
  }
}

function isAutomatic({ view, state }: Draft): boolean {
  return view.spec.rollback.automatic.upTo === 'worker' && state !== 'aborted' && state !== 'finished';
}

function isOfTheChange(outcome: Outcome | null): boolean {
  if (!outcome || !isFailure(outcome) || outcome.kind === 'lost' || !('reason' in outcome)) return false;
  return !NOT_OF_THE_CHANGE.has(outcome.reason.code);
}
