import type { AgentReport } from '@wavegate/fleet';
import { canonicalText, reason } from '@wavegate/fleet';
import type { OrderReport, OrderStore, Outgoing, SessionRef, StoredOrder, TakenReport } from '@wavegate/runtime/hub';
import { answerReport, commandFor, MOST_VERDICTS_PER_ORDER, orderIdOf } from '@wavegate/runtime/hub';
import type { Database, Statements } from './database.js';
import { toJson } from './database.js';
import { ORDER_COLUMNS, saveStanding, toOrder, toStanding } from './order-rows.js';
import { appendInbox } from './postgres-rollout-store.js';
import type { OrderRow } from './rows.js';
import { tellRollouts } from './session-signs.js';

/** Only the authoritative session of a cluster is told anything. */
const OUTGOING = `
  SELECT ${ORDER_COLUMNS}, s.generation, o.sent_at, now_ms() AS at
  FROM jsonb_to_recordset($1::jsonb) AS b ("clusterId" text, generation bigint)
  JOIN sessions s ON s.cluster_id = b."clusterId" AND s.generation = b.generation
  JOIN clusters c ON c.id = s.cluster_id AND c.removed_at IS NULL
  JOIN orders o ON o.cluster_id = s.cluster_id AND o.state IN ('open', 'confirmed', 'withdrawing')
  JOIN plans p ON p.digest = o.plan_digest
  ORDER BY o.cluster_id, o.epoch`;

const SENT = `UPDATE orders SET sent_at = now_ms() WHERE id = ANY($1::text[]) AND sent_at IS NULL`;

/** The session's lock makes the reports of one cluster take turns, and keeps a newer stream out until the commit. */
const SESSION = `
  SELECT s.generation, s.lost_told, coalesce(s.beat_at, 0) AS beat_at, c.uid, c.removed_at, now_ms() AS at
  FROM sessions s JOIN clusters c ON c.id = s.cluster_id
  WHERE s.cluster_id = $1
  FOR UPDATE OF s`;

const HEARD = `UPDATE sessions SET beat_at = now_ms(), lost_told = false WHERE cluster_id = $1`;
const FACTS = `UPDATE clusters SET facts = $2::jsonb WHERE id = $1`;

const ORDER = `
  SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.id = $1 AND o.cluster_id = $2
  FOR UPDATE OF o`;

const OF_CLUSTER = `
  SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.cluster_id = $1 ORDER BY o.epoch DESC LIMIT $2`;

/** A report is a sign of life, but not each one is worth a write. */
const BEAT_WORTH_MS = 10_000;

interface TakingRow {
  readonly generation: number;
  readonly lost_told: boolean;
  readonly beat_at: number;
  readonly uid: string;
  readonly removed_at: number | null;
  readonly at: number;
}

/** OrderStore on Postgres. The rules of an order's life are `answerReport` and `commandFor`; here are rows and locks. */
export class PostgresOrderStore implements OrderStore {
  constructor(private readonly database: Database) {}

  async outgoing(sessions: readonly SessionRef[]): Promise<readonly Outgoing[]> {
    if (sessions.length === 0) return [];
    type Row = OrderRow & { generation: number; sent_at: number | null; at: number };
    const rows = await this.database.rows<Row>(OUTGOING, [toJson(sessions)]);
    const found = rows.flatMap((row) => {
      const command = commandFor(toStanding(row), toOrder(row), row.at);
      return command ? [{ row, session: { clusterId: row.cluster_id, generation: row.generation }, command }] : [];
    });
    const unsent = found.filter(({ row }) => row.sent_at === null).map(({ row }) => row.id);
    if (unsent.length > 0) await this.database.affected(SENT, [unsent]);
    return found.map(({ session, command }) => ({ session, command }));
  }

  async take(session: SessionRef, report: AgentReport): Promise<TakenReport> {
    return this.database.transaction(async (tx) => {
      const [row] = await tx.rows<TakingRow>(SESSION, [session.clusterId]);
      if (!row || row.removed_at !== null || row.generation !== session.generation) {
        return { kind: 'fenced', reason: reason('newer_generation', { generation: row?.generation ?? 0 }) };
      }
      if (report.kind === 'facts' && report.facts.uid !== row.uid) {
        const uids = { expected: row.uid, found: report.facts.uid };
        return { kind: 'fenced', reason: reason('cluster_uid_mismatch', uids) };
      }
      await hear(tx, session.clusterId, row);
      if (report.kind !== 'facts') return takeOrderReport(tx, session.clusterId, report, row.at);
      await tx.affected(FACTS, [session.clusterId, toJson(report.facts)]);
      return { kind: 'taken', commands: [] };
    });
  }

  async ofCluster(clusterId: string, limit: number): Promise<readonly StoredOrder[]> {
    const rows = await this.database.rows<OrderRow>(OF_CLUSTER, [clusterId, limit]);
    return rows.map((row) => {
      const { state, progress, findings, outcome } = row;
      return { order: toOrder(row), state, progress, findings, outcome };
    });
  }
}

async function hear(tx: Statements, clusterId: string, row: TakingRow): Promise<void> {
  if (!row.lost_told && row.at - row.beat_at < BEAT_WORTH_MS) return;
  await tx.affected(HEARD, [clusterId]);
  if (row.lost_told) await tellRollouts(tx, 'agentReturned', [clusterId]);
}

async function takeOrderReport(
  tx: Statements,
  clusterId: string,
  report: OrderReport,
  at: number,
): Promise<TakenReport> {
  const [row] = await tx.rows<OrderRow>(ORDER, [orderIdOf(report), clusterId]);
  const standing = row ? toStanding(row) : null;
  const { kind, change, event, commands } = answerReport(standing, report, at);
  if (!row || !standing || kind === 'duplicate') return { kind: 'duplicate', commands };
  const fresh = await keepEvidence(tx, row, report);
  if (change && changes(standing, change)) await saveStanding(tx, standing, change);
  if (event && row.rollout_id !== null) await appendInbox(tx, row.rollout_id, [event]);
  return { kind: fresh ? 'taken' : 'duplicate', commands };
}

function changes<T extends object>(before: T, change: Partial<T>): boolean {
  return Object.entries(change).some(([key, value]) => before[key as keyof T] !== value);
}

/** False: it is there already. Compared as canonical text, since jsonb does not keep the order of keys. */
async function keepEvidence(tx: Statements, row: OrderRow, report: OrderReport): Promise<boolean> {
  const set = (column: string, value: unknown) =>
    tx.affected(`UPDATE orders SET ${column} = $2::jsonb WHERE id = $1`, [row.id, toJson(value)]);
  if (report.kind === 'progress') await set('progress', report.progress);
  if (report.kind === 'outcome') await set('outcome', report.outcome);
  if (report.kind === 'findings') {
    if (canonicalText(row.findings) === canonicalText(report.findings)) return false;
    await set('findings', report.findings);
  }
  if (report.kind === 'verdict') {
    const { phase, verdict } = report;
    const text = canonicalText({ phase, verdict });
    if (row.verdicts.some((known) => canonicalText(known) === text)) return false;
    await set('verdicts', [...row.verdicts, { phase, verdict }].slice(-MOST_VERDICTS_PER_ORDER));
  }
  return true;
}
