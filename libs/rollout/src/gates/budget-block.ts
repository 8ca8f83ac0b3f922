import type { Draft } from '../draft.js';
import { budgetGate } from './budget.js';

/** Latched: once exceeded, only a person's `resumed` starts anything again, even if a lost cluster returns. */
export function blockByBudget(draft: Draft): void {
  if (draft.state !== 'running' && draft.state !== 'paused') return;
  const budget = budgetGate(draft.allWaves);
  if (budget.answer === 'pass') return;
  draft.setState('blocked', budget.reason);
  draft.act({ kind: 'notify', clusterId: null, reason: budget.reason });
}
