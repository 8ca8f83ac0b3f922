import { reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';

/**
 * Orders that nobody began in time are taken back. The cluster keeps its slot until the withdrawal is certain
 * (`orderWithdrawn`): the agent may have begun in the same moment, and two orders at work in one cluster would be worse
 * than a slot held a little longer.
 */
export function expireOrders(draft: Draft): void {
  const { startWithinMs } = draft.view;
  for (const row of draft.rowsIn([draft.index.line('ordered')], 0, draft.at - startWithinMs)) {
    if (row.orderId === null) continue;
    const expired = reason('order_expired', { startBy: row.since + startWithinMs });
    draft.act({ kind: 'withdrawOrder', clusterId: row.clusterId, orderId: row.orderId, reason: expired });
    draft.change(row, { reason: expired });
  }
  draft.wakeAt(draft.index.line('ordered').earliest() + startWithinMs);
}

/** An agent ends its order by itself at the deadline; one that does not is a matter for a person, told once. */
export function noteOverdue(draft: Draft): void {
  const { deadlineMs } = draft.view;
  const begunBy = draft.at - deadlineMs;
  for (const row of draft.rowsIn([draft.index.line('running')], 0, begunBy)) {
    const overdue = reason('deadline_passed', { deadline: row.since + deadlineMs });
    draft.change(row, { reason: overdue });
    draft.act({ kind: 'notify', clusterId: row.clusterId, reason: overdue });
  }
  // One question at a time: `head.asks` is the first.
  const first = draft.index.line('overdue').next();
  if (first < Infinity) draft.asks.push(draft.rowAt(first).reason);
  draft.wakeAt(draft.index.line('running').earliest() + deadlineMs);
  draft.wakeAt(draft.index.line('stopping').earliest({ after: begunBy }) + deadlineMs);
}
