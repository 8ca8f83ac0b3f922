import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What verdicts rest on: the newest samples of each judged phase, beside the order (whose row is read with every report,
 * and must stay small), and what clusters count for others while these are judged. Only additions.
 */
const STATEMENTS = [
  `CREATE TABLE judged_samples (
     order_id text NOT NULL CONSTRAINT judged_samples_order REFERENCES orders (id),
     phase text NOT NULL,
     at bigint NOT NULL,
     samples jsonb NOT NULL,
     PRIMARY KEY (order_id, phase))`,
  `CREATE TABLE control_samples (
     cluster_id text NOT NULL CONSTRAINT control_samples_cluster REFERENCES clusters (id),
     plan_digest text NOT NULL,
     at bigint NOT NULL,
     from_at bigint NOT NULL,
     period_ms bigint NOT NULL,
     slis jsonb NOT NULL,
     PRIMARY KEY (cluster_id, plan_digest))`,
];

export class JudgedSamples1795404600000 implements MigrationInterface {
  readonly name = 'JudgedSamples1795404600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('tables that hold evidence are not dropped by going back; the release before ignores them');
  }
}
