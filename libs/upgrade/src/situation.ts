import { matches, reason, requireSelector, type Hop, type Order, type Plan, type Reason } from '@wavegate/fleet';
import type { Journal } from './journal.js';
import type { Observed, ObservedNode, PhaseVerdict } from './observed.js';

/** Everything a decision depends on; nothing else does. `at` (epoch ms) is the only clock. */
export interface UpgradeInput {
  readonly order: Order;
  readonly plan: Plan;
  readonly observed: Observed;
  readonly journal: Journal;
  /** The judge's newest word on the phase under judgement. */
  readonly verdict: PhaseVerdict | null;
  /** Epoch ms since when no hub is there; null while connected. */
  readonly hubAwaySince: number | null;
  readonly at: number;
  /** How long a control-plane node must have been good in a row; SETTLE_MS unless told. Only a world that is played sets it. */
  readonly settleMs?: number;
}

/** The input with what every phase asks of it. */
export interface Situation extends UpgradeInput {
  readonly hop: Hop;
  /** By name: the first is the one that kubeadm "apply" runs on. */
  readonly controlPlane: readonly ObservedNode[];
  /** The plan's canaries first, then by zone and name: the order in which they are worked on. */
  readonly workers: readonly ObservedNode[];
  /** Set once no further node may be begun and the attempt is to end at the next safe point. */
  readonly stop: Reason | null;
  /** Set while no further node may be begun, but the attempt goes on later. */
  readonly pause: Reason | null;
}

export function situationOf(input: UpgradeInput): Situation {
  const { order, plan, observed, hubAwaySince } = input;
  const nodes = [...observed.nodes].sort((a, b) => compare(a.name, b.name));
  return {
    ...input,
    hop: order.hop,
    controlPlane: nodes.filter(({ role }) => role === 'controlPlane'),
    workers: nodes
      .filter(({ role }) => role === 'worker')
      .sort((a, b) => canaryRank(plan, a) - canaryRank(plan, b) || compare(a.zone, b.zone)),
    stop: stopReason(input),
    pause:
      hubAwaySince !== null && plan.spec.hubAway === 'finishNode' ? reason('hub_away', { since: hubAwaySince }) : null,
  };
}

function stopReason({ order, journal, at }: UpgradeInput): Reason | null {
  // A rollout's order is taken back by its abort, or so that it can go back; one that a person or a schedule asked for, by itself.
  const aborted = order.parent.kind === 'rollout' && journal.withdrawal?.code !== 'rollback_asked';
  if (journal.withdrawal) return reason(aborted ? 'aborted_mid_order' : 'order_stopped');
  if (at >= order.deadline) return reason('deadline_passed', { deadline: order.deadline });
  return null;
}

// Not localeCompare: two machines with different locales must choose the same node.
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const canaryRank = (plan: Plan, node: ObservedNode): number => (isChosenCanary(plan, node) ? 0 : 1);

/** Named by the plan to go first; without such words no node is. */
export function isChosenCanary({ spec }: Plan, { labels = {} }: ObservedNode): boolean {
  const { nodeCanaries } = spec.drain;
  return nodeCanaries.trim() !== '' && matches(requireSelector(nodeCanaries), labels);
}

/** The node's pool by the plan's label; nodes without it, and all where the plan names none, are one pool: ''. */
export function poolOf({ spec }: Plan, { labels = {} }: ObservedNode): string {
  return spec.drain.poolLabel === '' ? '' : (labels[spec.drain.poolLabel] ?? '');
}

/** The cordon is this order's; somebody else's is left alone. */
export const cordonedByUs = ({ order }: Situation, node: ObservedNode): boolean => node.cordonedBy === order.id;
