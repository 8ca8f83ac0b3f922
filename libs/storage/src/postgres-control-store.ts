import type { CountedSli, MeasuredSamples } from '@wavegate/fleet';
import { mergeControls, type ControlStore, type JudgedOrder, type StoredControl } from '@wavegate/runtime/hub';
import type { Database } from './database.js';
import { toJson } from './database.js';

/** An agent's progress names the judged periods only while a phase is judged and the plan names objectives. */
const JUDGED = `
  SELECT o.id AS "orderId", o.cluster_id AS "clusterId", o.rollout_id AS "rolloutId", o.plan_digest AS "planDigest",
    p.canonical AS plan, (o.progress -> 'samples' ->> 'from')::bigint AS "from",
    (o.progress -> 'samples' ->> 'baselineUntil')::bigint AS "baselineUntil",
    (o.progress -> 'samples' ->> 'periodMs')::bigint AS "periodMs"
  FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.state = 'confirmed' AND o.rollout_id IS NOT NULL AND jsonb_exists(o.progress, 'samples')
  ORDER BY o.rollout_id, o.id`;

/** Nothing was begun in them, nobody else works at them, and their agent is there. */
const PEERS = `
  SELECT rc.cluster_id AS id
  FROM rollout_clusters rc
  JOIN clusters c ON c.id = rc.cluster_id AND c.removed_at IS NULL AND c.approved
  JOIN sessions s ON s.cluster_id = rc.cluster_id AND s.closed_at IS NULL AND s.opened_at IS NOT NULL
  WHERE rc.rollout_id = $1 AND rc.phase = 'waiting' AND rc.state -> 'outcome' = 'null'::jsonb
    AND (rc.state ->> 'attempt')::int = 1 AND (rc.state ->> 'hop')::int = 1
    AND NOT EXISTS (
      SELECT FROM orders o WHERE o.cluster_id = rc.cluster_id AND o.state IN ('open', 'confirmed', 'withdrawing'))
  ORDER BY rc.position DESC LIMIT $2`;

const CONTROLS = `
  SELECT cluster_id, from_at, period_ms, slis FROM control_samples
  WHERE plan_digest = $1 AND cluster_id = ANY($2::text[]) ORDER BY cluster_id`;

const SAVE = `
  INSERT INTO control_samples (cluster_id, plan_digest, at, from_at, period_ms, slis)
  VALUES ($1, $2, now_ms(), $3, $4, $5::jsonb)
  ON CONFLICT (cluster_id, plan_digest)
  DO UPDATE SET at = now_ms(), from_at = $3, period_ms = $4, slis = $5::jsonb`;

interface Row {
  readonly cluster_id: string;
  readonly from_at: number;
  readonly period_ms: number;
  readonly slis: readonly CountedSli[];
}

/** ControlStore on Postgres: any replica may have asked, and any may tell. */
export class PostgresControlStore implements ControlStore {
  constructor(private readonly database: Database) {}

  judged(): Promise<readonly JudgedOrder[]> {
    return this.database.rows<JudgedOrder>(JUDGED);
  }

  async peersOf(rolloutId: string, limit: number): Promise<readonly string[]> {
    const rows = await this.database.rows<{ id: string }>(PEERS, [rolloutId, limit]);
    return rows.map(({ id }) => id);
  }

  async controls(planDigest: string, clusterIds: readonly string[]): Promise<readonly StoredControl[]> {
    if (clusterIds.length === 0) return [];
    return (await this.database.rows<Row>(CONTROLS, [planDigest, clusterIds])).map(toControl);
  }

  /** Only the replica that holds the cluster's stream writes its row, one answer after the other: no lock is needed. */
  async saveControl(clusterId: string, samples: MeasuredSamples): Promise<void> {
    const [known = null] = await this.controls(samples.planDigest, [clusterId]);
    const { from, periodMs, slis } = mergeControls(known, clusterId, samples);
    await this.database.affected(SAVE, [clusterId, samples.planDigest, from, periodMs, toJson(slis)]);
  }
}

function toControl({ cluster_id: clusterId, from_at: from, period_ms: periodMs, slis }: Row): StoredControl {
  return { clusterId, from, periodMs, slis };
}
