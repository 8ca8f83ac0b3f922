import type { Database } from './database.js';
import { toJson } from './database.js';

/** What to do with a request that carries an Idempotency-Key. */
export type IdempotencyAnswer =
  | { readonly kind: 'begin' }
  /** Done before: give this answer again. */
  | { readonly kind: 'repeat'; readonly response: unknown }
  /** Another request with this key is still being worked on (409). */
  | { readonly kind: 'inFlight' }
  /** The key was used for another request (422). */
  | { readonly kind: 'otherRequest' };

const BEGIN = `
  INSERT INTO idempotency_keys (key, request_hash, at) VALUES ($1, $2, now_ms())
  ON CONFLICT (key) DO UPDATE SET request_hash = $2, at = now_ms(), response = NULL
    WHERE idempotency_keys.at < now_ms() - $3::bigint
       OR (idempotency_keys.response IS NULL AND idempotency_keys.at < now_ms() - $4::bigint)
  RETURNING key`;

/** A request is sent again within minutes; a day is for the pipeline that is restarted the next morning. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;
/** A hub that died in the middle of a request answers no more: after so long its key may be tried again. */
const IN_FLIGHT_MS = 60_000;

/** Requests that are sent again must not take effect again; kept for a day. */
export class IdempotencyStore {
  constructor(private readonly database: Database) {}

  async begin(key: string, requestHash: string): Promise<IdempotencyAnswer> {
    const fresh = await this.database.rows(BEGIN, [key, requestHash, IDEMPOTENCY_KEPT_MS, IN_FLIGHT_MS]);
    if (fresh.length > 0) return { kind: 'begin' };
    const read = 'SELECT request_hash, response FROM idempotency_keys WHERE key = $1';
    const [row] = await this.database.rows<{ request_hash: string; response: unknown }>(read, [key]);
    if (!row || row.request_hash !== requestHash) return { kind: row ? 'otherRequest' : 'inFlight' };
    return row.response === null ? { kind: 'inFlight' } : { kind: 'repeat', response: row.response };
  }

  async finish(key: string, response: unknown): Promise<void> {
    await this.database.affected('UPDATE idempotency_keys SET response = $2::jsonb WHERE key = $1', [
      key,
      toJson(response),
    ]);
  }

  /** The request failed without effect: its key may be used again. */
  async forget(key: string): Promise<void> {
    await this.database.affected('DELETE FROM idempotency_keys WHERE key = $1 AND response IS NULL', [key]);
  }
}
