import { canonicalText, sha256Hex } from '@wavegate/fleet';
import type { AuditEntry } from './ports.js';

/** One line of the audit as it is kept: gap-free sequence from 1, hash-chained from the first line. */
export interface AuditRow extends AuditEntry {
  readonly seq: number;
  /** Epoch ms, the store's clock. */
  readonly at: number;
  readonly prevHash: string;
  /** SHA-256 over `prevHash` and the canonical text of seq, at, actor, action, object, detail. 64 hex digits. */
  readonly hash: string;
}

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first line. */
export const AUDIT_GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) };

/** The next lines of the chain. `detail` is reduced to what JSON keeps, so that a read-back line hashes the same. */
export function chainAudit(head: AuditHead, entries: readonly AuditEntry[], at: number): readonly AuditRow[] {
  let { seq, hash } = head;
  return entries.map((entry) => {
    seq += 1;
    const prevHash = hash;
    const detail = JSON.parse(canonicalText(entry.detail)) as AuditEntry['detail'];
    const row = { seq, at, actor: entry.actor, action: entry.action, object: entry.object, detail };
    hash = hashOf(prevHash, row);
    return { ...row, prevHash, hash };
  });
}

export type AuditProof =
  | { readonly kind: 'intact'; readonly rows: number; readonly head: AuditHead }
  | { readonly kind: 'broken'; readonly seq: number; readonly why: string };

/** Verifies a chain as it streams by; feed every row in order, then ask for the proof. */
export class AuditVerifier {
  private head = AUDIT_GENESIS;
  private broken: AuditProof | null = null;

  /** False once the chain is broken: the rest proves nothing. */
  take(row: AuditRow): boolean {
    const why = this.whyBroken(row);
    if (why) this.broken ??= { kind: 'broken', seq: this.head.seq + 1, why };
    this.head = { seq: row.seq, hash: row.hash };
    return this.broken === null;
  }

  /** `expected`: the head kept beside the chain; it shows lines cut off at the end. */
  proof(expected: AuditHead | null): AuditProof {
    if (this.broken) return this.broken;
    if (expected && (expected.seq !== this.head.seq || expected.hash !== this.head.hash)) {
      const why = `the chain ends at ${this.head.seq}, its head says ${expected.seq}`;
      return { kind: 'broken', seq: this.head.seq + 1, why };
    }
    return { kind: 'intact', rows: this.head.seq, head: this.head };
  }

  private whyBroken(row: AuditRow): string | null {
    if (row.seq !== this.head.seq + 1) return `line ${this.head.seq + 1} is missing, ${row.seq} follows`;
    if (row.prevHash !== this.head.hash) return `line ${row.seq} does not follow on line ${this.head.seq}`;
    return hashOf(row.prevHash, row) === row.hash ? null : `line ${row.seq} was changed`;
  }
}

function hashOf(prevHash: string, { seq, at, actor, action, object, detail }: Omit<AuditRow, 'hash' | 'prevHash'>) {
  return sha256Hex(prevHash + canonicalText({ seq, at, actor, action, object, detail }));
}
