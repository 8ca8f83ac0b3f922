import type { JudgedSamples, Verdict } from '@wavegate/fleet';
import type { RolloutCluster, RolloutHead } from '@wavegate/rollout';
import type { StoredOrder } from '@wavegate/runtime/hub';
import type { Database } from './database.js';
import { ORDER_COLUMNS, toStoredOrder } from './order-rows.js';
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

const VERDICTS = `
  SELECT o.id, o.cluster_id, o.kind, o.attempt, o.verdicts,
    ARRAY(SELECT j.phase FROM judged_samples j WHERE j.order_id = o.id ORDER BY j.phase) AS measured
  FROM orders o
  WHERE o.rollout_id = $1 AND jsonb_array_length(o.verdicts) > 0 AND ($2::text IS NULL OR o.cluster_id = $2)
  ORDER BY o.created_at, o.id`;

/** Newest order first, and of its phases the one judged last first. */
const JUDGED = `
  SELECT o.id, j.phase, j.samples, o.verdicts
  FROM orders o JOIN judged_samples j ON j.order_id = o.id
  WHERE o.rollout_id = $1 AND o.cluster_id = $2 AND ($3::text IS NULL OR j.phase = $3)
  ORDER BY o.epoch DESC, j.at DESC LIMIT 1`;

/** What an order's agent judged, oldest first. */
export interface OrderVerdicts {
  readonly orderId: string;
  readonly clusterId: string;
  readonly kind: string;
  readonly attempt: number;
  readonly verdicts: readonly { readonly phase: string; readonly verdict: Verdict }[];
  /** Phases whose samples are kept. */
  readonly measured: readonly string[];
}

/** A phase that was judged, and the samples that it was judged by. */
export interface StoredJudgement {
  readonly phase: string;
  readonly verdict: Verdict | null;
  readonly samples: JudgedSamples;
}

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

  /** Every verdict that agents reported for the rollout's orders, oldest order first. */
  async verdicts(rolloutId: string, clusterId: string | null = null): Promise<readonly OrderVerdicts[]> {
    type Row = Pick<OrderRow, 'id' | 'cluster_id' | 'kind' | 'attempt' | 'verdicts'> & {
      readonly measured: readonly string[];
    };
    const rows = await this.database.rows<Row>(VERDICTS, [rolloutId, clusterId]);
    return rows.map(({ id, cluster_id, kind, attempt, verdicts, measured }) => ({
      ...{ orderId: id, clusterId: cluster_id, kind, attempt, verdicts, measured },
    }));
  }

  /** The newest judgement of a cluster whose samples are kept; of one phase, where it is named. */
  async judgement(rolloutId: string, clusterId: string, phase: string | null): Promise<StoredJudgement | null> {
    type Row = Pick<OrderRow, 'verdicts'> & { readonly phase: string; readonly samples: JudgedSamples };
    const [row] = await this.database.rows<Row>(JUDGED, [rolloutId, clusterId, phase]);
    if (!row) return null;
    const verdict = row.verdicts.findLast((one) => one.phase === row.phase)?.verdict ?? null;
    return { phase: row.phase, verdict, samples: row.samples };
  }

  private async ordersOf(rows: readonly RolloutClusterRow[]): Promise<ReadonlyMap<string, StoredOrder>> {
    const ids = rows.flatMap(({ state }) => (state.orderId === null ? [] : [state.orderId]));
    if (ids.length === 0) return new Map();
    const orders = await this.database.rows<OrderRow>(ORDERS, [ids]);
    return new Map(orders.map((row) => [row.id, toStoredOrder(row)]));
  }
}

function viewOf({ state }: RolloutClusterRow, orders: ReadonlyMap<string, StoredOrder>): RolloutClusterView {
  return { cluster: state, order: (state.orderId === null ? null : orders.get(state.orderId)) ?? null };
}
