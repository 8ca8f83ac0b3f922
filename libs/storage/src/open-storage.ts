import 'reflect-metadata';
import type { HubLog } from '@wavegate/runtime/hub';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { ApiTokenStore } from './api-token-store.js';
import { AuditStore } from './audit-store.js';
import { CertificateStore } from './certificate-store.js';
import { ClusterStore } from './cluster-store.js';
import { Database } from './database.js';
import { EventReader } from './event-reader.js';
import { IdempotencyStore } from './idempotency-store.js';
import { JoinTokenStore } from './join-token-store.js';
import { InitialSchema1795231500000 } from './migrations/1795231500000-initial-schema.js';
import { OrdersByRequest1795318200000 } from './migrations/1795318200000-orders-by-request.js';
import { JudgedSamples1795404600000 } from './migrations/1795404600000-judged-samples.js';
import { Recoveries1795491000000 } from './migrations/1795491000000-recoveries.js';
import { OrderReader } from './order-reader.js';
import { OldRows } from './old-rows.js';
import { PlanStore } from './plan-store.js';
import { PostgresBell } from './postgres-bell.js';
import { PostgresControlStore } from './postgres-control-store.js';
import { PostgresOrderStore } from './postgres-order-store.js';
import { PostgresRequestStore } from './postgres-request-store.js';
import { PostgresRolloutStore } from './postgres-rollout-store.js';
import { PostgresSessionStore } from './postgres-session-store.js';
import { RecoveryStore } from './recovery-store.js';
import { RolloutReader } from './rollout-reader.js';
import { ScheduleStore } from './schedule-store.js';

export interface StorageOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  readonly poolSize?: number;
  readonly log: HubLog;
}

/** One Postgres, all that is kept in it. */
export interface Storage {
  readonly dataSource: DataSource;
  readonly rollouts: PostgresRolloutStore;
  readonly sessions: PostgresSessionStore;
  readonly orders: PostgresOrderStore;
  /** Orders that no rollout makes. */
  readonly requests: PostgresRequestStore;
  /** What clusters count for others to be compared with. */
  readonly controls: PostgresControlStore;
  readonly orderReader: OrderReader;
  readonly schedules: ScheduleStore;
  /** Ways back that persons run. */
  readonly recoveries: RecoveryStore;
  readonly clusters: ClusterStore;
  readonly joinTokens: JoinTokenStore;
  readonly certificates: CertificateStore;
  readonly plans: PlanStore;
  readonly rolloutReader: RolloutReader;
  readonly events: EventReader;
  readonly apiTokens: ApiTokenStore;
  readonly audit: AuditStore;
  readonly idempotency: IdempotencyStore;
  readonly oldRows: OldRows;
  /** Opened by `openStorage`; take bells of it by topic ('rollouts', 'orders'). */
  readonly bell: PostgresBell;
  /** Runs what is missing; the names of what was run. Safe to call from several replicas at once. */
  migrate(): Promise<readonly string[]>;
  /** Answers when the database does: for `/readyz`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export const MIGRATIONS = [
  InitialSchema1795231500000,
  OrdersByRequest1795318200000,
  JudgedSamples1795404600000,
  Recoveries1795491000000,
];

/** Any number that nobody else uses as an advisory lock in this database. */
const MIGRATION_LOCK = 7_428_301;
const INT8 = 20;

/** Connects; migrates nothing by itself. Throws when the database is not there. */
export async function openStorage({ url, poolSize = 10, log }: StorageOptions): Promise<Storage> {
  const dataSource = await connect(url, poolSize, log);
  const bell = new PostgresBell(url, log);
  await bell.open();
  const database = new Database(dataSource);
  const audit = new AuditStore(database);
  return {
    dataSource,
    rollouts: new PostgresRolloutStore(database),
    sessions: new PostgresSessionStore(database),
    orders: new PostgresOrderStore(database),
    requests: new PostgresRequestStore(database),
    controls: new PostgresControlStore(database),
    orderReader: new OrderReader(database),
    schedules: new ScheduleStore(database),
    recoveries: new RecoveryStore(database),
    clusters: new ClusterStore(database),
    joinTokens: new JoinTokenStore(database),
    certificates: new CertificateStore(database),
    plans: new PlanStore(database),
    rolloutReader: new RolloutReader(database),
    events: new EventReader(audit),
    apiTokens: new ApiTokenStore(database),
    audit,
    idempotency: new IdempotencyStore(database),
    oldRows: new OldRows(database),
    bell,
    migrate: () => migrate(dataSource),
    ping: async () => {
      await database.rows('SELECT 1');
    },
    close: async () => {
      await bell.close();
      await dataSource.destroy();
    },
  };
}

async function connect(url: string, poolSize: number, log: HubLog): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    driver: pg,
    url,
    poolSize,
    applicationName: 'wavegate-hub',
    entities: [],
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    synchronize: false,
    // An idle connection that the server closed is no emergency: the pool opens another one.
    poolErrorHandler: (error: unknown) => log.warn('a pooled connection ended', { error }),
    extra: {
      types: { getTypeParser },
      options: '-c default_transaction_isolation=read\\ committed',
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
      connectionTimeoutMillis: 5_000,
    },
  });
  return dataSource.initialize();
}

/** Our bigints are epoch ms and counters, far below 2^53: as numbers, and only on these connections. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text');
}

async function migrate(dataSource: DataSource): Promise<readonly string[]> {
  const guard = dataSource.createQueryRunner();
  try {
    // Held by a session of its own: a replica that starts meanwhile waits here and then finds nothing to do.
    await guard.query('SET statement_timeout = 0');
    await guard.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const run = await dataSource.runMigrations({ transaction: 'all' });
    return run.map(({ name }) => name);
  } finally {
    await guard.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await guard.query('RESET statement_timeout').catch(() => undefined);
    await guard.release();
  }
}
