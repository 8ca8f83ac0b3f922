import { SETTLE_MS } from './bounds.js';
import type { ObservedNode } from './observed.js';
import type { Situation } from './situation.js';

/**
 * When a control-plane node will have been good for SETTLE_MS in a row, if nothing changes: API reachable, node Ready,
 * every static pod ready and unchanged. Null while one of them is not good. Settled is: this moment has come.
 * "Ready" alone is too early: with two nodes in a row, etcd of both was seen down together.
 */
export function settlesAt({ observed, settleMs }: Situation, node: ObservedNode): number | null {
  const pods = Object.values(node.staticPods);
  if (!observed.reachable || !node.ready || pods.some(({ ready }) => !ready)) return null;
  return (
    Math.max(observed.reachableSince, node.readySince, ...pods.map(({ since }) => since)) + (settleMs ?? SETTLE_MS)
  );
}

export function isSettled(situation: Situation, node: ObservedNode): boolean {
  const settled = settlesAt(situation, node);
  return settled !== null && settled <= situation.at;
}
