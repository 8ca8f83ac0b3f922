import { reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';

/** Codes on a row whose order is being taken back: the answer is awaited, nothing more is sent. */
const WITHDRAWING = new Set(['order_expired', 'order_withdrawn', 'rollout_aborted', 'skipped_by_person']);

/** True while the agent's (or the store's) word about a withdrawal is awaited. */
export function isWithdrawing(code: string): boolean {
  return WITHDRAWING.has(code);
}

/**
 * Orders that nobody began in time are taken back. The cluster keeps its slot until the withdrawal is certain
 * (`orderWithdrawn`): the agent may have begun in the same moment, and two orders at work in one cluster would be worse
 * than a slot held a little longer.
 */
export function expireOrders(draft: Draft): void {
  for (const row of draft.look().ordered) {
    if (isWithdrawing(row.reason.code) || row.orderId === null) continue;
    const startBy = row.since + draft.view.startWithinMs;
    if (draft.at < startBy) {
      draft.wakeAt(startBy);
      continue;
    }
    const expired = reason('order_expired', { startBy });
    draft.act({ kind: 'withdrawOrder', clusterId: row.clusterId, orderId: row.orderId, reason: expired });
    draft.change(row, { reason: expired });
  }
}

/** An agent ends its order by itself at the deadline; one that does not is a matter for a person, told once. */
export function noteOverdue(draft: Draft): void {
  for (const row of draft.look().running) {
    const deadline = row.since + draft.view.deadlineMs;
    if (row.reason.code === 'deadline_passed') {
      draft.asks.push(row.reason);
    } else if (isWithdrawing(row.reason.code) || draft.at < deadline) {
      draft.wakeAt(deadline);
    } else {
      const overdue = reason('deadline_passed', { deadline });
      draft.change(row, { reason: overdue });
      draft.act({ kind: 'notify', clusterId: row.clusterId, reason: overdue });
      draft.asks.push(overdue);
    }
  }
}
