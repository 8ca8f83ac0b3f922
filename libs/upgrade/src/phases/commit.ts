import { reason } from '@wavegate/fleet';
import { SETTLE_BOUND_MS } from '../bounds.js';
import { goOnTo, halt, write } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { workOnNodes } from '../node-batch.js';
import { isBegun, mustBeFinished } from '../node-work.js';
import { isSettled } from '../settled.js';
import type { Situation } from '../situation.js';
import { sameRelease } from '../standing.js';
import { lastEndedAt, openRuns } from '../step-runs.js';
import { notNow, untilSettled } from './control-plane.js';

/**
 * The point of no return of the control plane, written down before anything rests on it; then the kubelets of the
 * control-plane nodes, one at a time. A new kubelet restarts the node's static pods, so each must settle as after kubeadm.
 */
export function commit(situation: Situation): UpgradeDecision {
  const { journal, stop, hop } = situation;
  if (journal.committedAt === null) {
    return stop ? halt(situation, stop) : write(situation, { kind: 'committed' });
  }
  const change = () => ({ verb: 'upgradeKubelet', to: hop.to }) as const;
  const inWork = situation.controlPlane.filter(
    (node) => isBegun(situation, node, change()) && !(sameRelease(node.kubelet, hop.to) && node.cordonedBy === null),
  );
  if (openRuns(journal).length === 0 && inWork.length === 0) {
    const unsettled = notYet(situation);
    if (unsettled) return unsettled;
  }
  const hold = situation.pause ? { reason: situation.pause, until: situation.order.deadline } : null;
  return (
    workOnNodes(situation, { nodes: situation.controlPlane, change, limit: 1, hold }) ?? goOnTo(situation, 'nodeCanary')
  );
}

/** Between two nodes: the last one settled (also before the workers), and before the next one quorum besides. */
function notYet(situation: Situation): UpgradeDecision | null {
  const { controlPlane, hop, stop } = situation;
  const more = controlPlane.some((node) => !sameRelease(node.kubelet, hop.to));
  if (more && !stop) return notNow(situation);
  const change = { verb: 'upgradeKubelet', to: hop.to } as const;
  const unsettled = controlPlane.find((node) => mustBeFinished(situation, node, change) && !isSettled(situation, node));
  if (!unsettled) return null;
  const until = lastEndedAt(situation.journal) + SETTLE_BOUND_MS;
  const why = reason('node_not_ready', { node: unsettled.name, until });
  return untilSettled(situation, unsettled) ?? halt(situation, why);
}
