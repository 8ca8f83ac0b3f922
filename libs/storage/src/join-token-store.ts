import type { Labels, Reason } from '@wavegate/fleet';
import { digestOf, reason } from '@wavegate/fleet';
import { appendAudit } from './audit-log.js';
import { insertCluster } from './cluster-store.js';
import type { Database, Statements } from './database.js';
import { isUniqueViolation, toJson } from './database.js';
import { mintToken, sameHash, splitToken } from './secret-token.js';

export const LONGEST_JOIN_MS = 60 * 60_000;

export interface JoinTokenRequest {
  readonly clusterName: string;
  readonly labels: Labels;
  /** The cluster needs no approval by a person after it enrolled. */
  readonly approve: boolean;
  /** At most an hour. */
  readonly ttlMs: number;
  readonly by: string;
}

export interface JoinToken {
  readonly id: string;
  readonly clusterName: string;
  readonly labels: Labels;
  readonly approve: boolean;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
}

export interface Redemption {
  readonly token: string;
  /** UID of the kube-system namespace. */
  readonly clusterUid: string;
  /** Of the CSR's key. The same key may ask again: its first answer may have been lost on the way. */
  readonly publicKeySha256?: string;
}

export type Redeemed =
  | { readonly clusterId: string; readonly clusterName: string; readonly approved: boolean }
  | { readonly refused: Reason };

interface JoinTokenRow {
  readonly id: string;
  readonly secret_sha256: string;
  readonly cluster_name: string;
  readonly labels: Labels;
  readonly approve: boolean;
  readonly created_by: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly used_at: number | null;
  readonly used_key_sha256: string | null;
  readonly cluster_id: string | null;
  readonly at: number;
}

const INSERT = `
  INSERT INTO join_tokens (id, secret_sha256, cluster_name, labels, approve, created_by, created_at, expires_at)
  VALUES ($1, $2, $3, $4::jsonb, $5, $6, now_ms(), now_ms() + $7::bigint) RETURNING expires_at`;
/** The lock makes two redeemers take turns: the second finds it used. */
const LOCK = `SELECT *, now_ms() AS at FROM join_tokens WHERE id = $1 FOR UPDATE`;
const USE = `UPDATE join_tokens SET used_at = now_ms(), used_key_sha256 = $2, cluster_id = $3 WHERE id = $1`;
const TAKEN = `SELECT id, name, uid FROM clusters WHERE removed_at IS NULL AND (name = $1 OR uid = $2)`;
const LIST = `SELECT *, now_ms() AS at FROM join_tokens ORDER BY created_at DESC LIMIT $1`;

/** Join tokens: one use, one cluster name, at most an hour, kept as a hash. */
export class JoinTokenStore {
  constructor(private readonly database: Database) {}

  /** The token's text is told once, here. Throws RangeError for a life that is not within (0, one hour]. */
  async create(request: JoinTokenRequest): Promise<{ id: string; token: string; expiresAt: number }> {
    const { clusterName, labels, approve, ttlMs, by } = request;
    if (!(ttlMs > 0 && ttlMs <= LONGEST_JOIN_MS))
      throw new RangeError(`a join token lives at most an hour, not ${ttlMs} ms`);
    const { id, text, secretSha256 } = mintToken();
    return this.database.transaction(async (tx) => {
      const params = [id, secretSha256, clusterName, toJson(labels), approve, by, Math.round(ttlMs)];
      const [row] = await tx.rows<{ expires_at: number }>(INSERT, params);
      const detail = { clusterName, labels, approve, expiresAt: row?.expires_at };
      await appendAudit(tx, [{ actor: by, action: 'joinToken.created', object: `token/${id}`, detail }]);
      return { id, token: text, expiresAt: row?.expires_at ?? 0 };
    });
  }

  /** Uses the token up and makes the cluster, or says why not; a refusal uses nothing up. */
  async redeem(redemption: Redemption): Promise<Redeemed> {
    try {
      return await this.redeemOnce(redemption);
    } catch (error) {
      // Two tokens for one name, redeemed at once, hold different locks: the unique index decides, and the loser finds
      // out why at the second look.
      if (!isUniqueViolation(error)) throw error;
      return this.redeemOnce(redemption);
    }
  }

  private async redeemOnce(redemption: Redemption): Promise<Redeemed> {
    const parts = splitToken(redemption.token);
    if (!parts) return { refused: reason('token_unknown') };
    return this.database.transaction(async (tx) => {
      const [row] = await tx.rows<JoinTokenRow>(LOCK, [parts.id]);
      if (!row || !sameHash(row.secret_sha256, parts.secretSha256)) return { refused: reason('token_unknown') };
      if (isRepeat(row, redemption)) return repeated(tx, row, redemption.clusterUid);
      if (row.used_at !== null) return { refused: reason('token_used') };
      if (row.expires_at <= row.at) return { refused: reason('token_expired') };
      const refused = await whyTaken(tx, row.cluster_name, redemption.clusterUid);
      return refused ? { refused } : enrol(tx, row, redemption);
    });
  }

  /** Newest first; never with a secret. */
  async list(limit: number): Promise<readonly JoinToken[]> {
    const rows = await this.database.rows<JoinTokenRow>(LIST, [limit]);
    return rows.map((row) => ({
      id: row.id,
      clusterName: row.cluster_name,
      labels: row.labels,
      approve: row.approve,
      createdBy: row.created_by,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      usedAt: row.used_at,
    }));
  }
}

function isRepeat(row: JoinTokenRow, { publicKeySha256 }: Redemption): boolean {
  const sameKey = publicKeySha256 !== undefined && row.used_key_sha256 === publicKeySha256;
  return row.used_at !== null && sameKey && row.expires_at > row.at;
}

async function repeated(tx: Statements, row: JoinTokenRow, uid: string): Promise<Redeemed> {
  const known = 'SELECT id, name, approved FROM clusters WHERE id = $1 AND uid = $2 AND removed_at IS NULL';
  const [cluster] = await tx.rows<{ id: string; name: string; approved: boolean }>(known, [row.cluster_id, uid]);
  if (!cluster) return { refused: reason('token_used') };
  return { clusterId: cluster.id, clusterName: cluster.name, approved: cluster.approved };
}

async function whyTaken(tx: Statements, name: string, uid: string): Promise<Reason | null> {
  const known = await tx.rows<{ id: string; name: string; uid: string }>(TAKEN, [name, uid]);
  const clone = known.find((cluster) => cluster.uid === uid);
  if (clone) return reason('cluster_uid_known', { cluster: clone.name });
  return known.length > 0 ? reason('cluster_name_taken', { name }) : null;
}

async function enrol(tx: Statements, row: JoinTokenRow, redemption: Redemption): Promise<Redeemed> {
  const { cluster_name: name, labels, approve: approved } = row;
  const id = digestOf({ token: row.id, uid: redemption.clusterUid }).slice(0, 12);
  const createdBy = `token/${row.id}`;
  const line = await insertCluster(tx, { id, name, uid: redemption.clusterUid, labels, approved, createdBy });
  await tx.affected(USE, [row.id, redemption.publicKeySha256 ?? null, id]);
  await appendAudit(tx, [line]);
  return { clusterId: id, clusterName: name, approved };
}
