import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The first schema. Times are bigint epoch ms of the database's clock (`now_ms()`), so that a row, an event and a test
 * say the same number. Names are the glossary's words.
 */
const STATEMENTS = [
  `CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE
     AS $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$`,

  `CREATE TABLE clusters (
     id text PRIMARY KEY,
     name text NOT NULL,
     uid text NOT NULL,
     labels jsonb NOT NULL DEFAULT '{}',
     facts jsonb,
     approved boolean NOT NULL DEFAULT false,
     epoch bigint NOT NULL DEFAULT 0,
     agent_version text NOT NULL DEFAULT '',
     enrolled_at bigint NOT NULL,
     created_by text NOT NULL,
     removed_at bigint)`,
  // A removed cluster keeps its row for the audit and frees its name and its UID.
  `CREATE UNIQUE INDEX clusters_name ON clusters (name) WHERE removed_at IS NULL`,
  `CREATE UNIQUE INDEX clusters_uid ON clusters (uid) WHERE removed_at IS NULL`,

  `CREATE TABLE join_tokens (
     id text PRIMARY KEY,
     secret_sha256 text NOT NULL,
     cluster_name text NOT NULL,
     labels jsonb NOT NULL DEFAULT '{}',
     approve boolean NOT NULL DEFAULT false,
     created_by text NOT NULL,
     created_at bigint NOT NULL,
     expires_at bigint NOT NULL,
     used_at bigint,
     used_key_sha256 text,
     cluster_id text CONSTRAINT join_tokens_cluster REFERENCES clusters (id))`,

  `CREATE TABLE certificates (
     serial text PRIMARY KEY,
     cluster_id text NOT NULL CONSTRAINT certificates_cluster REFERENCES clusters (id),
     public_key_sha256 text NOT NULL,
     recorded_at bigint NOT NULL,
     not_after bigint NOT NULL,
     revoked_at bigint)`,
  `CREATE INDEX certificates_cluster_id ON certificates (cluster_id)`,

  // One row per cluster from its enrolment on: it is what openings, beats and new rollouts lock against each other.
  `CREATE TABLE sessions (
     cluster_id text PRIMARY KEY CONSTRAINT sessions_cluster REFERENCES clusters (id),
     generation bigint NOT NULL DEFAULT 0,
     replica text NOT NULL DEFAULT '',
     certificate_serial text NOT NULL DEFAULT '',
     opened_at bigint,
     beat_at bigint,
     closed_at bigint,
     lost_told boolean NOT NULL DEFAULT true)`,
  `CREATE INDEX sessions_beat_at ON sessions (beat_at) WHERE NOT lost_told`,

  `CREATE TABLE plans (
     digest text PRIMARY KEY,
     name text NOT NULL,
     canonical text NOT NULL,
     created_by text NOT NULL,
     created_at bigint NOT NULL)`,
  `CREATE INDEX plans_name ON plans (name, created_at DESC)`,

  `CREATE TABLE rollouts (
     id text PRIMARY KEY,
     name text NOT NULL,
     plan_digest text NOT NULL CONSTRAINT rollouts_plan REFERENCES plans (digest),
     head jsonb NOT NULL,
     state text NOT NULL,
     revision bigint NOT NULL DEFAULT 0,
     wake_at bigint,
     finished_at bigint,
     lease_owner text,
     lease_until bigint,
     lease_epoch bigint NOT NULL DEFAULT 0,
     created_at bigint NOT NULL)`,
  `CREATE INDEX rollouts_wake_at ON rollouts (wake_at) WHERE wake_at IS NOT NULL`,
  `CREATE INDEX rollouts_created_at ON rollouts (created_at DESC, id)`,

  `CREATE TABLE rollout_clusters (
     rollout_id text NOT NULL CONSTRAINT rollout_clusters_rollout REFERENCES rollouts (id),
     cluster_id text NOT NULL CONSTRAINT rollout_clusters_cluster REFERENCES clusters (id),
     wave integer NOT NULL,
     position integer NOT NULL,
     phase text NOT NULL,
     state jsonb NOT NULL,
     CONSTRAINT rollout_clusters_pkey PRIMARY KEY (rollout_id, cluster_id))`,
  `CREATE INDEX rollout_clusters_position ON rollout_clusters (rollout_id, position)`,
  `CREATE INDEX rollout_clusters_cluster_id ON rollout_clusters (cluster_id)`,

  `CREATE TABLE inbox (
     seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     rollout_id text NOT NULL CONSTRAINT inbox_rollout REFERENCES rollouts (id),
     at bigint NOT NULL,
     event jsonb NOT NULL,
     done_at bigint)`,
  `CREATE INDEX inbox_undone ON inbox (rollout_id, seq) WHERE done_at IS NULL`,

  `CREATE TABLE orders (
     id text PRIMARY KEY,
     cluster_id text NOT NULL CONSTRAINT orders_cluster REFERENCES clusters (id),
     rollout_id text CONSTRAINT orders_rollout REFERENCES rollouts (id),
     kind text NOT NULL,
     attempt integer NOT NULL,
     epoch bigint NOT NULL,
     plan_digest text NOT NULL CONSTRAINT orders_plan REFERENCES plans (digest),
     body jsonb NOT NULL,
     start_by bigint NOT NULL,
     state text NOT NULL CONSTRAINT orders_state
       CHECK (state IN ('open', 'confirmed', 'withdrawing', 'withdrawn', 'refused', 'done')),
     begun boolean NOT NULL DEFAULT false,
     withdraw_acknowledged boolean NOT NULL DEFAULT false,
     withdraw_reason jsonb,
     created_at bigint NOT NULL,
     sent_at bigint,
     confirmed_at bigint,
     ended_at bigint,
     progress jsonb,
     findings jsonb NOT NULL DEFAULT '[]',
     verdicts jsonb NOT NULL DEFAULT '[]',
     outcome jsonb,
     CONSTRAINT orders_epoch UNIQUE (cluster_id, epoch))`,
  `CREATE INDEX orders_outgoing ON orders (cluster_id) WHERE state IN ('open', 'confirmed', 'withdrawing')`,
  `CREATE INDEX orders_rollout_id ON orders (rollout_id)`,

  `CREATE TABLE api_tokens (
     id text PRIMARY KEY,
     name text NOT NULL,
     secret_sha256 text NOT NULL,
     role text NOT NULL CONSTRAINT api_tokens_role
       CHECK (role IN ('viewer', 'operator', 'planner', 'approver', 'admin')),
     scope text NOT NULL DEFAULT '',
     created_by text NOT NULL,
     created_at bigint NOT NULL,
     last_used_at bigint,
     revoked_at bigint)`,

  `CREATE TABLE audit (
     seq bigint PRIMARY KEY,
     at bigint NOT NULL,
     actor text NOT NULL CONSTRAINT audit_actor CHECK (actor <> ''),
     action text NOT NULL,
     object text NOT NULL,
     detail text NOT NULL,
     prev_hash text NOT NULL,
     hash text NOT NULL)`,
  `CREATE INDEX audit_rollout ON audit ((detail::jsonb ->> 'rollout'), seq)`,
  `CREATE INDEX audit_cluster ON audit ((detail::jsonb ->> 'cluster'), seq)`,
  // The chain proves a change; this refuses the careless one. A superuser can still switch it off, and is then found out.
  `CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$`,
  `CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
     FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()`,
  // A sequence leaves gaps where a transaction rolls back; a locked row does not.
  `CREATE TABLE audit_head (
     one boolean PRIMARY KEY DEFAULT true CONSTRAINT audit_head_one CHECK (one),
     seq bigint NOT NULL,
     at bigint NOT NULL,
     hash text NOT NULL)`,
  `INSERT INTO audit_head (seq, at, hash) VALUES (0, 0, repeat('0', 64))`,

  `CREATE TABLE idempotency_keys (
     key text PRIMARY KEY,
     request_hash text NOT NULL,
     response jsonb,
     at bigint NOT NULL)`,
];

export class InitialSchema1795231500000 implements MigrationInterface {
  readonly name = 'InitialSchema1795231500000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('the first schema has nothing before it; drop the database instead');
  }
}
