import type { Reason } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { SessionOpened, SessionOpening, SessionRef, SessionStore } from '@wavegate/runtime/hub';
import type { Database, Statements } from './database.js';
import { toJson } from './database.js';
import { tellRollouts } from './session-signs.js';

const OPENING = `
  SELECT c.uid, c.approved, c.removed_at, k.revoked_at, k.not_after, s.lost_told, now_ms() AS at
  FROM sessions s
  JOIN clusters c ON c.id = s.cluster_id
  JOIN certificates k ON k.cluster_id = c.id AND k.serial = $2
  WHERE s.cluster_id = $1
  FOR UPDATE OF s`;

const OPEN = `
  UPDATE sessions
  SET generation = generation + 1, replica = $2, certificate_serial = $3, opened_at = now_ms(), beat_at = now_ms(),
      closed_at = NULL, lost_told = false
  WHERE cluster_id = $1
  RETURNING generation`;

/**
 * The newest order whose end is known, or the epoch of an approved restore (rung 6; a replaced node takes no journal back in
 * time). What a cluster that was restored still takes for work in hand is not newer.
 */
const SETTLED = `
  SELECT greatest(
    (SELECT epoch FROM orders WHERE cluster_id = $1 AND state = 'done' ORDER BY epoch DESC LIMIT 1),
    (SELECT max(epoch) FROM recoveries WHERE cluster_id = $1 AND state ->> 'rung' = '6'), 0) AS epoch`;

const FACTS = `UPDATE clusters SET facts = $2::jsonb, agent_version = $3 WHERE id = $1`;

/** The rows' lock order is their name's: two replicas that beat the same clusters do not deadlock. */
const BEAT = `
  WITH live AS (
    SELECT s.cluster_id, s.lost_told
    FROM sessions s
    JOIN jsonb_to_recordset($1::jsonb) AS b ("clusterId" text, generation bigint)
      ON b."clusterId" = s.cluster_id AND b.generation = s.generation
    ORDER BY s.cluster_id
    FOR UPDATE OF s)
  UPDATE sessions s SET beat_at = now_ms(), lost_told = false
  FROM live WHERE s.cluster_id = live.cluster_id
  RETURNING s.cluster_id, live.lost_told AS was_lost`;

const CLOSE = `UPDATE sessions SET closed_at = now_ms() WHERE cluster_id = $1 AND generation = $2`;

/** SKIP LOCKED: whoever holds such a row right now is another replica telling the same, or the agent coming back. */
const EXPIRE = `
  WITH silent AS (
    SELECT s.cluster_id
    FROM sessions s JOIN clusters c ON c.id = s.cluster_id
    WHERE NOT s.lost_told AND c.removed_at IS NULL AND s.beat_at <= (SELECT now_ms()) - $1::bigint
    ORDER BY s.cluster_id
    FOR UPDATE OF s SKIP LOCKED)
  UPDATE sessions s SET lost_told = true FROM silent WHERE s.cluster_id = silent.cluster_id
  RETURNING s.cluster_id`;

const REVOKED = `
  SELECT b."clusterId" AS cluster_id
  FROM jsonb_to_recordset($1::jsonb) AS b ("clusterId" text, generation bigint)
  LEFT JOIN clusters c ON c.id = b."clusterId"
  LEFT JOIN sessions s ON s.cluster_id = c.id AND s.generation = b.generation
  LEFT JOIN certificates k ON k.serial = s.certificate_serial
  WHERE c.id IS NULL OR c.removed_at IS NOT NULL OR k.revoked_at IS NOT NULL`;

interface OpeningRow {
  readonly uid: string;
  readonly approved: boolean;
  readonly removed_at: number | null;
  readonly revoked_at: number | null;
  readonly not_after: number;
  readonly lost_told: boolean;
  readonly at: number;
}

/** SessionStore on Postgres. */
export class PostgresSessionStore implements SessionStore {
  constructor(private readonly database: Database) {}

  async open(opening: SessionOpening): Promise<SessionOpened | { readonly refused: Reason }> {
    return this.database.transaction(async (tx) => {
      const { clusterId, certificateSerial, replica, facts, agentVersion } = opening;
      const [row] = await tx.rows<OpeningRow>(OPENING, [clusterId, certificateSerial]);
      if (!row) return { refused: reason('certificate_unknown') };
      const refused = whyRefused(row, opening);
      if (refused) return { refused };
      const [session] = await tx.rows<{ generation: number }>(OPEN, [clusterId, replica, certificateSerial]);
      if (!session) throw new Error(`the session row of ${clusterId} is gone`);
      await tx.affected(FACTS, [clusterId, toJson(facts), agentVersion]);
      if (row.lost_told) await tellRollouts(tx, 'agentReturned', [clusterId]);
      const [settled] = await tx.rows<{ epoch: number }>(SETTLED, [clusterId]);
      return { generation: session.generation, settledEpoch: settled?.epoch ?? 0 };
    });
  }

  async beat(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    if (sessions.length === 0) return [];
    const live = await this.database.transaction((tx) => beatLive(tx, sessions));
    return sessions.filter(({ clusterId }) => !live.has(clusterId));
  }

  async close({ clusterId, generation }: SessionRef): Promise<void> {
    await this.database.affected(CLOSE, [clusterId, generation]);
  }

  async expire(lostAfterMs: number): Promise<number> {
    return this.database.transaction(async (tx) => {
      const silent = await tx.rows<{ cluster_id: string }>(EXPIRE, [Math.round(lostAfterMs)]);
      await tellRollouts(
        tx,
        'agentLost',
        silent.map(({ cluster_id }) => cluster_id),
      );
      return silent.length;
    });
  }

  async revoked(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    if (sessions.length === 0) return [];
    const rows = await this.database.rows<{ cluster_id: string }>(REVOKED, [toJson(sessions)]);
    const named = new Set(rows.map(({ cluster_id }) => cluster_id));
    return sessions.filter(({ clusterId }) => named.has(clusterId));
  }
}

async function beatLive(tx: Statements, sessions: readonly SessionRef[]): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ cluster_id: string; was_lost: boolean }>(BEAT, [toJson(sessions)]);
  const returned = rows.filter(({ was_lost }) => was_lost).map(({ cluster_id }) => cluster_id);
  await tellRollouts(tx, 'agentReturned', returned);
  return new Set(rows.map(({ cluster_id }) => cluster_id));
}

function whyRefused(row: OpeningRow, { clusterUid }: SessionOpening): Reason | null {
  if (row.removed_at !== null || row.revoked_at !== null) return reason('certificate_revoked');
  if (row.not_after <= row.at) return reason('certificate_expired', { expiredAt: row.not_after });
  if (row.uid !== clusterUid) return reason('cluster_uid_mismatch', { expected: row.uid, found: clusterUid });
  return row.approved ? null : reason('cluster_not_approved');
}
