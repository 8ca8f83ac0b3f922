import { SETTLE_MS } from './bounds.js';
import type { ObservedNode } from './observed.js';
import type { Situation } from './situation.js';

/** Steps after which a node has to settle anew. */
const CHANGES: readonly string[] = [
  ...['upgradeControlPlane', 'rollbackControlPlane', 'upgradeKubelet', 'rollbackKubelet'],
];

/**
 * When a control-plane node will have been good for SETTLE_MS in a row, if nothing changes: API reachable, node Ready,
 * every static pod ready and unchanged, leases renewed and our own requests answered, counted from the end of the last
 * step on it. Null while one of them is not good. Settled is: this moment has come.
 *
 * "Ready" alone is too early, and may never have changed: a kubelet that restarts within a status period leaves the
 * node Ready as it was, and restarts its static pods some 12 s later. With two nodes in a row, etcd of both was seen
 * down together.
 */
export function settlesAt(situation: Situation, node: ObservedNode): number | null {
  const { observed, settleMs } = situation;
  const pods = Object.values(node.staticPods);
  const { steadySince = 0 } = observed;
  if (!observed.reachable || !node.ready || steadySince === null || pods.some(({ ready }) => !ready)) return null;
  const since = [observed.reachableSince, steadySince, node.readySince, ...pods.map((pod) => pod.since)];
  return Math.max(...since, lastChangeOf(situation, node)) + (settleMs ?? SETTLE_MS);
}

function lastChangeOf({ journal }: Situation, { name }: ObservedNode): number {
  const ends = Object.values(journal.steps)
    .filter(({ step }) => CHANGES.includes(step.kind) && 'node' in step && step.node === name)
    .map(({ endedAt }) => endedAt ?? 0);
  return Math.max(0, ...ends);
}

export function isSettled(situation: Situation, node: ObservedNode): boolean {
  const settled = settlesAt(situation, node);
  return settled !== null && settled <= situation.at;
}
