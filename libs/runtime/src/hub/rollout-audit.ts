import type { Decision, Rollout, RolloutAction, RolloutEvent } from '@wavegate/rollout';
import type { AuditEntry } from './ports.js';

/** Phase changes named in one audit line; a line about 5,000 clusters counts the rest. */
const MOST_CHANGES = 50;

/**
 * One line per event that changed something, with the phase changes it caused. A person's command always leaves a
 * line, also when it did not fit: who tried what is evidence too. Looking again (`woke`) and finding everything as it
 * was leaves none. Each line carries `rollout`, and `cluster` where it is about one: readers find their lines by them.
 */
export function auditOfEvent(before: Rollout, event: RolloutEvent, decision: Decision): AuditEntry | null {
  const changes = phaseChanges(before, decision);
  const byPerson = 'by' in event;
  if (!byPerson && !isWorthALine(before, event, decision, changes.length)) return null;
  const { at: decidedAt, kind, ...params } = event;
  const { ignored, cannot, head } = decision;
  return {
    actor: byPerson ? event.by : 'engine',
    action: `rollout.${kind}`,
    object: `rollout/${before.head.id}`,
    detail: {
      ...params,
      rollout: before.head.id,
      ...('clusterId' in event && { cluster: event.clusterId }),
      decidedAt,
      state: head.state,
      ...(before.head.state !== head.state && { stateBefore: before.head.state, reason: head.reason }),
      ...(ignored !== null && { ignored }),
      ...(changes.length > 0 && { changes: changes.slice(0, MOST_CHANGES), changed: changes.length }),
      ...(cannot.length > 0 && { cannot }),
    },
  };
}

/** Only a wake-up may find everything as it was; every other event that fitted is a line. */
function isWorthALine(before: Rollout, event: RolloutEvent, decision: Decision, changes: number): boolean {
  if (decision.ignored !== null) return false;
  if (event.kind !== 'woke') return true;
  return changes > 0 || decision.actions.length > 0 || before.head.state !== decision.head.state;
}

/** One line per action of consequence. A verdict is in the line of its event, so `judgeWave` needs none. */
export function auditOfAction(rolloutId: string, action: RolloutAction): AuditEntry | null {
  const { kind: _kind, ...params } = action;
  const line = (name: string, object: string, extra: Record<string, unknown> = {}): AuditEntry => ({
    actor: 'engine',
    action: name,
    object,
    detail: { ...params, rollout: rolloutId, ...extra },
  });
  switch (action.kind) {
    case 'sendOrder':
      return line('order.inserted', `order/${action.orderId}`, { cluster: action.clusterId });
    case 'withdrawOrder':
      return line('order.withdrawAsked', `order/${action.orderId}`, { cluster: action.clusterId });
    case 'askApproval':
      return line('approval.asked', `rollout/${rolloutId}`);
    case 'notify':
      return line('person.notified', `rollout/${rolloutId}`, action.clusterId ? { cluster: action.clusterId } : {});
    case 'judgeWave':
      return null;
  }
}

function phaseChanges(before: Rollout, decision: Decision) {
  return decision.clusters.flatMap((cluster) => {
    const was = before.clusters.get(cluster.clusterId);
    if (was && was.phase === cluster.phase && was.attempt === cluster.attempt && was.hop === cluster.hop) return [];
    return [{ cluster: cluster.clusterId, name: cluster.clusterName, phase: cluster.phase, reason: cluster.reason }];
  });
}
