import type { AuditEntry } from '@wavegate/runtime/hub';
import { chainAudit } from '@wavegate/runtime/hub';
import type { Statements } from './database.js';
import { toJson } from './database.js';
import { canonicalText } from '@wavegate/fleet';

const LOCK_HEAD = `
  SELECT seq, hash, greatest(at, now_ms()) AS at FROM audit_head FOR UPDATE`;

const APPEND = `
  INSERT INTO audit (seq, at, actor, action, object, detail, prev_hash, hash)
  SELECT seq, at, actor, action, object, detail, prev_hash, hash
  FROM jsonb_to_recordset($1::jsonb) AS line (
    seq bigint, at bigint, actor text, action text, object text, detail text, prev_hash text, hash text)`;

const MOVE_HEAD = `UPDATE audit_head SET seq = $1, at = $2, hash = $3`;

/**
 * Appends lines in the caller's transaction. Call it last: from here to the commit every other writer waits for the
 * head row, which is what makes the sequence gap-free and the chain one chain.
 */
export async function appendAudit(tx: Statements, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const [head] = await tx.rows<{ seq: number; hash: string; at: number }>(LOCK_HEAD);
  if (!head) throw new Error('the audit has no head row');
  // Cleaned first: what is hashed must be what the column gives back.
  const lines = chainAudit(head, JSON.parse(toJson(entries)) as AuditEntry[], head.at);
  const rows = lines.map(({ detail, prevHash, ...line }) => ({
    ...line,
    detail: canonicalText(detail),
    prev_hash: prevHash,
  }));
  await tx.affected(APPEND, [JSON.stringify(rows)]);
  const last = lines[lines.length - 1];
  if (last) await tx.affected(MOVE_HEAD, [last.seq, last.at, last.hash]);
}
