import { reason, type OrderKind, type Reason } from '@wavegate/fleet';
import type { StoredOrder } from '@wavegate/runtime/hub';
import type { Database } from './database.js';
import { ORDER_COLUMNS, toStoredOrder } from './order-rows.js';
import type { Page, PageRequest } from './page.js';
import { fromCursor, limitOf, pageOf, toCursor } from './page.js';
import type { OrderRow } from './rows.js';

export interface OrderFilter {
  readonly clusterId?: string;
  readonly kind?: OrderKind;
  /** True: not at their end; false: ended. */
  readonly active?: boolean;
  /** Leaves out the rollouts' orders, which their rollouts show. */
  readonly requestedOnly?: boolean;
  /** Only the orders of this rollout. */
  readonly rolloutId?: string;
}

/** An order as people read it, with its cluster's name. */
export interface NamedOrder extends StoredOrder {
  readonly clusterName: string;
  /** What it waits for, of what its agent cannot tell: an order that came first, or the agent itself; null: neither. */
  readonly waits: Reason | null;
}

const FROM = `
  FROM orders o JOIN plans p ON p.digest = o.plan_digest JOIN clusters c ON c.id = o.cluster_id
  LEFT JOIN sessions s ON s.cluster_id = o.cluster_id`;
/** The order in the way is the one that `commandsFor` holds this one back for. */
const COLUMNS = `${ORDER_COLUMNS}, c.name AS cluster_name,
  CASE WHEN o.state IN ('open', 'confirmed', 'withdrawing') AND s.lost_told
    THEN coalesce(s.beat_at, o.created_at) END AS silent_since,
  CASE WHEN o.state = 'open' THEN (
    SELECT jsonb_build_object('order', b.id, 'kind', b.kind) FROM orders b
    WHERE b.cluster_id = o.cluster_id AND b.epoch < o.epoch AND b.rollout_id IS NULL
      AND b.state IN ('open', 'confirmed', 'withdrawing')
      AND now_ms() < CASE WHEN b.state = 'open' THEN b.start_by ELSE (b.body ->> 'deadline')::bigint END
    ORDER BY b.epoch LIMIT 1) END AS behind`;
const LIST = `
  SELECT ${COLUMNS} ${FROM}
  WHERE ($1::bigint IS NULL OR (o.created_at, o.id) < ($1, $2))
    AND ($3::text IS NULL OR o.cluster_id = $3) AND ($4::text IS NULL OR o.kind = $4)
    AND ($5::boolean IS NULL OR (o.state IN ('open', 'confirmed', 'withdrawing')) = $5)
    AND (NOT $6::boolean OR o.rollout_id IS NULL) AND ($7::text IS NULL OR o.rollout_id = $7)
  ORDER BY o.created_at DESC, o.id DESC LIMIT $8`;
const GET = `SELECT ${COLUMNS} ${FROM} WHERE o.id = $1`;
/** An id may be shortened, as people type it, as long as it names one order. */
const FIND = `SELECT ${COLUMNS} ${FROM} WHERE starts_with(o.id, $1) LIMIT 2`;
const THESE = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ANY($1::text[])`;

type NamedRow = OrderRow & {
  readonly cluster_name: string;
  readonly silent_since: number | null;
  readonly behind: { readonly order: string; readonly kind: string } | null;
};

/** Orders as people read them; never for deciding. */
export class OrderReader {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async list(filter: OrderFilter, request: PageRequest): Promise<Page<NamedOrder>> {
    const limit = limitOf(request);
    const [at = null, id = null] = fromCursor('orders', request, 2) ?? [];
    const { clusterId = null, kind = null, active = null, requestedOnly = false, rolloutId = null } = filter;
    const which = [clusterId, kind, active, requestedOnly, rolloutId];
    const rows = await this.database.rows<NamedRow>(LIST, [at, id, ...which, limit + 1]);
    return pageOf(rows, limit, toNamed, (row) => toCursor('orders', [row.created_at, row.id]));
  }

  /** By id, or by a beginning of it (of four letters or more) that names only one order. */
  async get(id: string): Promise<NamedOrder | null> {
    const [row] = await this.database.rows<NamedRow>(GET, [id]);
    if (row) return toNamed(row);
    const [only, other] = id.length >= 4 ? await this.database.rows<NamedRow>(FIND, [id]) : [];
    return only && !other ? toNamed(only) : null;
  }

  async these(ids: readonly string[]): Promise<readonly NamedOrder[]> {
    return ids.length === 0 ? [] : (await this.database.rows<NamedRow>(THESE, [[...ids]])).map(toNamed);
  }
}

const toNamed = (row: NamedRow): NamedOrder => ({
  ...toStoredOrder(row),
  clusterName: row.cluster_name,
  waits: waitsOf(row),
});

/** An agent that is away is named first: nothing moves without it, whichever order is its turn. */
function waitsOf({ silent_since: since, behind }: NamedRow): Reason | null {
  if (since !== null) return reason('agent_lost', { since });
  return behind ? reason('waiting_for_order', behind) : null;
}
