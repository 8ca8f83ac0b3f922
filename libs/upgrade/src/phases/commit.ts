import { reason } from '@wavegate/fleet';
import { SETTLE_BOUND_MS } from '../bounds.js';
import { carryOut, finishOpenSteps, goOnTo, halt, write } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { workOnNodes } from '../node-batch.js';
import { isBegun, mustBeFinished } from '../node-work.js';
import type { ObservedNode } from '../observed.js';
import { isSettled } from '../settled.js';
import type { Situation } from '../situation.js';
import { sameRelease } from '../standing.js';
import { lastEndedAt, openRuns, runsOf } from '../step-runs.js';
import { afterInterruption } from './after-interruption.js';
import { notNow, untilSettled } from './not-now.js';

/**
 * The point of no return of the control plane, written down before anything rests on it; then the kubelets of the
 * control-plane nodes, one at a time. A new kubelet restarts the node's static pods, so each must settle as after kubeadm.
 */
export function commit(situation: Situation): UpgradeDecision {
  const { journal, stop, hop } = situation;
  if (journal.committedAt === null) {
    return stop ? halt(situation, stop) : write(situation, { kind: 'committed' });
  }
  const lifting = liftEmulation(situation);
  if (lifting) return lifting;
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

/**
 * Two-step upgrade: from here on the new binaries are themselves, one node at a time, each settled. The same step as
 * before, without the emulation; kubeadm brings the addons along now.
 */
function liftEmulation(situation: Situation): UpgradeDecision | null {
  const { controlPlane, hop, stop } = situation;
  const emulating = controlPlane.filter(isEmulating);
  const open = openRuns(situation.journal).some(({ step }) => step.kind === 'upgradeControlPlane');
  if (open) return finishOpenSteps(situation);
  for (const node of controlPlane) {
    const again = afterInterruption(situation, node, 'upgradeControlPlane');
    if (again) return again;
  }
  const failed = controlPlane
    .map((node) => runsOf(situation, 'upgradeControlPlane', node.name).last)
    .find((last) => last?.state === 'failed');
  if (failed?.failure) return halt(situation, failed.failure);
  const [node] = emulating;
  if (!node) return null;
  if (stop) return halt(situation, stop);
  const { name } = runsOf(situation, 'upgradeControlPlane', node.name);
  const first = emulating.length === controlPlane.length;
  const step = { kind: 'upgradeControlPlane', name, node: node.name, from: hop.to, to: hop.to, first } as const;
  return notNow(situation) ?? carryOut(situation, [step]);
}

const isEmulating = ({ staticPods }: ObservedNode): boolean =>
  Object.values(staticPods).some(({ emulates }) => emulates !== undefined);

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
