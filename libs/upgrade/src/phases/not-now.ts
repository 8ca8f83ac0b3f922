import { reason } from '@wavegate/fleet';
import { SETTLE_BOUND_MS } from '../bounds.js';
import { halt, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import { quorumRisk } from '../quorum.js';
import { isSettled, settlesAt } from '../settled.js';
import type { Situation } from '../situation.js';
import { lastEndedAt } from '../step-runs.js';

/** A wait for the node to settle, or null once that has taken too long. */
export function untilSettled(situation: Situation, node: ObservedNode): UpgradeDecision | null {
  const bound = lastEndedAt(situation.journal) + SETTLE_BOUND_MS;
  if (situation.at >= bound) return null;
  const until = Math.min(settlesAt(situation, node) ?? bound, bound);
  return waitFor(situation, reason('settling', { node: node.name, until }), until);
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
