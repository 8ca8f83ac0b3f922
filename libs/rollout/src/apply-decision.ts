import type { Decision } from './action.js';
import type { Rollout, RolloutCluster } from './rollout.js';

/** The rollout after a decision. A new map: the rollout before it stays what it was. */
export function applyDecision(rollout: Rollout, decision: Decision): Rollout {
  if (decision.clusters.length === 0) return { head: decision.head, clusters: rollout.clusters };
  const clusters = new Map<string, RolloutCluster>(rollout.clusters);
  for (const row of decision.clusters) clusters.set(row.clusterId, row);
  return { head: decision.head, clusters };
}
