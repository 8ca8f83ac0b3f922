import type { Plan } from '@wavegate/fleet';
import { canonicalText, sha256Hex } from '@wavegate/fleet';
import { appendAudit } from './audit-log.js';
import type { Database } from './database.js';
import type { Page, PageRequest } from './page.js';
import { fromCursor, limitOf, pageOf, toCursor } from './page.js';

export interface StoredPlan {
  readonly digest: string;
  readonly name: string;
  /** The canonical text: the bytes that the digest names. */
  readonly canonical: string;
  readonly plan: Plan;
  readonly createdBy: string;
  readonly createdAt: number;
}

interface PlanRow {
  readonly digest: string;
  readonly name: string;
  readonly canonical: string;
  readonly created_by: string;
  readonly created_at: number;
}

const INSERT = `
  INSERT INTO plans (digest, name, canonical, created_by, created_at) VALUES ($1, $2, $3, $4, now_ms())
  ON CONFLICT (digest) DO UPDATE SET listed = true WHERE NOT plans.listed`;
/** By name only what somebody stored under it: a plan that was made for one order, or only previewed, has its digest. */
const GET = `
  SELECT * FROM plans WHERE digest = $1 OR (name = $1 AND listed) ORDER BY digest = $1 DESC, created_at DESC LIMIT 1`;
const LIST = `
  SELECT * FROM plans WHERE listed AND ($1::bigint IS NULL OR (created_at, digest) < ($1, $2))
  ORDER BY created_at DESC, digest DESC LIMIT $3`;

/** Plans are immutable: a changed plan has another digest and is another row. */
export class PlanStore {
  constructor(private readonly database: Database) {}

  /** The same plan twice is one row. */
  async put(plan: Plan, by: string): Promise<{ readonly digest: string; readonly created: boolean }> {
    const canonical = canonicalText(plan);
    const digest = sha256Hex(canonical);
    const { name } = plan.metadata;
    return this.database.transaction(async (tx) => {
      const created = (await tx.affected(INSERT, [digest, name, canonical, by])) > 0;
      if (created)
        await appendAudit(tx, [{ actor: by, action: 'plan.created', object: `plan/${digest}`, detail: { name } }]);
      return { digest, created };
    });
  }

  /** By digest, or the newest of that name. */
  async get(digestOrName: string): Promise<StoredPlan | null> {
    const [row] = await this.database.rows<PlanRow>(GET, [digestOrName]);
    return row ? toPlan(row) : null;
  }

  /** Newest first. */
  async list(request: PageRequest): Promise<Page<StoredPlan>> {
    const limit = limitOf(request);
    const [at = null, digest = null] = fromCursor('plans', request, 2) ?? [];
    const rows = await this.database.rows<PlanRow>(LIST, [at, digest, limit + 1]);
    return pageOf(rows, limit, toPlan, (row) => toCursor('plans', [row.created_at, row.digest]));
  }
}

function toPlan({ digest, name, canonical, created_by: createdBy, created_at: createdAt }: PlanRow): StoredPlan {
  return { digest, name, canonical, plan: JSON.parse(canonical) as Plan, createdBy, createdAt };
}
