import type { Recovery } from '@wavegate/fleet';
import type { AuditEntry } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database } from './database.js';
import { toJson } from './database.js';

interface RecoveryRow {
  readonly state: Omit<Recovery, 'epoch'>;
  readonly epoch: number | null;
  readonly revision: number;
}

/** A recovery with what a change of it must name. */
export interface StoredRecovery {
  readonly recovery: Recovery;
  readonly revision: number;
}

const COLUMNS = `r.state, r.epoch, r.revision`;
const INSERT = `INSERT INTO recoveries (id, cluster_id, state, created_at) VALUES ($1, $2, $3::jsonb, now_ms())`;
/** Any unique beginning of an id. */
const GET = `SELECT ${COLUMNS} FROM recoveries r WHERE starts_with(r.id, $1) ORDER BY r.id LIMIT 2`;
const LIST = `SELECT ${COLUMNS} FROM recoveries r ORDER BY r.created_at DESC, r.id LIMIT $1`;
const SAVE = `UPDATE recoveries SET state = $3::jsonb, revision = revision + 1 WHERE id = $1 AND revision = $2`;
/** From here on the agent takes only orders that are newer than anything its restored journal can know. */
const RAISE = `UPDATE clusters SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch`;
const APPROVED = `UPDATE recoveries SET epoch = $2 WHERE id = $1`;

/** Recoveries that persons run, with their approvals; every change is in the audit of the same transaction. */
export class RecoveryStore {
  constructor(private readonly database: Database) {}

  async add(recovery: Recovery, audit: AuditEntry): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.affected(INSERT, [recovery.id, recovery.clusterId, toJson(stateOf(recovery))]);
      await appendAudit(tx, [audit]);
    });
  }

  /** By id or a unique beginning of it; null: none, or more than one. */
  async get(id: string): Promise<StoredRecovery | null> {
    const [row, other] = await this.database.rows<RecoveryRow>(GET, [id]);
    return row && !other ? toStored(row) : null;
  }

  /** Newest first. */
  async list(limit: number): Promise<readonly Recovery[]> {
    return (await this.database.rows<RecoveryRow>(LIST, [limit])).map((row) => toStored(row).recovery);
  }

  /**
   * False: somebody else changed it meanwhile. `raise`: it is approved by this change, so the cluster's epoch is raised in
   * the same transaction, and becomes the recovery's.
   */
  async save({ recovery, revision }: StoredRecovery, raise: boolean, audit: readonly AuditEntry[]): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      // Clusters before everything else: the room's one order of locks.
      const [raised] = raise ? await tx.rows<{ epoch: number }>(RAISE, [recovery.clusterId]) : [];
      if ((await tx.affected(SAVE, [recovery.id, revision, toJson(stateOf(recovery))])) === 0) {
        if (raised) throw new RecoveryChanged(recovery.id);
        return false;
      }
      if (raised) await tx.affected(APPROVED, [recovery.id, raised.epoch]);
      await appendAudit(tx, audit);
      return true;
    });
  }
}

/** Thrown to take back what this transaction did: another approval came first. */
export class RecoveryChanged extends Error {
  override readonly name = 'RecoveryChanged';
}

function stateOf({ epoch: _epoch, ...state }: Recovery): RecoveryRow['state'] {
  return state;
}

function toStored({ state, epoch, revision }: RecoveryRow): StoredRecovery {
  return { recovery: { ...state, epoch }, revision };
}
