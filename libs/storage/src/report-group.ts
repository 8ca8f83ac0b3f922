import type { AgentReport, ClusterFacts, JudgedSamples, Reason, Receipt } from '@wavegate/fleet';
import { canonicalText, provenAt, reason } from '@wavegate/fleet';
import type { RolloutEvent } from '@wavegate/rollout';
import type { OrderReport, SessionRef, StoredReport, TakenReport, WithoutAt } from '@wavegate/runtime/hub';
import {
  answerReport,
  MOST_RECEIPTS_PER_ORDER,
  MOST_VERDICTS_PER_ORDER,
  orderIdOf,
  withEvidence,
} from '@wavegate/runtime/hub';
import type { Statements } from './database.js';
import { toJson } from './database.js';
import { STANDING_COLUMNS, toStanding, type StandingRow } from './order-rows.js';
import type { OrderRow } from './rows.js';
import { tellRollouts } from './session-signs.js';
import { auditSeverities, type FindingsSeen } from './severity-lines.js';

/** A report and the stream it came from. */
export interface SessionReport {
  readonly session: SessionRef;
  readonly report: StoredReport;
}

/** A report is a sign of life, but not each one is worth a write. */
const BEAT_WORTH_MS = 10_000;

/**
 * The sessions' locks make the reports of one cluster take turns, and keep a newer stream out until the commit. In the
 * order of their names, as everywhere.
 */
const LOCK_SESSIONS = `
  SELECT s.cluster_id, s.generation, s.lost_told, coalesce(s.beat_at, 0) AS beat_at, c.uid, c.removed_at, now_ms() AS at
  FROM sessions s JOIN clusters c ON c.id = s.cluster_id
  WHERE s.cluster_id = ANY($1::text[])
  ORDER BY s.cluster_id
  FOR UPDATE OF s`;

/** Before the orders' locks, and each row locked by name: a runner that inserts orders locks clusters the same way. */
const SAVE_FACTS = `
  WITH told AS (
    SELECT c.id, f.facts
    FROM jsonb_to_recordset($1::jsonb) AS f ("clusterId" text, facts jsonb) JOIN clusters c ON c.id = f."clusterId"
    ORDER BY c.id
    FOR NO KEY UPDATE OF c)
  UPDATE clusters c SET facts = told.facts FROM told WHERE c.id = told.id`;

/**
 * The newest of a cluster, whatever order took it; receipts may come late, after an agent was away. `restore` counts as
 * a proof that a restore works here, a status check does not; a proof that came later (a drill, a restore) is no backup
 * taken, and counts from when it was proven. In the place of SAVE_FACTS, for the same reason.
 */
const SAVE_BACKUPS = `
  WITH told AS (
    SELECT c.id, jsonb_build_object('orderId', r."orderId", 'receipt', r.receipt) AS last, r.verified,
      r."provenAt" = r."takenAt"
        AND r."takenAt" >= coalesce((c.last_backup -> 'receipt' ->> 'takenAt')::bigint, 0) AS newest,
      r."provenAt" >= coalesce((c.last_restore_proof -> 'receipt' ->> 'provenAt')::bigint,
        (c.last_restore_proof -> 'receipt' ->> 'takenAt')::bigint, 0) AS newest_proof
    FROM jsonb_to_recordset($1::jsonb) AS r (
      "clusterId" text, "orderId" text, receipt jsonb, "takenAt" bigint, "provenAt" bigint, verified text)
    JOIN clusters c ON c.id = r."clusterId"
    WHERE EXISTS (SELECT FROM orders o WHERE o.id = r."orderId" AND o.cluster_id = c.id)
    ORDER BY c.id
    FOR NO KEY UPDATE OF c)
  UPDATE clusters c
  SET last_backup = CASE WHEN told.newest THEN told.last ELSE c.last_backup END,
      last_restore_proof =
        CASE WHEN told.newest_proof AND told.verified = 'restore' THEN told.last ELSE c.last_restore_proof END
  FROM told WHERE c.id = told.id`;

/** Its own statement, after the sessions were locked: only then does it see what another replica committed before. */
const LOCK_ORDERS = `
  SELECT ${STANDING_COLUMNS}, o.findings, o.verdicts, o.receipts
  FROM jsonb_to_recordset($1::jsonb) AS w (id text, "clusterId" text)
  JOIN orders o ON o.id = w.id AND o.cluster_id = w."clusterId"
  ORDER BY o.id
  FOR UPDATE OF o`;

/** All that a group changes, in one round trip. A column of evidence that is not given stays. */
const SAVE = `
  WITH heard AS (
    UPDATE sessions SET beat_at = now_ms(), lost_told = false WHERE cluster_id = ANY($1::text[])),
  saved AS (
    UPDATE orders o
    SET state = w.state, begun = w.begun, withdraw_acknowledged = w."withdrawAcknowledged",
        withdraw_reason = w."withdrawReason",
        confirmed_at = CASE WHEN w.state = 'confirmed' THEN coalesce(o.confirmed_at, now_ms()) ELSE o.confirmed_at END,
        ended_at = CASE WHEN w.state IN ('withdrawn', 'refused', 'done') THEN coalesce(o.ended_at, now_ms()) END,
        progress = coalesce(w.progress, o.progress), findings = coalesce(w.findings, o.findings),
        verdicts = coalesce(w.verdicts, o.verdicts), receipts = coalesce(w.receipts, o.receipts),
        outcome = coalesce(w.outcome, o.outcome)
    FROM jsonb_to_recordset($2::jsonb) AS w (
      "orderId" text, state text, begun boolean, "withdrawAcknowledged" boolean, "withdrawReason" jsonb,
      progress jsonb, findings jsonb, verdicts jsonb, receipts jsonb, outcome jsonb)
    WHERE o.id = w."orderId")
  INSERT INTO inbox (rollout_id, at, event)
  SELECT told ->> 'rolloutId', now_ms(), told -> 'event'
  FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY AS t (told, place)
  ORDER BY place`;

/** The newest judgement of a phase; after a resend the same. The orders' rows are locked. */
const SAVE_SAMPLES = `
  INSERT INTO judged_samples (order_id, phase, at, samples)
  SELECT w."orderId", w.phase, now_ms(), w.samples
  FROM jsonb_to_recordset($1::jsonb) AS w ("orderId" text, phase text, samples jsonb)
  ON CONFLICT (order_id, phase) DO UPDATE SET at = excluded.at, samples = excluded.samples`;

interface SessionLine {
  readonly cluster_id: string;
  readonly generation: number;
  readonly lost_told: boolean;
  readonly beat_at: number;
  readonly uid: string;
  readonly removed_at: number | null;
  readonly at: number;
}

type OrderLine = StandingRow & Pick<OrderRow, 'findings' | 'verdicts' | 'receipts'>;

/** A report of the authoritative session, and the database's time. */
interface Live {
  readonly one: SessionReport;
  readonly at: number;
}

interface ToldBackup {
  readonly clusterId: string;
  readonly orderId: string;
  readonly receipt: Receipt;
  readonly takenAt: number;
  readonly provenAt: number;
  readonly verified: string;
}

function toldBackup(clusterId: string, told: Extract<AgentReport, { kind: 'receipt' }>): ToldBackup {
  const { orderId, receipt } = told;
  const at = { takenAt: Math.trunc(receipt.takenAt), provenAt: Math.trunc(provenAt(receipt)) };
  return { clusterId, orderId, receipt, ...at, verified: receipt.verified };
}

/** What the reports of one transaction change and are answered, collected before anything is written. */
class Group {
  readonly answers = new Map<SessionReport, TakenReport>();
  readonly live: Live[] = [];
  readonly heard: string[] = [];
  readonly returned: string[] = [];
  readonly facts: { readonly clusterId: string; readonly facts: ClusterFacts }[] = [];
  readonly backups: ToldBackup[] = [];
  readonly findings: FindingsSeen[] = [];
  readonly orders: object[] = [];
  readonly samples: { readonly orderId: string; readonly phase: string; readonly samples: JudgedSamples }[] = [];
  readonly events: { readonly rolloutId: string; readonly event: WithoutAt<RolloutEvent> }[] = [];

  admit(one: SessionReport, line: SessionLine | undefined): void {
    const why = whyFenced(one, line);
    if (why || !line) {
      this.answers.set(one, { kind: 'fenced', reason: why ?? reason('newer_generation', { generation: 0 }) });
      return;
    }
    this.live.push({ one, at: line.at });
    this.hear(line);
    if (one.report.kind === 'receipt') this.backups.push(toldBackup(line.cluster_id, one.report));
    if (one.report.kind !== 'facts') return;
    this.facts.push({ clusterId: line.cluster_id, facts: one.report.facts });
    this.answers.set(one, { kind: 'taken', commands: [] });
  }

  private hear(line: SessionLine): void {
    if (!line.lost_told && line.at - line.beat_at < BEAT_WORTH_MS) return;
    this.heard.push(line.cluster_id);
    if (line.lost_told) this.returned.push(line.cluster_id);
  }
}

/**
 * Takes reports of different clusters in the caller's transaction. `wait: false` answers null for a report whose
 * session row somebody else holds just now (or that has none): one slow lock must not hold up the others.
 */
export async function takeReports(
  tx: Statements,
  reports: readonly SessionReport[],
  wait: boolean,
): Promise<readonly (TakenReport | null)[]> {
  const sql = wait ? LOCK_SESSIONS : `${LOCK_SESSIONS} SKIP LOCKED`;
  const lines = await tx.rows<SessionLine>(sql, [reports.map(({ session }) => session.clusterId)]);
  const lineOf = new Map(lines.map((line) => [line.cluster_id, line]));
  const group = new Group();
  for (const one of reports) {
    const line = lineOf.get(one.session.clusterId);
    if (line || wait) group.admit(one, line);
  }
  if (group.facts.length > 0) await tx.affected(SAVE_FACTS, [toJson(group.facts)]);
  if (group.backups.length > 0) await tx.affected(SAVE_BACKUPS, [toJson(group.backups)]);
  await answerOrders(tx, group);
  await tellRollouts(tx, 'agentReturned', group.returned);
  const { heard, orders, events } = group;
  if (heard.length + orders.length + events.length > 0) {
    await tx.affected(SAVE, [heard, toJson(orders), toJson(events)]);
  }
  if (group.samples.length > 0) await tx.affected(SAVE_SAMPLES, [toJson(group.samples)]);
  await auditSeverities(tx, group.findings);
  return reports.map((one) => group.answers.get(one) ?? null);
}

function whyFenced({ session, report }: SessionReport, line: SessionLine | undefined): Reason | null {
  if (!line || line.removed_at !== null || line.generation !== session.generation) {
    return reason('newer_generation', { generation: line?.generation ?? 0 });
  }
  if (report.kind !== 'facts' || report.facts.uid === line.uid) return null;
  return reason('cluster_uid_mismatch', { expected: line.uid, found: report.facts.uid });
}

async function answerOrders(tx: Statements, group: Group): Promise<void> {
  const about = group.live.flatMap(({ one, at }) => {
    const { report, session } = one;
    return report.kind === 'facts' ? [] : [{ one, report, at, id: orderIdOf(report), clusterId: session.clusterId }];
  });
  if (about.length === 0) return;
  const wanted = about.map(({ id, clusterId }) => ({ id, clusterId }));
  const lines = await tx.rows<OrderLine>(LOCK_ORDERS, [toJson(wanted)]);
  const lineOf = new Map(lines.map((line) => [line.id, line]));
  for (const { one, report, at, id, clusterId } of about) {
    const line = lineOf.get(id);
    // Another cluster's order, named by an agent that should not know it, is an unknown one.
    const own = line?.cluster_id === clusterId ? line : null;
    group.answers.set(one, own ? answerKnown(group, own, report, at) : answerUnknown(report, at));
  }
}

function answerUnknown(report: OrderReport, at: number): TakenReport {
  return { kind: 'duplicate', commands: answerReport(null, report, at).commands };
}

function answerKnown(group: Group, line: OrderLine, report: OrderReport, at: number): TakenReport {
  if (report.kind === 'verdict' && report.samples) {
    group.samples.push({ orderId: line.id, phase: report.phase, samples: report.samples });
  }
  const taken = takeKnown(group, line, report, at);
  if (report.kind === 'findings' && taken.kind === 'taken') {
    group.findings.push({ orderId: line.id, before: line.findings, findings: report.findings, at });
  }
  return taken;
}

function takeKnown(group: Group, line: OrderLine, report: OrderReport, at: number): TakenReport {
  const standing = toStanding(line);
  const { kind, change, event, commands } = answerReport(standing, report, at);
  if (kind === 'duplicate') return { kind, commands };
  const evidence = newEvidence(line, report);
  const after = { ...standing, ...change };
  const told = evidence !== null && Object.keys(evidence).length > 0;
  if (told || differs(standing, after)) group.orders.push({ ...after, ...evidence });
  if (event && line.rollout_id !== null)
    group.events.push({ rolloutId: line.rollout_id, event: withEvidence(event, line.verdicts) });
  return { kind: evidence ? 'taken' : 'duplicate', commands };
}

function differs<T extends object>(before: T, after: T): boolean {
  return Object.entries(after).some(([key, value]) => before[key as keyof T] !== value);
}

/** The columns to write; null: it is there already. Compared as canonical text, since jsonb keeps no order of keys. */
function newEvidence(line: OrderLine, report: OrderReport): object | null {
  switch (report.kind) {
    case 'progress':
      return { progress: report.progress };
    case 'outcome':
      return { outcome: report.outcome };
    case 'findings':
      return canonicalText(line.findings) === canonicalText(report.findings) ? null : { findings: report.findings };
    case 'receipt': {
      const text = canonicalText(report.receipt);
      if (line.receipts.some((known) => canonicalText(known) === text)) return null;
      return { receipts: [...line.receipts, report.receipt].slice(-MOST_RECEIPTS_PER_ORDER) };
    }
    case 'verdict': {
      const { phase, verdict } = report;
      const text = canonicalText({ phase, verdict });
      if (line.verdicts.some((known) => canonicalText(known) === text)) return null;
      return { verdicts: [...line.verdicts, { phase, verdict }].slice(-MOST_VERDICTS_PER_ORDER) };
    }
    default:
      return {};
  }
}
