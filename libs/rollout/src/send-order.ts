import { reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import type { RolloutCluster } from './rollout.js';

export interface Sending {
  readonly kind: 'upgrade' | 'rollback';
  readonly approvedRungs: readonly number[];
  /** Epoch ms at which the cluster's window closes; null when none does. */
  readonly closesAt: number | null;
}

/**
 * Sends the order for the row's attempt and hop. `startBy` ends with the window, so that an agent which was away does
 * not begin in the middle of the working day; the row's own expiry (`since` + startWithin) is never earlier than that.
 */
export function sendOrder(draft: Draft, row: RolloutCluster, sending: Sending): void {
  const hop = row.hops[row.hop - 1];
  if (!hop) return;
  const { at, view } = draft;
  const orderId = draft.orderIdOf(row, sending.kind);
  draft.change(row, {
    phase: sending.kind === 'upgrade' ? 'ordered' : 'rollingBack',
    reason: reason('order_sent', { kind: sending.kind }),
    orderId,
  });
  draft.act({
    kind: 'sendOrder',
    orderId,
    orderKind: sending.kind,
    clusterId: row.clusterId,
    clusterUid: row.clusterUid,
    attempt: row.attempt,
    hop,
    approvedRungs: sending.approvedRungs,
    startBy: Math.min(at + view.startWithinMs, sending.closesAt ?? Infinity),
    deadline: at + view.deadlineMs,
  });
  draft.wakeAt(at + view.startWithinMs);
}
