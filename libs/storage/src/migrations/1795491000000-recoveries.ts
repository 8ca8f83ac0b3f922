import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Ways back that persons run (rungs 5 and 6): what was asked, who approved, the epoch from which on orders are taken again.
 * Only an addition: a hub of the release before goes on beside it.
 */
const STATEMENTS = [
  `CREATE TABLE recoveries (
     id text PRIMARY KEY,
     cluster_id text NOT NULL CONSTRAINT recoveries_cluster REFERENCES clusters (id),
     state jsonb NOT NULL,
     epoch bigint,
     revision bigint NOT NULL DEFAULT 0,
     created_at bigint NOT NULL)`,
  `CREATE INDEX recoveries_cluster_id ON recoveries (cluster_id, created_at DESC)`,
];

export class Recoveries1795491000000 implements MigrationInterface {
  readonly name = 'Recoveries1795491000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('a table that holds approvals is not dropped by going back; the release before ignores it');
  }
}
