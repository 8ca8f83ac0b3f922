import { reason, type Reason } from '@wavegate/fleet';
import { NODE_READY_BOUND_MS } from '../bounds.js';
import { end, goOnTo, halt, standingNow, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { isBegun, lookAtNode } from '../node-work.js';
import type { ObservedNode } from '../observed.js';
import type { Situation } from '../situation.js';
import { controlPlaneAt, sameRelease } from '../standing.js';
import { lastEndedAt } from '../step-runs.js';
import { firstValidation, unlessInvalid } from './validation.js';
import { wrongVersion } from './control-plane.js';
import { judged } from './judging.js';
import { afterCommit } from './rollback.js';

/** Every component's version as seen from outside, and every node Ready: what the steps said counts for nothing here. */
export function verify(situation: Situation): UpgradeDecision {
  if (situation.stop) return halt(situation, situation.stop);
  const wrong = notAsOrdered(situation);
  if (!wrong) {
    return (
      firstValidation(situation) ??
      (hasChanged(situation) ? goOnTo(situation, 'judgeFinal') : unlessInvalid(situation, upgraded))
    );
  }
  const until = lastEndedAt(situation.journal) + NODE_READY_BOUND_MS;
  return situation.at < until ? waitFor(situation, wrong, until) : halt(situation, wrong);
}

export function judgeFinal(situation: Situation): UpgradeDecision {
  if (situation.stop) return halt(situation, situation.stop);
  return judged(situation, 'judgeFinal', (verdict) =>
    verdict.kind === 'promote' ? unlessInvalid(situation, upgraded) : afterCommit(situation, verdict, 'judgeFinal'),
  );
}

const upgraded = (situation: Situation): UpgradeDecision => end({ kind: 'upgraded', standing: standingNow(situation) });

function hasChanged({ journal }: Situation): boolean {
  return Object.values(journal.steps).some(
    ({ step }) => !['preflight', 'snapshotEtcd', 'validate'].includes(step.kind),
  );
}

function notAsOrdered(situation: Situation): Reason | null {
  const { hop, controlPlane, observed } = situation;
  const old = controlPlane.find((node) => !controlPlaneAt(node, hop.to));
  if (old) return wrongVersion(old, hop.to);
  const nodes = observed.nodes.filter((node) => !isLeftOut(situation, node));
  const behind = nodes.find((node) => !sameRelease(node.kubelet, hop.to));
  if (behind) {
    const component = `kubelet/${behind.name}`;
    return reason('version_mismatch', { component, expected: hop.to, observed: behind.kubelet });
  }
  const out = nodes.find((node) => !node.ready);
  const until = lastEndedAt(situation.journal) + NODE_READY_BOUND_MS;
  return out ? reason('node_not_ready', { node: out.name, until }) : null;
}

/** Left at its old version by the plan's word (`onTimeout: skipNode`); the standing names it. */
function isLeftOut(situation: Situation, node: ObservedNode): boolean {
  const change = { verb: 'upgradeKubelet', to: situation.hop.to } as const;
  return isBegun(situation, node, change) && lookAtNode(situation, node, change).kind === 'skipped';
}
