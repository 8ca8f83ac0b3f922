CREATE TABLE api_tokens (
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  id text NOT NULL,
  last_used_at bigint,
  name text NOT NULL,
  revoked_at bigint,
  role text NOT NULL,
  scope text NOT NULL DEFAULT ''::text,
  secret_sha256 text NOT NULL,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT api_tokens_role CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'planner'::text, 'approver'::text, 'admin'::text])))
);

CREATE TABLE audit (
  action text NOT NULL,
  actor text NOT NULL,
  at bigint NOT NULL,
  detail text NOT NULL,
  hash text NOT NULL,
  object text NOT NULL,
  prev_hash text NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT audit_actor CHECK ((actor <> ''::text)),
  CONSTRAINT audit_pkey PRIMARY KEY (seq)
);

CREATE TABLE audit_head (
  at bigint NOT NULL,
  hash text NOT NULL,
  one boolean NOT NULL DEFAULT true,
  seq bigint NOT NULL,
  CONSTRAINT audit_head_one CHECK (one),
  CONSTRAINT audit_head_pkey PRIMARY KEY (one)
);

CREATE TABLE certificates (
  cluster_id text NOT NULL,
  not_after bigint NOT NULL,
  public_key_sha256 text NOT NULL,
  recorded_at bigint NOT NULL,
  revoked_at bigint,
  serial text NOT NULL,
  CONSTRAINT certificates_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT certificates_pkey PRIMARY KEY (serial)
);

CREATE TABLE clusters (
  agent_version text NOT NULL DEFAULT ''::text,
  approved boolean NOT NULL DEFAULT false,
  created_by text NOT NULL,
  enrolled_at bigint NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  facts jsonb,
  id text NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}'::jsonb,
  last_backup jsonb,
  last_restore_proof jsonb,
  name text NOT NULL,
  removed_at bigint,
  uid text NOT NULL,
  CONSTRAINT clusters_pkey PRIMARY KEY (id)
);

CREATE TABLE control_samples (
  at bigint NOT NULL,
  cluster_id text NOT NULL,
  from_at bigint NOT NULL,
  period_ms bigint NOT NULL,
  plan_digest text NOT NULL,
  slis jsonb NOT NULL,
  CONSTRAINT control_samples_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT control_samples_pkey PRIMARY KEY (cluster_id, plan_digest)
);

CREATE TABLE idempotency_keys (
  at bigint NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  response jsonb,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key)
);

CREATE TABLE inbox (
  at bigint NOT NULL,
  done_at bigint,
  event jsonb NOT NULL,
  rollout_id text NOT NULL,
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT inbox_pkey PRIMARY KEY (seq),
  CONSTRAINT inbox_rollout FOREIGN KEY (rollout_id) REFERENCES rollouts(id)
);

CREATE TABLE join_tokens (
  approve boolean NOT NULL DEFAULT false,
  cluster_id text,
  cluster_name text NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  expires_at bigint NOT NULL,
  id text NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}'::jsonb,
  secret_sha256 text NOT NULL,
  used_at bigint,
  used_key_sha256 text,
  CONSTRAINT join_tokens_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT join_tokens_pkey PRIMARY KEY (id)
);

CREATE TABLE judged_samples (
  at bigint NOT NULL,
  order_id text NOT NULL,
  phase text NOT NULL,
  samples jsonb NOT NULL,
  CONSTRAINT judged_samples_order FOREIGN KEY (order_id) REFERENCES orders(id),
  CONSTRAINT judged_samples_pkey PRIMARY KEY (order_id, phase)
);

CREATE TABLE orders (
  attempt integer NOT NULL,
  begun boolean NOT NULL DEFAULT false,
  body jsonb NOT NULL,
  cluster_id text NOT NULL,
  confirmed_at bigint,
  created_at bigint NOT NULL,
  ended_at bigint,
  epoch bigint NOT NULL,
  findings jsonb NOT NULL DEFAULT '[]'::jsonb,
  id text NOT NULL,
  kind text NOT NULL,
  outcome jsonb,
  plan_digest text NOT NULL,
  progress jsonb,
  receipts jsonb NOT NULL DEFAULT '[]'::jsonb,
  rollout_id text,
  sent_at bigint,
  start_by bigint NOT NULL,
  state text NOT NULL,
  verdicts jsonb NOT NULL DEFAULT '[]'::jsonb,
  withdraw_acknowledged boolean NOT NULL DEFAULT false,
  withdraw_reason jsonb,
  CONSTRAINT orders_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT orders_epoch UNIQUE (cluster_id, epoch),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_plan FOREIGN KEY (plan_digest) REFERENCES plans(digest),
  CONSTRAINT orders_rollout FOREIGN KEY (rollout_id) REFERENCES rollouts(id),
  CONSTRAINT orders_state CHECK ((state = ANY (ARRAY['open'::text, 'confirmed'::text, 'withdrawing'::text, 'withdrawn'::text, 'refused'::text, 'done'::text])))
);

CREATE TABLE plans (
  canonical text NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  digest text NOT NULL,
  listed boolean NOT NULL DEFAULT true,
  name text NOT NULL,
  CONSTRAINT plans_pkey PRIMARY KEY (digest)
);

CREATE TABLE recoveries (
  cluster_id text NOT NULL,
  created_at bigint NOT NULL,
  epoch bigint,
  id text NOT NULL,
  revision bigint NOT NULL DEFAULT 0,
  state jsonb NOT NULL,
  CONSTRAINT recoveries_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT recoveries_pkey PRIMARY KEY (id)
);

CREATE TABLE rollout_clusters (
  cluster_id text NOT NULL,
  phase text NOT NULL,
  "position" integer NOT NULL,
  rollout_id text NOT NULL,
  state jsonb NOT NULL,
  wave integer NOT NULL,
  CONSTRAINT rollout_clusters_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT rollout_clusters_pkey PRIMARY KEY (rollout_id, cluster_id),
  CONSTRAINT rollout_clusters_rollout FOREIGN KEY (rollout_id) REFERENCES rollouts(id)
);

CREATE TABLE rollouts (
  created_at bigint NOT NULL,
  finished_at bigint,
  head jsonb NOT NULL,
  id text NOT NULL,
  lease_epoch bigint NOT NULL DEFAULT 0,
  lease_owner text,
  lease_until bigint,
  name text NOT NULL,
  plan_digest text NOT NULL,
  revision bigint NOT NULL DEFAULT 0,
  state text NOT NULL,
  wake_at bigint,
  CONSTRAINT rollouts_pkey PRIMARY KEY (id),
  CONSTRAINT rollouts_plan FOREIGN KEY (plan_digest) REFERENCES plans(digest)
);

CREATE TABLE schedules (
  args jsonb NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  id text NOT NULL,
  kind text NOT NULL,
  last_run jsonb,
  name text NOT NULL,
  next_at bigint,
  plan_digest text,
  removed_at bigint,
  rule jsonb NOT NULL,
  selector text NOT NULL DEFAULT ''::text,
  CONSTRAINT schedules_pkey PRIMARY KEY (id),
  CONSTRAINT schedules_plan FOREIGN KEY (plan_digest) REFERENCES plans(digest)
);

CREATE TABLE sessions (
  beat_at bigint,
  certificate_serial text NOT NULL DEFAULT ''::text,
  closed_at bigint,
  cluster_id text NOT NULL,
  generation bigint NOT NULL DEFAULT 0,
  lost_told boolean NOT NULL DEFAULT true,
  opened_at bigint,
  replica text NOT NULL DEFAULT ''::text,
  CONSTRAINT sessions_cluster FOREIGN KEY (cluster_id) REFERENCES clusters(id),
  CONSTRAINT sessions_pkey PRIMARY KEY (cluster_id)
);

CREATE INDEX audit_cluster ON public.audit USING btree ((((detail)::jsonb ->> 'cluster'::text)), seq);
CREATE INDEX audit_rollout ON public.audit USING btree ((((detail)::jsonb ->> 'rollout'::text)), seq);
CREATE INDEX certificates_cluster_id ON public.certificates USING btree (cluster_id);
CREATE UNIQUE INDEX clusters_name ON public.clusters USING btree (name) WHERE (removed_at IS NULL);
CREATE UNIQUE INDEX clusters_uid ON public.clusters USING btree (uid) WHERE (removed_at IS NULL);
CREATE INDEX inbox_undone ON public.inbox USING btree (rollout_id, seq) WHERE (done_at IS NULL);
CREATE INDEX orders_outgoing ON public.orders USING btree (cluster_id) WHERE (state = ANY (ARRAY['open'::text, 'confirmed'::text, 'withdrawing'::text]));
CREATE INDEX orders_requested ON public.orders USING btree (created_at DESC, id) WHERE (rollout_id IS NULL);
CREATE INDEX orders_rollout_id ON public.orders USING btree (rollout_id);
CREATE INDEX plans_name ON public.plans USING btree (name, created_at DESC);
CREATE INDEX recoveries_cluster_id ON public.recoveries USING btree (cluster_id, created_at DESC);
CREATE INDEX rollout_clusters_cluster_id ON public.rollout_clusters USING btree (cluster_id);
CREATE INDEX rollout_clusters_position ON public.rollout_clusters USING btree (rollout_id, "position");
CREATE INDEX rollouts_created_at ON public.rollouts USING btree (created_at DESC, id);
CREATE INDEX rollouts_wake_at ON public.rollouts USING btree (wake_at) WHERE (wake_at IS NOT NULL);
CREATE UNIQUE INDEX schedules_name ON public.schedules USING btree (name) WHERE (removed_at IS NULL);
CREATE INDEX schedules_next_at ON public.schedules USING btree (next_at) WHERE (removed_at IS NULL);
CREATE INDEX sessions_beat_at ON public.sessions USING btree (beat_at) WHERE (NOT lost_told);

CREATE OR REPLACE FUNCTION public.audit_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $function$
;
CREATE OR REPLACE FUNCTION public.now_ms()
 RETURNS bigint
 LANGUAGE sql
AS $function$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $function$
;

CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
