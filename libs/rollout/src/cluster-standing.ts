import type { RolloutCluster } from './rollout.js';

const UNBEGUN = new Set(['order_sent', 'order_expired', 'order_withdrawn']);

/** Codes on a row whose order is being taken back: the answer is awaited, nothing more is sent. */
const WITHDRAWING = new Set([
  'order_expired',
  'order_withdrawn',
  'rollout_aborted',
  'skipped_by_person',
  'rollback_asked',
]);

/** Its order is out, and the agent has not said that it began. */
export function isUnbegun(row: RolloutCluster): boolean {
  return row.phase === 'ordered' || (row.phase === 'rollingBack' && UNBEGUN.has(row.reason.code));
}

/** Half-way: an earlier hop is done, the next is not ordered. */
export function isBetweenHops(row: RolloutCluster): boolean {
  return row.phase === 'upgrading' && row.orderId === null;
}

/** A rollback that a person asked for and that has no order yet: it waits, and still has its former outcome. */
export function isPendingRollback(row: RolloutCluster): boolean {
  return row.phase === 'waiting' && row.outcome !== null;
}

/** True while the agent's (or the store's) word about a withdrawal is awaited. */
export function isWithdrawing(code: string): boolean {
  return WITHDRAWING.has(code);
}
