import type { Cluster, ClusterFacts, Labels } from '@wavegate/fleet';
import type { AuditEntry } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database, Statements } from './database.js';
import { toJson } from './database.js';
import type { Page, PageRequest } from './page.js';
import { fromCursor, limitOf, toCursor } from './page.js';
import type { ClusterRow, LastBackup, SessionRow } from './rows.js';

/** A cluster as the inventory shows it: planning's words and the state of its agent. Times are epoch ms. */
export interface InventoryCluster extends Cluster {
  readonly uid: string;
  readonly approved: boolean;
  readonly enrolledAt: number;
  readonly createdBy: string;
  readonly agentVersion: string;
  readonly generation: number;
  readonly replica: string;
  /** Last sign of life; null before the first. */
  readonly heardAt: number | null;
  readonly facts: ClusterFacts | null;
  /** The newest backup that an agent told of. */
  readonly lastBackup: LastBackup | null;
  /** The newest that was restored somewhere apart and compared: when a restore last worked here. */
  readonly lastRestoreProof: LastBackup | null;
}

export interface ClusterFilter {
  readonly approved?: boolean;
  readonly connected?: boolean;
  /** A version of an API server: "1.34" finds 1.34.x, "1.34.4" exactly that. */
  readonly version?: string;
  /** A label selector or anything else, decided by the caller: one meaning of a selector, that of `libs/fleet`. */
  readonly matches?: (cluster: InventoryCluster) => boolean;
}

/** The cluster takes part in a rollout that is not finished, and has not ended in it. */
export class ClusterInRollout extends Error {
  override readonly name = 'ClusterInRollout';
}

type InventoryRow = ClusterRow & Pick<SessionRow, 'generation' | 'replica' | 'beat_at' | 'lost_told'>;

const COLUMNS = `
  c.id, c.name, c.uid, c.labels, c.facts, c.approved, c.agent_version, c.enrolled_at, c.created_by, c.removed_at,
  c.last_backup, c.last_restore_proof,
  s.generation, s.replica, s.beat_at, s.lost_told`;
const FROM = `FROM clusters c JOIN sessions s ON s.cluster_id = c.id`;

const LIST = `
  SELECT ${COLUMNS} ${FROM}
  WHERE c.removed_at IS NULL AND ($1::text IS NULL OR c.name > $1)
    AND ($2::boolean IS NULL OR c.approved = $2)
    AND ($3::boolean IS NULL OR s.lost_told <> $3)
    AND ($4::text IS NULL OR EXISTS (
      SELECT FROM jsonb_array_elements_text(c.facts -> 'apiServers') v WHERE v = $4 OR starts_with(v, $4 || '.')))
  ORDER BY c.name LIMIT $5`;

const GET = `SELECT ${COLUMNS} ${FROM} WHERE (c.id = $1 OR c.name = $1) AND c.removed_at IS NULL ORDER BY c.id = $1 DESC LIMIT 1`;

const IN_ROLLOUT = `
  SELECT r.id FROM rollout_clusters rc JOIN rollouts r ON r.id = rc.rollout_id
  WHERE rc.cluster_id = $1 AND r.finished_at IS NULL AND rc.phase <> 'done' LIMIT 1`;

const BATCH = 500;

/** The inventory: labels belong to the hub, facts to the agent. Each change is audited in its transaction. */
export class ClusterStore {
  constructor(private readonly database: Database) {}

  /** By name. A page may take several reads where `matches` refuses many; it is full unless the list has ended. */
  async list(filter: ClusterFilter, request: PageRequest): Promise<Page<InventoryCluster>> {
    const limit = limitOf(request);
    let after = (fromCursor('clusters', request, 1)?.[0] ?? null) as string | null;
    const items: InventoryCluster[] = [];
    for (;;) {
      const batch = await this.batch(filter, after);
      items.push(...batch.filter((cluster) => filter.matches?.(cluster) ?? true));
      const last = items[limit - 1];
      // One more than fits says that there is a next page, and that is where it begins.
      if (last && items.length > limit)
        return { items: items.slice(0, limit), next: toCursor('clusters', [last.name]) };
      if (batch.length < BATCH) return { items, next: null };
      after = batch[batch.length - 1]?.name ?? null;
    }
  }

  /** Every cluster that is not removed: planning's input. */
  async all(): Promise<readonly InventoryCluster[]> {
    const rows = await this.database.rows<InventoryRow>(LIST, [null, null, null, null, null]);
    return rows.map(toCluster);
  }

  /** By id or name. */
  async get(idOrName: string): Promise<InventoryCluster | null> {
    const [row] = await this.database.rows<InventoryRow>(GET, [idOrName]);
    return row ? toCluster(row) : null;
  }

  /** Replaces the labels. False: no such cluster. */
  async setLabels(id: string, labels: Labels, by: string): Promise<boolean> {
    return this.change(id, 'cluster.labelled', by, async (tx, before) => {
      await tx.affected('UPDATE clusters SET labels = $2::jsonb WHERE id = $1', [id, toJson(labels)]);
      return { before: before.labels, after: labels };
    });
  }

  async approve(id: string, by: string): Promise<boolean> {
    return this.change(id, 'cluster.approved', by, async (tx, before) => {
      await tx.affected('UPDATE clusters SET approved = true WHERE id = $1', [id]);
      return { wasApproved: before.approved };
    });
  }

  /** Frees the name and the UID, revokes the certificates. Throws ClusterInRollout while a rollout needs it. */
  async remove(id: string, by: string): Promise<boolean> {
    return this.change(id, 'cluster.removed', by, async (tx) => {
      const [busy] = await tx.rows<{ id: string }>(IN_ROLLOUT, [id]);
      if (busy) throw new ClusterInRollout(`rollout ${busy.id} is not through with this cluster`);
      await tx.affected('UPDATE clusters SET removed_at = now_ms() WHERE id = $1', [id]);
      const revoke = 'UPDATE certificates SET revoked_at = now_ms() WHERE cluster_id = $1 AND revoked_at IS NULL';
      return { certificatesRevoked: await tx.affected(revoke, [id]) };
    });
  }

  private async batch(filter: ClusterFilter, after: string | null): Promise<readonly InventoryCluster[]> {
    const { approved = null, connected = null, version = null } = filter;
    const rows = await this.database.rows<InventoryRow>(LIST, [after, approved, connected, version, BATCH]);
    return rows.map(toCluster);
  }

  private async change(
    id: string,
    action: string,
    actor: string,
    act: (tx: Statements, before: ClusterRow) => Promise<Record<string, unknown>>,
  ): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const lock = 'SELECT * FROM clusters WHERE id = $1 AND removed_at IS NULL FOR NO KEY UPDATE';
      const [before] = await tx.rows<ClusterRow>(lock, [id]);
      if (!before) return false;
      const detail = { ...(await act(tx, before)), cluster: id, name: before.name };
      await appendAudit(tx, [{ actor, action, object: `cluster/${id}`, detail }]);
      return true;
    });
  }
}

export interface NewCluster {
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly approved: boolean;
  readonly createdBy: string;
}

/** A cluster and its session row, in the caller's transaction. The answer is the audit line to append. */
export async function insertCluster(tx: Statements, cluster: NewCluster): Promise<AuditEntry> {
  const { id, name, uid, labels, approved, createdBy } = cluster;
  const insert = `
    INSERT INTO clusters (id, name, uid, labels, approved, created_by, enrolled_at)
    VALUES ($1, $2, $3, $4::jsonb, $5, $6, now_ms())`;
  await tx.affected(insert, [id, name, uid, toJson(labels), approved, createdBy]);
  await tx.affected('INSERT INTO sessions (cluster_id) VALUES ($1)', [id]);
  const detail = { cluster: id, name, uid, labels, approved };
  return { actor: createdBy, action: 'cluster.enrolled', object: `cluster/${id}`, detail };
}

function toCluster(row: InventoryRow): InventoryCluster {
  return {
    id: row.id,
    name: row.name,
    uid: row.uid,
    labels: row.labels,
    facts: row.facts,
    connected: !row.lost_told,
    approved: row.approved,
    enrolledAt: row.enrolled_at,
    createdBy: row.created_by,
    agentVersion: row.agent_version,
    generation: row.generation,
    replica: row.replica,
    heardAt: row.beat_at,
    lastBackup: row.last_backup,
    lastRestoreProof: row.last_restore_proof,
  };
}
