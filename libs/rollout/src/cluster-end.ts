import { isFailure, reason, type Outcome, type Reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import type { RolloutCluster } from './rollout.js';

/** Ends a cluster's attempt. Failures are told to a person; a cluster that turned healthy moves the wave's soak. */
export function endCluster(draft: Draft, row: RolloutCluster, outcome: Outcome): RolloutCluster {
  const why = outcomeReason(row, outcome);
  const ended = draft.change(row, { phase: 'done', outcome, reason: why });
  if (outcome.kind === 'upgraded') draft.patchWave(row.wave, { healthyAt: draft.at });
  if (isFailure(outcome)) draft.act({ kind: 'notify', clusterId: row.clusterId, reason: why });
  return ended;
}

/** A rollback that did not happen leaves the cluster as it was before it was asked for. */
export function keepFormerOutcome(draft: Draft, row: RolloutCluster, why: Reason): void {
  draft.change(row, { phase: 'done', reason: why });
  draft.act({ kind: 'notify', clusterId: row.clusterId, reason: why });
}

/** A half-way cluster stops where it stands: everything at the version that its last hop reached. */
export function haltBetweenHops(draft: Draft, row: RolloutCluster, why: Reason): RolloutCluster {
  const reached = { ...row, hop: row.hop - 1 };
  const version = reached.hops[reached.hop - 1]?.to ?? '';
  // Back on the hop that was done, so that a rollback asked for later speaks of it.
  const halted = draft.change(row, { hop: reached.hop, orderId: draft.orderIdOf(reached, 'upgrade') });
  const standing = { controlPlane: version, nodes: version };
  return endCluster(draft, halted, { kind: 'halted', reason: why, standing, cordoned: [] });
}

function outcomeReason(row: RolloutCluster, outcome: Outcome): Reason {
  if (outcome.kind === 'upgraded') return reason('verified', { version: row.hops[row.hop - 1]?.to ?? '' });
  if (outcome.kind === 'lost') return reason('agent_lost', { since: outcome.since });
  // No order of a rollout ends so (`takeEnd`); a row that says so all the same is shown, not crashed on.
  return outcome.kind === 'completed' ? reason('order_completed') : outcome.reason;
}
