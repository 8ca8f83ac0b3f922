/** The statements of weight of PostgresRolloutStore, each with what it must not do. */

/**
 * One rollout that has something to do and that nobody else holds. SKIP LOCKED: two replicas that look at once take
 * two rollouts, not turns. Least recently leased first: one that fails again and again cannot starve the others.
 */
export const CLAIM = `
  WITH due AS (
    SELECT r.id
    FROM rollouts r
    WHERE r.id IN (
        SELECT rollout_id FROM inbox WHERE done_at IS NULL
        UNION
        SELECT id FROM rollouts WHERE wake_at <= (SELECT now_ms()))
      AND (r.lease_owner IS NULL OR r.lease_owner = $1 OR r.lease_until <= (SELECT now_ms()))
    ORDER BY r.lease_until NULLS FIRST, r.id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED)
  UPDATE rollouts r
  SET lease_epoch = r.lease_epoch + CASE WHEN r.lease_owner IS DISTINCT FROM $1 THEN 1 ELSE 0 END,
      lease_owner = $1,
      lease_until = now_ms() + $2::bigint
  FROM due
  WHERE r.id = due.id
  RETURNING r.id, r.lease_epoch, r.revision, r.lease_until, now_ms() AS at`;

export const LOAD_HEAD = `
  SELECT r.id, r.head, p.canonical FROM rollouts r JOIN plans p ON p.digest = r.plan_digest WHERE r.id = $1`;

export const LOAD_CLUSTERS = `
  SELECT cluster_id, state FROM rollout_clusters WHERE rollout_id = $1 ORDER BY position`;

export const INBOX = `
  SELECT seq, at, event FROM inbox WHERE rollout_id = $1 AND done_at IS NULL ORDER BY seq LIMIT $2`;

/** The fence: no row is changed unless revision and lease epoch are those that the decision was made from. */
export const SAVE_HEAD = `
  UPDATE rollouts
  SET head = $4::jsonb, state = $5, wake_at = $6, finished_at = $7, revision = revision + 1
  WHERE id = $1 AND revision = $2 AND lease_epoch = $3`;

/** Changed rows only: the bytes written per event do not grow with the fleet. */
export const SAVE_CLUSTERS = `
  UPDATE rollout_clusters c
  SET phase = changed.state ->> 'phase', state = changed.state
  FROM (SELECT value AS state FROM jsonb_array_elements($2::jsonb)) changed
  WHERE c.rollout_id = $1 AND c.cluster_id = changed.state ->> 'clusterId'`;

/** In one order everywhere, so that two rollouts that share clusters wait for each other instead of deadlocking. */
export const LOCK_CLUSTERS = `
  SELECT id FROM clusters WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`;

/**
 * Orders that are not there yet, each with its cluster's next epoch. Every cluster may appear once per call: the epoch
 * is raised by one. Ids are derived, so a decision taken twice inserts once and raises nothing the second time.
 */
export const INSERT_ORDERS = `
  WITH wanted AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS w (
      id text, cluster_id text, rollout_id text, kind text, attempt integer, plan_digest text, body jsonb,
      start_by bigint)),
  fresh AS (
    SELECT w.* FROM wanted w WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = w.id)),
  raised AS (
    UPDATE clusters c SET epoch = c.epoch + 1 FROM fresh f WHERE c.id = f.cluster_id RETURNING c.id, c.epoch, c.labels)
  INSERT INTO orders (id, cluster_id, rollout_id, kind, attempt, epoch, plan_digest, body, start_by, state, created_at)
  SELECT f.id, f.cluster_id, f.rollout_id, f.kind, f.attempt, r.epoch, f.plan_digest,
    f.body || jsonb_build_object('labels', r.labels), f.start_by, 'open', now_ms()
  FROM fresh f JOIN raised r ON r.id = f.cluster_id`;

export const INBOX_DONE = `
  UPDATE inbox SET done_at = now_ms() WHERE rollout_id = $1 AND seq = ANY($2::bigint[])`;

export const APPEND_INBOX = `
  INSERT INTO inbox (rollout_id, at, event)
  SELECT $1, now_ms(), value FROM jsonb_array_elements($2::jsonb)`;

export const INSERT_ROLLOUT = `
  INSERT INTO rollouts (id, name, plan_digest, head, state, wake_at, finished_at, created_at)
  VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, now_ms())
  ON CONFLICT (id) DO NOTHING`;

export const INSERT_PLAN = `
  INSERT INTO plans (digest, name, canonical, created_by, created_at) VALUES ($1, $2, $3, $4, now_ms())
  ON CONFLICT (digest) DO NOTHING`;

export const INSERT_CLUSTERS = `
  INSERT INTO rollout_clusters (rollout_id, cluster_id, wave, position, phase, state)
  SELECT $1, value ->> 'clusterId', (value ->> 'wave')::int, (value ->> 'position')::int, value ->> 'phase', value
  FROM jsonb_array_elements($2::jsonb)`;

/** Locks the sessions against opening and expiry, so that a new rollout and a coming or going agent see each other. */
export const LOCK_SESSIONS = `
  SELECT cluster_id, lost_told FROM sessions WHERE cluster_id = ANY($1::text[]) ORDER BY cluster_id FOR UPDATE`;
