import { carryOut, halt, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import type { Situation } from '../situation.js';
import { sameRelease } from '../standing.js';
import { isInterrupted, isSpent, runsOf } from '../step-runs.js';
import { notNow } from './not-now.js';

/**
 * A step of a control-plane node whose host left no word of its end is begun again, whatever it had done by then. The
 * script goes on from what it sees:
 *
 * nothing changed      → as if it had never run; an order that is to stop, stops here
 * half of it changed   → finished, also when the order is to stop: half-way is worse than through
 * every component new  → finished too: what kubeadm does last (its record of the cluster, addons) shows in no version
 *
 * First the node must be back and settled, and etcd must be able to spare it as before any step. Null where the last
 * run ended by its own word.
 */
export function afterInterruption(
  situation: Situation,
  node: ObservedNode,
  kind: 'upgradeControlPlane' | 'rollbackControlPlane',
): UpgradeDecision | null {
  const { last, name, all } = runsOf(situation, kind, node.name);
  if (!isInterrupted(last)) return null;
  if (isSpent({ all })) return halt(situation, last.failure);
  const unsafe = notNow(situation);
  if (unsafe) return unsafe;
  const { stop, pause, order } = situation;
  if (isUntouched(situation, node)) {
    if (stop) return halt(situation, stop);
    if (pause) return waitFor(situation, pause, order.deadline);
  }
  return carryOut(situation, [{ ...last.step, name }]);
}

/** Every static pod of the node, etcd's too, is what it was before the order. */
function isUntouched({ journal }: Situation, { name, staticPods }: ObservedNode): boolean {
  return Object.entries(staticPods).every(([component, { version }]) =>
    sameRelease(version, journal.before[`${component.replace(/^kube-/, '')}/${name}`] ?? version),
  );
}
