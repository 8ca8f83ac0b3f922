import type { Order } from '@wavegate/fleet';
import type { OrderStanding, StandingChange } from '@wavegate/runtime/hub';
import type { Statements } from './database.js';
import { toJson } from './database.js';
import type { OrderRow } from './rows.js';

/** Columns of an OrderRow; needs `orders o JOIN plans p`. */
export const ORDER_COLUMNS = `
  o.id, o.cluster_id, o.rollout_id, o.kind, o.attempt, o.epoch, o.body, p.canonical, o.start_by, o.state, o.begun,
  o.withdraw_acknowledged, o.withdraw_reason, o.progress, o.findings, o.verdicts, o.outcome`;

export function toOrder(row: OrderRow): Order {
  return { ...row.body, epoch: row.epoch, plan: row.canonical };
}

export function toStanding(row: OrderRow): OrderStanding {
  return {
    orderId: row.id,
    clusterId: row.cluster_id,
    rolloutId: row.rollout_id,
    epoch: row.epoch,
    state: row.state,
    startBy: row.start_by,
    begun: row.begun,
    withdrawAcknowledged: row.withdraw_acknowledged,
    withdrawReason: row.withdraw_reason,
  };
}

const SAVE_STANDING = `
  UPDATE orders
  SET state = $2, begun = $3, withdraw_acknowledged = $4, withdraw_reason = $5::jsonb,
      confirmed_at = CASE WHEN $2 = 'confirmed' THEN coalesce(confirmed_at, now_ms()) ELSE confirmed_at END,
      ended_at = CASE WHEN $2 IN ('withdrawn', 'refused', 'done') THEN coalesce(ended_at, now_ms()) END
  WHERE id = $1`;

/** The caller holds the row's lock. */
export async function saveStanding(tx: Statements, before: OrderStanding, change: StandingChange): Promise<void> {
  const after = { ...before, ...change };
  const why = after.withdrawReason ? toJson(after.withdrawReason) : null;
  await tx.affected(SAVE_STANDING, [after.orderId, after.state, after.begun, after.withdrawAcknowledged, why]);
}
