import { goOnTo } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { nodesAtOnce, workOnNodes } from '../node-batch.js';
import { isBegun, lookAtNode, type NodeChange } from '../node-work.js';
import type { ObservedNode } from '../observed.js';
import { isChosenCanary, type Situation } from '../situation.js';
import { sameRelease } from '../standing.js';

/**
 * The nodes that the plan chose, or else one worker alone, before the others and judged before them. Where the plan
 * leaves those that cannot be drained, the next one is the canary.
 */
export function nodeCanary(situation: Situation): UpgradeDecision {
  const change = { verb: 'upgradeKubelet', to: situation.hop.to } as const;
  const nodes = canaries(situation, change);
  // Not one worker is left to change: nothing to judge that the control plane's judgement has not covered.
  if (nodes.length === 0) return goOnTo(situation, 'verify');
  const hold = situation.pause ? { reason: situation.pause, until: situation.order.deadline } : null;
  const group = { nodes, change: () => change, limit: nodesAtOnce(situation), hold };
  return workOnNodes(situation, group) ?? goOnTo(situation, 'judgeCanary');
}

function canaries(situation: Situation, change: NodeChange): readonly ObservedNode[] {
  const { plan, workers, hop } = situation;
  const isLeft = (node: ObservedNode): boolean => lookAtNode(situation, node, change).kind === 'skipped';
  const begun = workers.filter((node) => isBegun(situation, node, change));
  const chosen = workers.filter((node) => isChosenCanary(plan, node) && !isLeft(node));
  if (chosen.some((node) => begun.includes(node) || !sameRelease(node.kubelet, hop.to))) return chosen;
  const one =
    begun.find((node) => !isLeft(node)) ??
    workers.find((node) => !begun.includes(node) && !sameRelease(node.kubelet, hop.to));
  return one ? [one] : [];
}
