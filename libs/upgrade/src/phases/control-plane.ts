import { minorDistance, minorOf, parseVersion, reason, type Reason } from '@wavegate/fleet';
import { SETTLE_MS } from '../bounds.js';
import { carryOut, finishOpenSteps, goOnTo, halt, waitFor } from '../decision.js';
import type { StepRecord, UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import { isSettled } from '../settled.js';
import type { Situation } from '../situation.js';
import { controlPlaneAt } from '../standing.js';
import { isSpent, runsOf } from '../step-runs.js';
import { afterInterruption } from './after-interruption.js';
import { receiptProblem } from './backup.js';
import { notNow, untilSettled } from './not-now.js';

/**
 * kubeadm on one control-plane node after the other, each settled before the next. Per node:
 *
 * old, never tried     → its turn comes when all others are settled and etcd can spare it
 * step open            → it is carried out (again): the API may be away meanwhile, which is expected
 * interrupted          → its host left no word: begun again once the node is back and settled
 * failed               → halted as it stands: kubeadm reverted by itself, or in the words of the step
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
  const again = afterInterruption(situation, node, 'upgradeControlPlane');
  if (again) return again;
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

/** kubeadm may have put everything back by itself: the host says so, or the pods tell, once they are quiet. */
function afterFailure(situation: Situation, node: ObservedNode, run: StepRecord): UpgradeDecision {
  const { failure, endedAt } = run;
  const { from } = situation.hop;
  const isBack = controlPlaneAt(node, from);
  // Refused before anything was changed: there is nothing to wait for.
  if (failure?.code === 'step_refused' && isBack) return halt(situation, failure);
  if (isBack && isSettled(situation, node)) {
    return halt(situation, backReason(node, from, run));
  }
  const wait = isBack || situation.at < quietAt(situation, endedAt) ? untilSettled(situation, node) : null;
  return wait ?? halt(situation, failedReason(node, failure));
}

const quietAt = ({ at, settleMs }: Situation, endedAt: number | null): number =>
  (endedAt ?? at) + (settleMs ?? SETTLE_MS);

/** Failures that already name the node and what became of it. */
const SAYS_ALL: readonly string[] = ['half_upgraded', 'kubeadm_reverted', 'step_timed_out'];

function failedReason({ name: node }: ObservedNode, failure: Reason | null): Reason {
  if (failure && SAYS_ALL.includes(failure.code)) return failure;
  const detail = failure ? String(failure.params.detail ?? failure.code) : 'unknown';
  return reason('step_failed', { step: 'upgradeControlPlane', node, detail });
}

/**
 * At the old version after a failure. That kubeadm went there and back is said by the host, or shown by components that
 * restarted since the step began; else nothing was changed, and the step's own words are the reason.
 */
function backReason(
  node: ObservedNode,
  version: string,
  { failure, intendedAt, begunAt = intendedAt }: StepRecord,
): Reason {
  if (failure?.code === 'kubeadm_left_behind') return failure;
  const restarted = Object.entries(node.staticPods).some(
    ([component, { since }]) => component.startsWith('kube-') && since > begunAt,
  );
  return restarted ? reason('kubeadm_reverted', { node: node.name, version }) : failedReason(node, failure);
}

function begin(situation: Situation, node: ObservedNode): UpgradeDecision {
  const { hop, order, pause, journal } = situation;
  if (pause) return waitFor(situation, pause, order.deadline);
  const unsafe = notNow(situation);
  if (unsafe) return unsafe;
  const begun = Object.values(journal.steps).some(({ step }) => step.kind === 'upgradeControlPlane');
  if (!begun && receiptProblem(situation)) return goOnTo(situation, 'backup');
  const staging = begun ? null : stageRestore(situation);
  if (staging) return staging;
  const { name } = runsOf(situation, 'upgradeControlPlane', node.name);
  const first = !situation.controlPlane.some((other) => controlPlaneAt(other, hop.to));
  const from = node.staticPods['kube-apiserver']?.version ?? hop.from;
  const emulate = emulatedMinor(situation);
  return carryOut(situation, [
    { kind: 'upgradeControlPlane', name, node: node.name, from, to: hop.to, first, ...(emulate ? { emulate } : {}) },
  ]);
}

/** Two-step upgrade: what the new binaries behave as until the commit; null where the plan or the hop asks for none. */
function emulatedMinor({ plan, hop, journal }: Situation): string | null {
  const [from, to] = [parseVersion(hop.from), parseVersion(hop.to)];
  const asked = plan.spec.upgrade.controlPlane.twoStep && journal.committedAt === null;
  return asked && from && to && minorDistance(from, to) === 1 ? minorOf(from) : null;
}

/** Before the first change, one host after the other: what a restore of etcd would need (rung 6). */
function stageRestore(situation: Situation): UpgradeDecision | null {
  const { plan, observed, hop } = situation;
  if (!plan.spec.rollback.stageRestore || observed.etcd === null) return null;
  for (const node of situation.controlPlane) {
    const runs = runsOf(situation, 'stageRestore', node.name);
    if (runs.last?.state === 'succeeded') continue;
    if (runs.last?.failure && isSpent(runs)) return halt(situation, runs.last.failure);
    return carryOut(situation, [{ kind: 'stageRestore', name: runs.name, node: node.name, from: hop.from }]);
  }
  return null;
}
