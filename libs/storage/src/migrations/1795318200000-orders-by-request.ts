import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Orders beside the rollouts': what proves their backups, the fleet's columns of the newest backup and restore, plans
 * that were made for one order (or only previewed) and are in nobody's list, and schedules that make orders.
 * Only additions: a hub of the release before goes on beside it.
 */
const STATEMENTS = [
  `ALTER TABLE orders ADD COLUMN receipts jsonb NOT NULL DEFAULT '[]'`,
  `CREATE INDEX orders_requested ON orders (created_at DESC, id) WHERE rollout_id IS NULL`,
  // {orderId, receipt}
  `ALTER TABLE clusters ADD COLUMN last_backup jsonb, ADD COLUMN last_restore_proof jsonb`,
  `ALTER TABLE plans ADD COLUMN listed boolean NOT NULL DEFAULT true`,
  `CREATE TABLE schedules (
     id text PRIMARY KEY,
     name text NOT NULL,
     selector text NOT NULL DEFAULT '',
     rule jsonb NOT NULL,
     kind text NOT NULL,
     args jsonb NOT NULL,
     plan_digest text CONSTRAINT schedules_plan REFERENCES plans (digest),
     created_by text NOT NULL,
     created_at bigint NOT NULL,
     next_at bigint,
     last_run jsonb,
     removed_at bigint)`,
  `CREATE UNIQUE INDEX schedules_name ON schedules (name) WHERE removed_at IS NULL`,
  `CREATE INDEX schedules_next_at ON schedules (next_at) WHERE removed_at IS NULL`,
];

export class OrdersByRequest1795318200000 implements MigrationInterface {
  readonly name = 'OrdersByRequest1795318200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('columns that hold evidence are not dropped by going back; the release before ignores them');
  }
}
