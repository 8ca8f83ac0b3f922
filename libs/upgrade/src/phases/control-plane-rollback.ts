import { minorDistance, minorOf, parseVersion, reason, type Reason } from '@wavegate/fleet';
import { carryOut, finishOpenSteps, halt } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import { isSettled } from '../settled.js';
import type { Situation } from '../situation.js';
import { apiServers, controlPlaneAt } from '../standing.js';
import { runsOf } from '../step-runs.js';
import { afterInterruption } from './after-interruption.js';
import { receiptProblem, takeSnapshot } from './backup.js';
import { wrongVersion } from './control-plane.js';
import { notNow, untilSettled } from './not-now.js';

/**
 * Rungs 3 and 4 of the ladder, in orders of persons who approved them by number. Both take the control plane back one
 * node at a time, each settled before the next, behind a fresh receipt, and leave etcd where it is.
 *
 * 3  an older patch of the same minor, by that patch's own kubeadm
 * 4  the old minor's binaries, as long as every API server only emulates that minor (two-step upgrade, not committed)
 */
export type ControlPlaneRung = 3 | 4;

/** The approved rung that applies to what is seen now; null where none does. */
export function controlPlaneRung(situation: Situation): ControlPlaneRung | null {
  const { order, hop, observed } = situation;
  const [from, to] = [parseVersion(hop.from), parseVersion(hop.to)];
  if (order.kind !== 'rollback' || !from || !to) return null;
  const distance = minorDistance(from, to);
  if (distance === 0 && order.approvedRungs.includes(3)) return 3;
  if (distance !== 1 || !order.approvedRungs.includes(4)) return null;
  const stillOld = observed.nodes.every(
    (node) => !('kube-apiserver' in node.staticPods) || isBack(situation, node) || emulates(node) === minorOf(from),
  );
  return stillOld && apiServers(observed).length > 0 ? 4 : null;
}

const emulates = ({ staticPods }: ObservedNode): string | undefined => staticPods['kube-apiserver']?.emulates;

/** At the old version, or never away from it. */
function isBack({ hop }: Situation, node: ObservedNode): boolean {
  return controlPlaneAt(node, hop.from);
}

/** Control-plane nodes that are still ahead. */
export const planesAhead = (situation: Situation): ObservedNode[] =>
  situation.controlPlane.filter((node) => !isBack(situation, node));

/**
 * The next decision on the way back, or null once every control-plane node is back and settled. A step that failed is
 * not run again by itself, only one that was interrupted: what stands where is for a person by then.
 */
export function takeControlPlaneBack(situation: Situation): UpgradeDecision | null {
  const open = finishOpenSteps(situation);
  if (open) return open;
  for (const node of situation.controlPlane) {
    const owed = afterStep(situation, node);
    if (owed) return owed;
  }
  const [next] = planesAhead(situation);
  if (!next) return null;
  if (situation.stop) return halt(situation, situation.stop);
  return notNow(situation) ?? unproven(situation, next) ?? begin(situation, next);
}

/**
 * No control-plane step without a fresh receipt, on the way back as on the way there: a snapshot is taken and checked
 * first, after the workers (who need none, and users may hurt), and where none can be had nothing more is begun.
 */
function unproven(situation: Situation, next: ObservedNode): UpgradeDecision | null {
  const begun = situation.controlPlane.some(({ name }) => runsOf(situation, 'rollbackControlPlane', name).last);
  return begun || !receiptProblem(situation) ? null : takeSnapshot(situation, next);
}

/** What a node that was taken back still owes; null when it owes nothing. */
function afterStep(situation: Situation, node: ObservedNode): UpgradeDecision | null {
  const { last } = runsOf(situation, 'rollbackControlPlane', node.name);
  if (!last) return null;
  const again = afterInterruption(situation, node, 'rollbackControlPlane');
  if (again) return again;
  if (last.state === 'failed') return halt(situation, last.failure ?? failed(node));
  if (isBack(situation, node) && isSettled(situation, node)) return null;
  return untilSettled(situation, node) ?? halt(situation, wrongVersion(node, situation.hop.from));
}

function begin(situation: Situation, node: ObservedNode): UpgradeDecision {
  const { hop } = situation;
  const { name } = runsOf(situation, 'rollbackControlPlane', node.name);
  // kubeadm "apply" and the cluster's own record are for the first one only.
  const first = planesAhead(situation).length === situation.controlPlane.length;
  const from = node.staticPods['kube-apiserver']?.version ?? hop.to;
  return carryOut(situation, [{ kind: 'rollbackControlPlane', name, node: node.name, from, to: hop.from, first }]);
}

const failed = ({ name }: ObservedNode): Reason =>
  reason('step_failed', { step: 'rollbackControlPlane', node: name, detail: 'unknown' });
