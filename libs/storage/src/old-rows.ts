import type { Database } from './database.js';
import { IDEMPOTENCY_KEPT_MS } from './idempotency-store.js';

export interface Pruned {
  readonly inboxRows: number;
  readonly idempotencyKeys: number;
  /** A batch was full: there are more. */
  readonly more: boolean;
}

/** Most rows of a kind deleted in one statement: its locks and its part of the log stay small. */
const BATCH = 1_000;
const DAY_MS = 24 * 3_600_000;
/** Long enough to look at what a rollout was told while its end is still talked about; the audit keeps the rest for ever. */
const INBOX_KEPT_MS = 7 * DAY_MS;

/**
 * Rows that were seen, of rollouts that ended, both longer ago than `$1`. A row that was not seen stays whatever its age:
 * it is why its rollout is claimed again. Read from the oldest on and without an index of its own, which each report
 * would have to pay for: this runs once an hour.
 */
const PRUNE_INBOX = `
  DELETE FROM inbox WHERE seq IN (
    SELECT i.seq FROM inbox i JOIN rollouts r ON r.id = i.rollout_id
    WHERE i.done_at <= (SELECT now_ms()) - $1::bigint AND r.finished_at <= (SELECT now_ms()) - $1::bigint
    ORDER BY i.seq LIMIT $2
    FOR UPDATE OF i SKIP LOCKED)`;

/** From this age on `begin` takes a key as a new one anyway: nothing is forgotten that still counts. */
const PRUNE_KEYS = `
  DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE at < (SELECT now_ms()) - $1::bigint
    ORDER BY at LIMIT $2
    FOR UPDATE SKIP LOCKED)`;

/** Counted for others to be compared with: a few hours later they are nobody's present. */
const PRUNE_CONTROLS = `DELETE FROM control_samples WHERE at < (SELECT now_ms()) - $1::bigint`;

/** What nobody will ask for again. Any replica may prune, several at once take different rows. */
export class OldRows {
  constructor(private readonly database: Database) {}

  /** One bounded batch of each kind. */
  async prune(batch = BATCH): Promise<Pruned> {
    const inboxRows = await this.database.affected(PRUNE_INBOX, [INBOX_KEPT_MS, batch]);
    const idempotencyKeys = await this.database.affected(PRUNE_KEYS, [IDEMPOTENCY_KEPT_MS, batch]);
    await this.database.affected(PRUNE_CONTROLS, [DAY_MS]);
    return { inboxRows, idempotencyKeys, more: inboxRows >= batch || idempotencyKeys >= batch };
  }
}
