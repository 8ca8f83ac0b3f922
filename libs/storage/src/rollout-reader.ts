import type { RolloutCluster, RolloutHead } from '@wavegate/rollout';
import type { StoredOrder } from '@wavegate/runtime/hub';
import type { Database } from './database.js';
import { ORDER_COLUMNS, toOrder } from './order-rows.js';
import type { Page, PageRequest } from './page.js';
import { fromCursor, limitOf, pageOf, toCursor } from './page.js';
import { toHead } from './postgres-rollout-store.js';
import type { OrderRow, RolloutClusterRow, RolloutRow } from './rows.js';

/** A rollout without its plan's text. */
export type RolloutSummary = Omit<RolloutHead, 'plan'>;

export interface RolloutFilter {
  readonly state?: string;
  readonly unfinished?: boolean;
}

export interface RolloutClusterFilter {
  readonly wave?: number;
  readonly phase?: string;
}

/** A cluster's row with the order in flight (or its last one): what the screens show about it. */
export interface RolloutClusterView {
  readonly cluster: RolloutCluster;
  readonly order: StoredOrder | null;
}

const LIST = `
  SELECT id, head, created_at FROM rollouts
  WHERE ($1::bigint IS NULL OR (created_at, id) < ($1, $2))
    AND ($3::text IS NULL OR state = $3) AND ($4::boolean IS NULL OR (finished_at IS NULL) = $4)
  ORDER BY created_at DESC, id DESC LIMIT $5`;
const GET = `
  SELECT r.id, r.head, p.canonical FROM rollouts r JOIN plans p ON p.digest = r.plan_digest WHERE r.id = $1`;
/** An id may be shortened, as people type it, as long as it names one rollout. */
const FIND = `
  SELECT r.id, r.head, p.canonical FROM rollouts r JOIN plans p ON p.digest = r.plan_digest
  WHERE starts_with(r.id, $1) LIMIT 2`;
const CLUSTERS = `
  SELECT c.cluster_id, c.state, c.position FROM rollout_clusters c
  WHERE c.rollout_id = $1 AND c.position > $2 AND ($3::int IS NULL OR c.wave = $3) AND ($4::text IS NULL OR c.phase = $4)
  ORDER BY c.position LIMIT $5`;
const CLUSTER = `
  SELECT c.cluster_id, c.state FROM rollout_clusters c
  WHERE c.rollout_id = $1 AND (c.cluster_id = $2 OR c.state ->> 'clusterName' = $2) LIMIT 1`;
const ORDERS = `
  SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest WHERE o.id = ANY($1::text[])`;

/** Rollouts as people read them; never for deciding, which is the runner's. */
export class RolloutReader {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async list(filter: RolloutFilter, request: PageRequest): Promise<Page<RolloutSummary>> {
    const limit = limitOf(request);
    const [at = null, id = null] = fromCursor('rollouts', request, 2) ?? [];
    type Row = Omit<RolloutRow, 'canonical'> & { created_at: number };
    const params = [at, id, filter.state ?? null, filter.unfinished ?? null, limit + 1];
    const rows = await this.database.rows<Row>(LIST, params);
    return pageOf(
      rows,
      limit,
      ({ head }) => head,
      (row) => toCursor('rollouts', [row.created_at, row.id]),
    );
  }

  /** By id, or by a beginning of it that names only one rollout. */
  async get(id: string): Promise<RolloutHead | null> {
    const [row] = await this.database.rows<RolloutRow>(GET, [id]);
    if (row) return toHead(row);
    const [only, other] = id.length >= 4 ? await this.database.rows<RolloutRow>(FIND, [id]) : [];
    return only && !other ? toHead(only) : null;
  }

  /** In the rollout's order, each with its order. */
  async clusters(
    rolloutId: string,
    filter: RolloutClusterFilter,
    request: PageRequest,
  ): Promise<Page<RolloutClusterView>> {
    const limit = limitOf(request);
    const [after = -1] = fromCursor('rolloutClusters', request, 1) ?? [];
    const params = [rolloutId, after, filter.wave ?? null, filter.phase ?? null, limit + 1];
    const rows = await this.database.rows<RolloutClusterRow & { position: number }>(CLUSTERS, params);
    const orders = await this.ordersOf(rows);
    const view = (row: RolloutClusterRow) => viewOf(row, orders);
    return pageOf(rows, limit, view, ({ position }) => toCursor('rolloutClusters', [position]));
  }

  /** By cluster id or name. */
  async cluster(rolloutId: string, clusterIdOrName: string): Promise<RolloutClusterView | null> {
    const [row] = await this.database.rows<RolloutClusterRow>(CLUSTER, [rolloutId, clusterIdOrName]);
    return row ? viewOf(row, await this.ordersOf([row])) : null;
  }

  private async ordersOf(rows: readonly RolloutClusterRow[]): Promise<ReadonlyMap<string, StoredOrder>> {
    const ids = rows.flatMap(({ state }) => (state.orderId === null ? [] : [state.orderId]));
    if (ids.length === 0) return new Map();
    const orders = await this.database.rows<OrderRow>(ORDERS, [ids]);
    return new Map(
      orders.map((row) => {
        const { state, progress, findings, outcome } = row;
        return [row.id, { order: toOrder(row), state, progress, findings, outcome }];
      }),
    );
  }
}

function viewOf({ state }: RolloutClusterRow, orders: ReadonlyMap<string, StoredOrder>): RolloutClusterView {
  return { cluster: state, order: (state.orderId === null ? null : orders.get(state.orderId)) ?? null };
}
