import { reason, type Reason } from '@wavegate/fleet';
import { SETTLE_BOUND_MS, SETTLE_MS } from '../bounds.js';
import { carryOut, finishOpenSteps, goOnTo, halt, waitFor } from '../decision.js';
import type { StepRecord, UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import { quorumRisk } from '../quorum.js';
import { isSettled, settlesAt } from '../settled.js';
import type { Situation } from '../situation.js';
import { controlPlaneAt } from '../standing.js';
import { lastEndedAt, runsOf } from '../step-runs.js';
import { receiptProblem } from './backup.js';

/**
 * kubeadm on one control-plane node after the other, each settled before the next. Per node:
 *
 * old, never tried     → its turn comes when all others are settled and etcd can spare it
 * step open            → it is carried out (again): the API may be away meanwhile, which is expected
 * failed               → back at the old version: kubeadm reverted by itself · else halted as it stands
 * succeeded, not shown → its exit code alone is not believed: waits until the pods say so, not for ever
 * new, not settled     → waits
 */
export function controlPlane(situation: Situation): UpgradeDecision {
  const { hop, stop } = situation;
  const open = finishOpenSteps(situation);
  if (open) return open;
  for (const node of situation.controlPlane) {
    const unsettled = afterStep(situation, node);
    if (unsettled) return unsettled;
  }
  if (stop) return halt(situation, stop);
  const next = situation.controlPlane.find((node) => !controlPlaneAt(node, hop.to));
  return next ? begin(situation, next) : goOnTo(situation, 'judgeControlPlane');
}

/** What a node that was changed still owes; null when it owes nothing. */
function afterStep(situation: Situation, node: ObservedNode): UpgradeDecision | null {
  const { last } = runsOf(situation, 'upgradeControlPlane', node.name);
  if (last?.state === 'failed') return afterFailure(situation, node, last);
  const arrived = controlPlaneAt(node, situation.hop.to);
  if (!last && !arrived) return null;
  if (arrived && isSettled(situation, node)) return null;
  const late = arrived
    ? reason('step_timed_out', { step: 'settle', node: node.name })
    : wrongVersion(node, situation.hop.to);
  return untilSettled(situation, node) ?? halt(situation, late);
}

export function wrongVersion(node: ObservedNode, expected: string): Reason {
  const observed = node.staticPods['kube-apiserver']?.version ?? 'none';
  return reason('version_mismatch', { component: `apiserver/${node.name}`, expected, observed });
}

/** kubeadm may have put everything back by itself, and says so nowhere reliable: the pods tell, once they are quiet. */
function afterFailure(situation: Situation, node: ObservedNode, { failure, endedAt }: StepRecord): UpgradeDecision {
  const { from } = situation.hop;
  if (controlPlaneAt(node, from) && isSettled(situation, node)) {
    return halt(situation, reason('kubeadm_reverted', { node: node.name, version: from }));
  }
  const quietAt = (endedAt ?? situation.at) + (situation.settleMs ?? SETTLE_MS);
  const wait = controlPlaneAt(node, from) || situation.at < quietAt ? untilSettled(situation, node) : null;
  const detail = failure ? String(failure.params.detail ?? failure.code) : 'unknown';
  const why = reason('step_failed', { step: 'upgradeControlPlane', node: node.name, detail });
  return wait ?? halt(situation, why);
}

/** A wait for the node to settle, or null once that has taken too long. */
export function untilSettled(situation: Situation, node: ObservedNode): UpgradeDecision | null {
  const bound = lastEndedAt(situation.journal) + SETTLE_BOUND_MS;
  if (situation.at >= bound) return null;
  const until = Math.min(settlesAt(situation, node) ?? bound, bound);
  return waitFor(situation, reason('settling', { node: node.name, until }), until);
}

function begin(situation: Situation, node: ObservedNode): UpgradeDecision {
  const { hop, order, pause, journal } = situation;
  if (pause) return waitFor(situation, pause, order.deadline);
  const unsafe = notNow(situation);
  if (unsafe) return unsafe;
  const begun = Object.values(journal.steps).some(({ step }) => step.kind === 'upgradeControlPlane');
  if (!begun && receiptProblem(situation)) return goOnTo(situation, 'backup');
  const { name } = runsOf(situation, 'upgradeControlPlane', node.name);
  const first = !situation.controlPlane.some((other) => controlPlaneAt(other, hop.to));
  const from = node.staticPods['kube-apiserver']?.version ?? hop.from;
  return carryOut(situation, [{ kind: 'upgradeControlPlane', name, node: node.name, from, to: hop.to, first }]);
}

/** Why no control-plane node may be changed at this moment: another is not settled, or etcd cannot spare one. */
export function notNow(situation: Situation): UpgradeDecision | null {
  const late = lastEndedAt(situation.journal) + SETTLE_BOUND_MS;
  const unsettled = situation.controlPlane.find((node) => !isSettled(situation, node));
  if (unsettled) {
    const why = reason('node_not_ready', { node: unsettled.name, until: late });
    return untilSettled(situation, unsettled) ?? halt(situation, why);
  }
  const risk = quorumRisk(situation.observed);
  if (!risk) return null;
  return situation.at < late ? waitFor(situation, risk, late) : halt(situation, risk);
}
