import { ORDER_SCHEMA } from '@wavegate/fleet';
import type { Rollout, RolloutAction, RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { AuditEntry, InboxRow, RolloutClaim, RolloutCommit, RolloutStore, WithoutAt } from '@wavegate/runtime/hub';
import { RolloutExists, RolloutUnknown, withdraw } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database, Statements } from './database.js';
import { toJson } from './database.js';
import { saveStanding, STANDING_COLUMNS, toStanding, type StandingRow } from './order-rows.js';
import * as sql from './rollout-sql.js';
import type { InboxRowRow, RolloutClusterRow, RolloutRow } from './rows.js';

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;
type WithdrawOrder = Extract<RolloutAction, { kind: 'withdrawOrder' }>;

/**
 * RolloutStore on Postgres. Locks are taken in one order in this room, so that transactions wait and do not deadlock:
 * rollout, then sessions, clusters, orders, and the audit's head last.
 */
export class PostgresRolloutStore implements RolloutStore {
  constructor(private readonly database: Database) {}

  async now(): Promise<number> {
    const [row] = await this.database.rows<{ at: number }>('SELECT now_ms() AS at');
    if (!row) throw new Error('the database does not tell the time');
    return row.at;
  }

  async claim(replica: string, leaseMs: number): Promise<RolloutClaim | null> {
    const [row] = await this.database.rows<{
      id: string;
      lease_epoch: number;
      revision: number;
      lease_until: number;
      at: number;
    }>(sql.CLAIM, [replica, leaseMs]);
    if (!row) return null;
    const { id: rolloutId, lease_epoch: leaseEpoch, lease_until: leaseUntil, revision, at } = row;
    return { rolloutId, leaseEpoch, revision, leaseUntil, at };
  }

  async load(rolloutId: string): Promise<Rollout> {
    const [row] = await this.database.rows<RolloutRow>(sql.LOAD_HEAD, [rolloutId]);
    if (!row) throw new RolloutUnknown(`no rollout ${rolloutId}`);
    const rows = await this.database.rows<RolloutClusterRow>(sql.LOAD_CLUSTERS, [rolloutId]);
    return { head: toHead(row), clusters: new Map(rows.map(({ cluster_id, state }) => [cluster_id, state])) };
  }

  async inbox(rolloutId: string, limit: number): Promise<readonly InboxRow[]> {
    return this.database.rows<InboxRowRow>(sql.INBOX, [rolloutId, limit]);
  }

  async commit(commit: RolloutCommit): Promise<'committed' | 'fenced'> {
    const { claim, head, clusters, actions, audit, inboxDone } = commit;
    return this.database.transaction(async (tx) => {
      const { rolloutId, revision, leaseEpoch } = claim;
      const saved = await tx.affected(sql.SAVE_HEAD, [rolloutId, revision, leaseEpoch, ...headColumns(head)]);
      if (saved === 0) return 'fenced';
      await saveClusters(tx, rolloutId, clusters);
      await insertOrders(
        tx,
        head,
        actions.filter((action) => action.kind === 'sendOrder'),
      );
      await withdrawOrders(
        tx,
        rolloutId,
        actions.filter((action) => action.kind === 'withdrawOrder'),
      );
      if (inboxDone.length > 0) await tx.affected(sql.INBOX_DONE, [rolloutId, [...inboxDone]]);
      await appendAudit(tx, audit);
      return 'committed';
    });
  }

  async create(rollout: Rollout, audit: AuditEntry): Promise<void> {
    const { head } = rollout;
    await this.database.transaction(async (tx) => {
      await tx.affected(sql.INSERT_PLAN, [head.planDigest, head.name, head.plan, head.startedBy]);
      const columns = headColumns(head);
      const inserted = await tx.affected(sql.INSERT_ROLLOUT, [head.id, head.name, head.planDigest, ...columns]);
      if (inserted === 0) throw new RolloutExists(`rollout ${head.id} is there already`);
      await tx.affected(sql.INSERT_CLUSTERS, [head.id, toJson([...rollout.clusters.values()])]);
      await appendInbox(tx, head.id, [{ kind: 'started' }, ...(await comingsAndGoings(tx, rollout))]);
      await appendAudit(tx, [about(head.id, audit)]);
    });
  }

  async appendCommand(rolloutId: string, event: WithoutAt<RolloutEvent>, audit: AuditEntry): Promise<void> {
    await this.database.transaction(async (tx) => {
      const known = await tx.rows('SELECT FROM rollouts WHERE id = $1', [rolloutId]);
      if (known.length === 0) throw new RolloutUnknown(`no rollout ${rolloutId}`);
      await appendInbox(tx, rolloutId, [event]);
      await appendAudit(tx, [about(rolloutId, audit)]);
    });
  }
}

/** One statement for any number of rows. */
export async function appendInbox(
  tx: Statements,
  rolloutId: string,
  events: readonly WithoutAt<RolloutEvent>[],
): Promise<void> {
  if (events.length > 0) await tx.affected(sql.APPEND_INBOX, [rolloutId, toJson(events)]);
}

export function toHead({ head, canonical }: RolloutRow): RolloutHead {
  return { ...head, plan: canonical };
}

function headColumns(head: RolloutHead): readonly unknown[] {
  const { plan: _plan, ...rest } = head;
  return [toJson(rest), head.state, head.wakeAt, head.finishedAt];
}

/** Readers find a rollout's lines by this key. */
function about(rolloutId: string, audit: AuditEntry): AuditEntry {
  return { ...audit, detail: { ...audit.detail, rollout: rolloutId } };
}

async function saveClusters(tx: Statements, rolloutId: string, clusters: readonly RolloutCluster[]): Promise<void> {
  if (clusters.length === 0) return;
  const saved = await tx.affected(sql.SAVE_CLUSTERS, [rolloutId, toJson(clusters)]);
  // The list is frozen at the start: a row that is not there is a fault of the caller, not a new cluster.
  if (saved !== clusters.length) throw new Error(`${saved} of ${clusters.length} clusters of ${rolloutId} are known`);
}

async function insertOrders(tx: Statements, head: RolloutHead, orders: readonly SendOrder[]): Promise<void> {
  if (orders.length === 0) return;
  await tx.rows(sql.LOCK_CLUSTERS, [[...new Set(orders.map(({ clusterId }) => clusterId))]]);
  for (const round of roundsByCluster(orders)) {
    await tx.affected(sql.INSERT_ORDERS, [toJson(round.map((order) => orderColumns(head, order)))]);
  }
}

/** A batch of events may send a cluster two orders; each needs an epoch of its own, so they go in different rounds. */
function roundsByCluster(orders: readonly SendOrder[]): readonly (readonly SendOrder[])[] {
  const rounds: SendOrder[][] = [];
  const used = new Map<string, number>();
  for (const order of orders) {
    const round = used.get(order.clusterId) ?? 0;
    used.set(order.clusterId, round + 1);
    (rounds[round] ??= []).push(order);
  }
  return rounds;
}

function orderColumns(head: RolloutHead, action: SendOrder) {
  const { kind: _kind, orderId: id, orderKind: kind, ...inputs } = action;
  const parent = { kind: 'rollout', id: head.id };
  return {
    id,
    cluster_id: action.clusterId,
    rollout_id: head.id,
    kind,
    attempt: action.attempt,
    plan_digest: head.planDigest,
    start_by: action.startBy,
    body: { schema: ORDER_SCHEMA, id, kind, parent, planDigest: head.planDigest, ...inputs },
  };
}

const LOCK_ORDERS = `
  SELECT ${STANDING_COLUMNS} FROM orders o WHERE o.id = ANY($1::text[]) ORDER BY o.id FOR UPDATE`;

async function withdrawOrders(tx: Statements, rolloutId: string, actions: readonly WithdrawOrder[]): Promise<void> {
  if (actions.length === 0) return;
  const reasons = new Map(actions.map(({ orderId, reason }) => [orderId, reason]));
  const events: WithoutAt<RolloutEvent>[] = [];
  for (const row of await tx.rows<StandingRow>(LOCK_ORDERS, [[...reasons.keys()]])) {
    const why = reasons.get(row.id);
    const answer = why ? withdraw(toStanding(row), why) : null;
    if (answer?.change) await saveStanding(tx, toStanding(row), answer.change);
    if (answer?.event) events.push(answer.event);
  }
  await appendInbox(tx, rolloutId, events);
}

/** Between planning and now an agent may have come or gone, and nobody could tell a rollout that was not there. */
async function comingsAndGoings(tx: Statements, { clusters }: Rollout): Promise<readonly WithoutAt<RolloutEvent>[]> {
  const rows = await tx.rows<{ cluster_id: string; lost_told: boolean }>(sql.LOCK_SESSIONS, [[...clusters.keys()]]);
  return rows.flatMap(({ cluster_id: clusterId, lost_told: lost }) => {
    const believedLost = clusters.get(clusterId)?.offlineSince !== null;
    return lost === believedLost ? [] : [{ kind: lost ? 'agentLost' : 'agentReturned', clusterId } as const];
  });
}
