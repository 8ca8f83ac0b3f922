import { reason, type Outcome } from '@wavegate/fleet';
import type { RolloutAction } from '../action.js';
import type { RolloutEvent } from '../event.js';
import type { Rollout, RolloutCluster } from '../rollout.js';

/** Events without their time: the teller says when. */
export type Untimed = RolloutEvent extends infer E ? (E extends RolloutEvent ? Omit<E, 'at'> : never) : never;

export const upgraded = (version = '1.35.4'): Outcome => ({ kind: 'upgraded', standing: { apiserver: version } });

export const halted = (objective = 'checkout'): Extract<Outcome, { kind: 'halted' }> => ({
  kind: 'halted',
  reason: reason('slo_burned', { objective, consumedPercent: 2.4, minutes: 6 }),
  standing: { apiserver: '1.35.4', 'kubelet/n-2': '1.34.4' },
  cordoned: ['n-2'],
});

export const rolledBack = (): Outcome => ({
  kind: 'rolledBack',
  rung: 2,
  extent: { returned: ['n-2', 'n-3'], stays: ['control plane 1.35.4'] },
  reason: reason('rolled_back', { rung: 2 }),
  standing: { apiserver: '1.35.4', 'kubelet/n-2': '1.34.4' },
});

/** What a cluster's agent could truthfully report about the order that is out. */
export function orderOf(rollout: Rollout, clusterId: string): RolloutCluster & { orderId: string } {
  const row = rollout.clusters.get(clusterId);
  if (!row?.orderId) throw new Error(`${clusterId} has no order: ${JSON.stringify(row)}`);
  return { ...row, orderId: row.orderId };
}

export function began(rollout: Rollout, clusterId: string): Untimed {
  return { kind: 'orderStarted', clusterId, orderId: orderOf(rollout, clusterId).orderId };
}

export function ended(rollout: Rollout, clusterId: string, outcome: Outcome): Untimed {
  return { kind: 'clusterEnded', clusterId, orderId: orderOf(rollout, clusterId).orderId, outcome };
}

/** The answer that the store gives for an order nobody confirmed: withdrawn at once. */
export function withdrawalOf(action: RolloutAction): Untimed | null {
  if (action.kind !== 'withdrawOrder') return null;
  return { kind: 'orderWithdrawn', clusterId: action.clusterId, orderId: action.orderId };
}

export function inPhase(rollout: Rollout, ...phases: RolloutCluster['phase'][]): RolloutCluster[] {
  return [...rollout.clusters.values()]
    .filter(({ phase }) => phases.includes(phase))
    .sort((a, b) => a.position - b.position);
}
