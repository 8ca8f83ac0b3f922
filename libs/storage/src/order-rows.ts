import type { Order } from '@wavegate/fleet';
import type { OrderStanding, StandingChange, StoredOrder } from '@wavegate/runtime/hub';
import type { Statements } from './database.js';
import { toJson } from './database.js';
import type { OrderRow } from './rows.js';

/** Columns of an OrderRow; needs `orders o JOIN plans p`. */
export const ORDER_COLUMNS = `
  o.id, o.cluster_id, o.rollout_id, o.kind, o.attempt, o.epoch, o.body, p.canonical, o.start_by, o.state, o.begun,
  o.withdraw_acknowledged, o.withdraw_reason, o.progress, o.findings, o.verdicts, o.outcome,
  o.receipts, o.created_at, o.confirmed_at, o.ended_at`;

/** Columns of a StandingRow; needs `orders o`. Without the texts: an order's rules look at its state alone. */
export const STANDING_COLUMNS = `
  o.id, o.cluster_id, o.rollout_id, o.epoch, o.start_by, o.state, o.begun, o.withdraw_acknowledged, o.withdraw_reason`;

export type StandingRow = Pick<
  OrderRow,
  | 'id'
  | 'cluster_id'
  | 'rollout_id'
  | 'epoch'
  | 'start_by'
  | 'state'
  | 'begun'
  | 'withdraw_acknowledged'
  | 'withdraw_reason'
>;

export function toOrder(row: Pick<OrderRow, 'body' | 'epoch' | 'canonical'>): Order {
  return { ...row.body, epoch: row.epoch, plan: row.canonical };
}

export function toStoredOrder(row: OrderRow): StoredOrder {
  const { state, progress, findings, receipts, outcome } = row;
  return {
    ...{ order: toOrder(row), state, progress, findings, receipts, outcome },
    reason: row.withdraw_reason,
    createdAt: row.created_at,
    confirmedAt: row.confirmed_at,
    endedAt: row.ended_at,
  };
}

export function toStanding(row: StandingRow): OrderStanding {
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
