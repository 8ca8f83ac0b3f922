import { goOnTo } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { workOnNodes } from '../node-batch.js';
import { isBegun, lookAtNode } from '../node-work.js';
import type { Situation } from '../situation.js';
import { sameRelease } from '../standing.js';

/** One worker first, alone. Where the plan leaves a node that cannot be drained, the next one is the canary. */
export function nodeCanary(situation: Situation): UpgradeDecision {
  const change = { verb: 'upgradeKubelet', to: situation.hop.to } as const;
  const begun = situation.workers.filter((node) => isBegun(situation, node, change));
  const canary =
    begun.find((node) => lookAtNode(situation, node, change).kind !== 'skipped') ??
    situation.workers.find((node) => !begun.includes(node) && !sameRelease(node.kubelet, situation.hop.to));
  // Not one worker is left to change: nothing to judge that the control plane's judgement has not covered.
  if (!canary) return goOnTo(situation, 'verify');
  const hold = situation.pause ? { reason: situation.pause, until: situation.order.deadline } : null;
  const decision = workOnNodes(situation, { nodes: [canary], change: () => change, limit: 1, hold });
  return decision ?? goOnTo(situation, 'judgeCanary');
}
