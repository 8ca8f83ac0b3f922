import type { AuditEntry, AuditProof, AuditRow } from '@wavegate/runtime/hub';
import { AuditVerifier } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database } from './database.js';
import type { AuditRowRow } from './rows.js';

export interface AuditQuery {
  /** Lines after this sequence number; 0 from the beginning. */
  readonly since: number;
  readonly limit: number;
  readonly rollout?: string;
  readonly cluster?: string;
}

const AFTER = `
  SELECT seq, at, actor, action, object, detail, prev_hash, hash FROM audit
  WHERE seq > $1 ORDER BY seq LIMIT $2`;
const OF_ROLLOUT = `
  SELECT seq, at, actor, action, object, detail, prev_hash, hash FROM audit
  WHERE detail::jsonb ->> 'rollout' = $3 AND seq > $1 ORDER BY seq LIMIT $2`;
const OF_CLUSTER = `
  SELECT seq, at, actor, action, object, detail, prev_hash, hash FROM audit
  WHERE detail::jsonb ->> 'cluster' = $3 AND seq > $1 ORDER BY seq LIMIT $2`;

const BATCH = 1_000;

/** The audit for those who read it, prove it, or did something that has no other transaction (a refusal, a login). */
export class AuditStore {
  constructor(private readonly database: Database) {}

  /** A line of its own. What changes rows writes its line in the same transaction instead. */
  async append(entry: AuditEntry): Promise<void> {
    await this.database.transaction((tx) => appendAudit(tx, [entry]));
  }

  async read({ since, limit, rollout, cluster }: AuditQuery): Promise<readonly AuditRow[]> {
    const key = rollout ?? cluster;
    const sql = rollout !== undefined ? OF_ROLLOUT : cluster !== undefined ? OF_CLUSTER : AFTER;
    const rows = await this.database.rows<AuditRowRow>(sql, key === undefined ? [since, limit] : [since, limit, key]);
    return rows.map(toAuditRow);
  }

  async head(): Promise<{ readonly seq: number; readonly hash: string }> {
    const [row] = await this.database.rows<{ seq: number; hash: string }>('SELECT seq, hash FROM audit_head');
    if (!row) throw new Error('the audit has no head row');
    return row;
  }

  /**
   * Verifies the whole chain in batches, without holding it in memory. The head is read first: lines that are written
   * meanwhile are not looked at, and a cut at the end shows.
   */
  async verify(): Promise<AuditProof> {
    const head = await this.head();
    const verifier = new AuditVerifier();
    for (let since = 0; since < head.seq;) {
      const rows = await this.read({ since, limit: Math.min(BATCH, head.seq - since) });
      const sound = rows.every((row) => row.seq > head.seq || verifier.take(row));
      const last = rows[rows.length - 1];
      if (!sound || !last) break;
      since = last.seq;
    }
    return verifier.proof(head);
  }
}

function toAuditRow({ prev_hash: prevHash, detail, ...row }: AuditRowRow): AuditRow {
  return { ...row, prevHash, detail: JSON.parse(detail) as AuditRow['detail'] };
}
