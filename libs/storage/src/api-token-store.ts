import { appendAudit } from './audit-log.js';
import type { Database, Statements } from './database.js';
import { mintToken, sameHash, splitToken } from './secret-token.js';

export const ROLES = ['viewer', 'operator', 'planner', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Label selector of the clusters it may touch; '' = all. */
  readonly scope: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewApiToken {
  readonly name: string;
  readonly role: Role;
  readonly scope: string;
  readonly by: string;
}

interface ApiTokenRow {
  readonly id: string;
  readonly name: string;
  readonly secret_sha256: string;
  readonly role: Role;
  readonly scope: string;
  readonly created_by: string;
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
}

const INSERT = `
  INSERT INTO api_tokens (id, name, secret_sha256, role, scope, created_by, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, now_ms())`;
/** At most one write a minute and token: this runs with every request. */
const USED = `
  UPDATE api_tokens SET last_used_at = now_ms() WHERE id = $1 AND coalesce(last_used_at, 0) < now_ms() - 60000`;
const REVOKE = `UPDATE api_tokens SET revoked_at = now_ms() WHERE id = $1 AND revoked_at IS NULL`;

/** API tokens: `id.secret`, kept as a hash, each with one role and a scope. */
export class ApiTokenStore {
  constructor(private readonly database: Database) {}

  /** The first admin's token, told once to whoever started the first hub; null when there is any token already. */
  async ensureFirstAdmin(): Promise<string | null> {
    return this.database.transaction(async (tx) => {
      // Two hubs that start at once: the lock lets one of them see an empty table.
      await tx.affected('LOCK TABLE api_tokens IN SHARE ROW EXCLUSIVE MODE');
      const known = await tx.rows('SELECT FROM api_tokens LIMIT 1');
      if (known.length > 0) return null;
      return (await insert(tx, { name: 'first-admin', role: 'admin', scope: '', by: 'hub' })).token;
    });
  }

  /** The token's text is told once, here. */
  async create(token: NewApiToken): Promise<{ readonly id: string; readonly token: string }> {
    return this.database.transaction((tx) => insert(tx, token));
  }

  /** Null for anything but a live token; which part was wrong is not told. */
  async verify(text: string): Promise<ApiToken | null> {
    const parts = splitToken(text);
    if (!parts) return null;
    const [row] = await this.database.rows<ApiTokenRow>('SELECT * FROM api_tokens WHERE id = $1', [parts.id]);
    if (!row || !sameHash(row.secret_sha256, parts.secretSha256) || row.revoked_at !== null) return null;
    await this.database.affected(USED, [row.id]);
    return toToken(row);
  }

  async list(): Promise<readonly ApiToken[]> {
    const rows = await this.database.rows<ApiTokenRow>('SELECT * FROM api_tokens ORDER BY created_at, id');
    return rows.map(toToken);
  }

  /** False: no such token, or revoked before. */
  async revoke(id: string, by: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      if ((await tx.affected(REVOKE, [id])) === 0) return false;
      await appendAudit(tx, [{ actor: by, action: 'apiToken.revoked', object: `apiToken/${id}`, detail: {} }]);
      return true;
    });
  }
}

async function insert(tx: Statements, { name, role, scope, by }: NewApiToken): Promise<{ id: string; token: string }> {
  const { id, text, secretSha256 } = mintToken();
  await tx.affected(INSERT, [id, name, secretSha256, role, scope, by]);
  const detail = { name, role, scope };
  await appendAudit(tx, [{ actor: by, action: 'apiToken.created', object: `apiToken/${id}`, detail }]);
  return { id, token: text };
}

function toToken(row: ApiTokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    scope: row.scope,
    createdBy: row.created_by,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
