import { reason, type Outcome } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { budgetGate } from './gates/budget.js';
import type { RolloutCluster } from './rollout.js';

/**
 * A cluster that could not be judged by the end of its window stops the rollout for a person, whatever the budget
 * tolerates: a failure tells that the change hurt one cluster, this tells that nobody knows, and in the next cluster
 * nobody would know either. An exceeded budget, or a failure seen before, has asked that person already.
 */
export function noteUndecided(draft: Draft, row: RolloutCluster, outcome: Outcome): void {
  if (outcome.kind !== 'halted' || outcome.reason.code !== 'verdict_inconclusive') return;
  if (draft.state !== 'running' && draft.state !== 'paused') return;
  if (budgetGate(draft.allWaves).answer !== 'pass') return;
  const detail = String(outcome.reason.params['detail'] ?? '');
  const why = reason('verdict_undecided', { cluster: row.clusterName, detail });
  draft.setState('blocked', why);
  draft.act({ kind: 'notify', clusterId: null, reason: why });
}
