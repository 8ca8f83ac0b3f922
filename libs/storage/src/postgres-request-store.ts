import type { Reason } from '@wavegate/fleet';
import type {
  AuditEntry,
  RequestAnswer,
  RequestedOrder,
  RequestStore,
  StoredOrder,
  WithdrawAnswer,
} from '@wavegate/runtime/hub';
import { OVERDUE_GRACE_MS, withdraw } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database, Statements } from './database.js';
import { toJson } from './database.js';
import { ORDER_COLUMNS, saveStanding, toStanding, toStoredOrder } from './order-rows.js';
import { INSERT_ORDERS } from './rollout-sql.js';
import type { OrderRow } from './rows.js';

/** Requests for one cluster take turns here, with each other and with a rollout that inserts an order for it. */
const LOCK_CLUSTER = `SELECT id FROM clusters WHERE id = $1 AND removed_at IS NULL FOR NO KEY UPDATE`;

const ONE = `SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest WHERE o.id = $1`;

/** An open order that nobody took in time is as good as withdrawn; one whose agent is overdue holds up nobody for ever. */
const IN_THE_WAY = `
  SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.cluster_id = $1 AND o.state IN ('open', 'confirmed', 'withdrawing')
    AND now_ms() < CASE WHEN o.state = 'open' THEN o.start_by ELSE (o.body ->> 'deadline')::bigint END
  ORDER BY o.epoch LIMIT 1`;

/** In nobody's list: it was made, or shown, for this order. One that a person stored stays listed. */
const INSERT_PLAN = `
  INSERT INTO plans (digest, name, canonical, created_by, created_at, listed)
  VALUES ($1, $2, $3, $4, now_ms(), false)
  ON CONFLICT (digest) DO NOTHING`;

const EXPIRE = `
  UPDATE orders SET state = 'withdrawn', ended_at = now_ms(),
    withdraw_reason = jsonb_build_object('code', 'order_expired', 'params', jsonb_build_object('startBy', start_by))
  WHERE rollout_id IS NULL AND state = 'open' AND start_by <= now_ms()`;

/** Begun, its deadline long over, and no end was ever told: why, as far as the hub can know. */
const END_OVERDUE = `
  UPDATE orders o SET state = 'withdrawn', ended_at = now_ms(),
    withdraw_reason = (
      SELECT CASE WHEN s.lost_told
        THEN jsonb_build_object('code', 'agent_lost', 'params',
          jsonb_build_object('since', coalesce(s.beat_at, o.confirmed_at, o.created_at)))
        ELSE jsonb_build_object('code', 'deadline_passed', 'params',
          jsonb_build_object('deadline', (o.body ->> 'deadline')::bigint)) END
      FROM sessions s WHERE s.cluster_id = o.cluster_id)
  WHERE rollout_id IS NULL AND state IN ('confirmed', 'withdrawing')
    AND (body ->> 'deadline')::bigint + $1 <= now_ms()`;

/** RequestStore on Postgres. Locks in the room's one order: cluster, orders, audit. */
export class PostgresRequestStore implements RequestStore {
  constructor(private readonly database: Database) {}

  async request(order: RequestedOrder, audit: AuditEntry): Promise<RequestAnswer> {
    return this.database.transaction(async (tx) => {
      const [cluster] = await tx.rows(LOCK_CLUSTER, [order.clusterId]);
      if (!cluster) return { kind: 'noCluster' };
      const known = await one(tx, order.id);
      if (known) return { kind: 'known', order: known };
      const [busy] = await tx.rows<OrderRow>(IN_THE_WAY, [order.clusterId]);
      if (busy) return { kind: 'busy', by: toStoredOrder(busy) };
      await insert(tx, order, audit.actor);
      const inserted = await one(tx, order.id);
      if (!inserted) throw new Error(`order ${order.id} was not inserted`);
      await appendAudit(tx, [audit]);
      return { kind: 'inserted', order: inserted };
    });
  }

  async withdrawRequest(orderId: string, why: Reason, audit: AuditEntry): Promise<WithdrawAnswer> {
    return this.database.transaction(async (tx) => {
      const [row] = await tx.rows<OrderRow>(`${ONE} FOR UPDATE OF o`, [orderId]);
      if (!row) return { kind: 'unknown' };
      if (row.rollout_id !== null) return { kind: 'ofRollout', rolloutId: row.rollout_id };
      const answer = withdraw(toStanding(row), why);
      if (!answer?.change) return { kind: 'tooLate', order: toStoredOrder(row) };
      await saveStanding(tx, toStanding(row), answer.change);
      await appendAudit(tx, [audit]);
      const after = await one(tx, orderId);
      return { kind: 'withdrawn', order: after ?? toStoredOrder(row) };
    });
  }

  async expireRequests(): Promise<number> {
    const untaken = await this.database.affected(EXPIRE);
    return untaken + (await this.database.affected(END_OVERDUE, [OVERDUE_GRACE_MS]));
  }
}

async function one(tx: Statements, orderId: string): Promise<StoredOrder | null> {
  const [row] = await tx.rows<OrderRow>(ONE, [orderId]);
  return row ? toStoredOrder(row) : null;
}

async function insert(tx: Statements, order: RequestedOrder, by: string): Promise<void> {
  const { plan, ...body } = order;
  const { metadata } = JSON.parse(plan) as { metadata: { name: string } };
  await tx.affected(INSERT_PLAN, [order.planDigest, metadata.name, plan, by]);
  const row = {
    ...{ id: order.id, cluster_id: order.clusterId, rollout_id: null, kind: order.kind, attempt: order.attempt },
    ...{ plan_digest: order.planDigest, start_by: order.startBy, body },
  };
  await tx.affected(INSERT_ORDERS, [toJson([row])]);
}
