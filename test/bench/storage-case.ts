import { judgeWave } from '@wavegate/analysis';
import { decide, type RolloutAction } from '@wavegate/rollout';
import {
  InProcessBell,
  runRollouts,
  type RolloutCommit,
  type RolloutStore,
  type StoredReport,
} from '@wavegate/runtime/hub';
import { openStorage, type Storage } from '@wavegate/storage';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../apps/hub/src/database/embedded-postgres.js';
import { ProcessCancel, systemClock, systemRandom } from '../../apps/hub/src/process/hub-world.js';
import type { BenchCase, BenchWorld, CaseResult } from './bench-case.js';
import { benchClusters, benchPlan, benchRollout } from './bench-fleet.js';
import { short } from './spread.js';

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;

const SIZES = [100, 1_000, 5_000];
/** Clusters whose reports are not measured (first touch of everything), and those whose are: two reports each. */
const WARM = 10;
const SAMPLED = 80;
const BURST = 20;
const quiet = { info: () => undefined, warn: () => undefined, error: (message: string) => console.error(message) };

/** One wave holds all that is sampled, so that every size sees the same events; the head still carries four waves. */
const plan = benchPlan('bench', {
  strategy: { waves: ['97%', '98%', '99%', '100%'], spreadBy: ['region'], maxInFlight: BURST },
});

interface Reading {
  /** WAL position, bytes. */
  readonly wal: number;
  readonly pageImages: number;
  /** Rows inserted, updated, deleted, by table. */
  readonly rows: ReadonlyMap<string, number>;
}

interface Measured {
  readonly clusters: number;
  readonly setting: 'one report per commit' | 'bursts of 20';
  readonly fullPageWrites: boolean;
  readonly events: number;
  readonly walBytesPerEvent: number;
  readonly pageImagesPerEvent: number;
  readonly rowsPerEvent: number;
  readonly rowsByTable: Readonly<Record<string, number>>;
  readonly walBytesToCreatePerCluster: number;
}

/**
 * An agent's report through the real store (`take`: order row, inbox row), then the real runner (claim, decide, commit:
 * head, changed rows, orders, audit) on a real PostgreSQL. The write-ahead log is everything that was written.
 */
export const storageCase: BenchCase = {
  name: 'storage',
  title: 'bytes written to PostgreSQL per event',
  run: async (world) => {
    const server = await startEmbeddedPostgres(path.join(world.folder, 'storage-postgres'));
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    try {
      // Its own housekeeping comes when it likes, and would be counted as ours.
      await admin.query('ALTER SYSTEM SET autovacuum = off');
      const measured: Measured[] = [];
      for (const fullPageWrites of [false, true]) {
        await admin.query(`ALTER SYSTEM SET full_page_writes = ${fullPageWrites ? 'on' : 'off'}`);
        await admin.query('SELECT pg_reload_conf()');
        for (const clusters of SIZES) {
          const database = `bench_${clusters}_${fullPageWrites}`;
          await admin.query(`CREATE DATABASE ${database}`);
          measured.push(
            ...(await measureSize(world, new URL(`/${database}`, server.url).href, clusters, fullPageWrites)),
          );
        }
      }
      return toResult(measured);
    } finally {
      await admin.end();
      await server.stop();
    }
  },
};

async function measureSize(
  world: BenchWorld,
  url: string,
  clusters: number,
  fullPageWrites: boolean,
): Promise<Measured[]> {
  world.say(`${clusters} clusters, full page images ${fullPageWrites ? 'on' : 'off'}`);
  const migrating = await openStorage({ url, log: quiet });
  await migrating.migrate();
  await migrating.close();
  // One connection: it then knows all of its own statistics at once, and the bytes are the same.
  const storage = await openStorage({ url, poolSize: 1, log: quiet });
  try {
    const measured: Measured[] = [];
    for (const [setting, burst] of [
      ['one report per commit', 1],
      ['bursts of 20', BURST],
    ] as const) {
      const drive = await Drive.begin(storage, clusters, `${setting}-${clusters}`);
      await drive.through(WARM, burst);
      // What the server owes for the rows put in just now (hint bits, visibility) is paid before the sample.
      await storage.dataSource.query('VACUUM (FREEZE, ANALYZE)');
      await storage.dataSource.query('CHECKPOINT');
      const before = await read(storage);
      const events = await drive.through(SAMPLED, burst);
      const after = await read(storage);
      await drive.end();
      measured.push({
        clusters,
        setting,
        fullPageWrites,
        ...perEvent(before, after, events),
        walBytesToCreatePerCluster: drive.createdBytes / clusters,
      });
    }
    return measured;
  } finally {
    await storage.close();
  }
}

/** One rollout under way: orders that were sent, reports taken, the runner in between. */
class Drive {
  createdBytes = 0;
  private readonly waiting: SendOrder[] = [];
  private readonly bell = new InProcessBell();
  private readonly cancel = new ProcessCancel();
  private readonly store: WatchedRolloutStore;
  private running: Promise<void> = Promise.resolve();

  private constructor(private readonly storage: Storage) {
    this.store = new WatchedRolloutStore(storage.rollouts, (order) => this.waiting.push(order));
  }

  static async begin(storage: Storage, size: number, id: string): Promise<Drive> {
    const drive = new Drive(storage);
    const at = await storage.rollouts.now();
    const clusters = benchClusters(size, at).map((cluster) => ({ ...cluster, id: `${id}-${cluster.id}` }));
    await enrolAll(
      storage,
      clusters.map(({ id: clusterId }) => clusterId),
    );
    const rollout = benchRollout(id, plan, clusters, at);
    const before = (await read(storage)).wal;
    await storage.rollouts.create(rollout, { actor: 'bench', action: 'rollout.created', object: id, detail: {} });
    drive.createdBytes = (await read(storage)).wal - before;
    drive.running = runRollouts({
      clock: systemClock,
      random: systemRandom,
      log: quiet,
      cancel: drive.cancel,
      store: drive.store,
      decide,
      judge: { judge: (_wave, ends) => judgeWave(ends) },
      notifier: { notify: () => Promise.resolve() },
      bell: drive.bell,
      orderBell: new InProcessBell(),
      replica: 'bench',
    });
    await drive.store.done(1);
    return drive;
  }

  /** `clusters` clusters begin and end, `burst` at a time. Returns how many reports that took. */
  async through(clusters: number, burst: number): Promise<number> {
    for (let left = clusters; left > 0; left -= burst) {
      const orders = this.waiting.splice(0, Math.min(burst, left));
      await this.storage.orders.outgoing(orders.map(sessionOf));
      await this.report(orders, ({ orderId }, epoch) => ({ kind: 'orderAccepted', orderId, epoch }));
      await this.report(orders, ({ orderId }, epoch) => ({
        kind: 'outcome',
        orderId,
        epoch,
        outcome: { kind: 'upgraded', standing: { apiserver: '1.35.4', kubelet: '1.35.4' } },
      }));
    }
    return clusters * 2;
  }

  async end(): Promise<void> {
    this.cancel.cancel();
    this.bell.ring();
    await this.running;
  }

  private async report(orders: readonly SendOrder[], words: (order: SendOrder, epoch: number) => StoredReport) {
    const wanted = this.store.doneRows + orders.length;
    for (const order of orders) {
      const taken = await this.storage.orders.take(sessionOf(order), words(order, 1));
      if (taken.kind !== 'taken') throw new Error(`a report was not taken: ${JSON.stringify(taken)}`);
    }
    this.bell.ring();
    await this.store.done(wanted);
  }
}

function sessionOf({ clusterId }: SendOrder) {
  return { clusterId, generation: 1 };
}

/** The store itself, and what it committed. */
class WatchedRolloutStore implements RolloutStore {
  doneRows = 0;
  private waiter: { readonly rows: number; readonly go: () => void } | null = null;

  constructor(
    private readonly inner: RolloutStore,
    private readonly onOrder: (order: SendOrder) => void,
  ) {}

  readonly now: RolloutStore['now'] = () => this.inner.now();
  readonly claim: RolloutStore['claim'] = (replica, leaseMs) => this.inner.claim(replica, leaseMs);
  readonly load: RolloutStore['load'] = (id) => this.inner.load(id);
  readonly inbox: RolloutStore['inbox'] = (id, limit) => this.inner.inbox(id, limit);
  readonly create: RolloutStore['create'] = (rollout, audit) => this.inner.create(rollout, audit);
  readonly appendCommand: RolloutStore['appendCommand'] = (id, event, audit) =>
    this.inner.appendCommand(id, event, audit);

  async commit(commit: RolloutCommit): Promise<'committed' | 'fenced'> {
    const result = await this.inner.commit(commit);
    if (result === 'fenced') throw new Error('fenced, although nobody else is there');
    for (const action of commit.actions) if (action.kind === 'sendOrder') this.onOrder(action);
    this.doneRows += commit.inboxDone.length;
    if (this.waiter && this.doneRows >= this.waiter.rows) this.waiter.go();
    return result;
  }

  /** Resolves once so many inbox rows were worked off, in all. */
  async done(rows: number): Promise<void> {
    if (this.doneRows >= rows) return;
    await new Promise<void>((go) => (this.waiter = { rows, go }));
    this.waiter = null;
  }
}

/** As enrolment and a connected agent leave them; a thousand of them one by one would be another benchmark. */
async function enrolAll(storage: Storage, ids: readonly string[]): Promise<void> {
  const clusters = `
    INSERT INTO clusters (id, name, uid, approved, created_by, enrolled_at)
    SELECT id, id, 'uid-' || id, true, 'bench', now_ms() FROM unnest($1::text[]) id`;
  const sessions = `
    INSERT INTO sessions (cluster_id, generation, replica, opened_at, beat_at, lost_told)
    SELECT id, 1, 'bench', now_ms(), now_ms(), false FROM unnest($1::text[]) id`;
  await storage.dataSource.query(clusters, [ids]);
  await storage.dataSource.query(sessions, [ids]);
}

async function read(storage: Storage): Promise<Reading> {
  const { dataSource } = storage;
  await dataSource.query('SELECT pg_stat_force_next_flush()');
  await dataSource.query('SELECT pg_stat_clear_snapshot()');
  const [wal] = (await dataSource.query(`
    SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS at, (SELECT wal_fpi FROM pg_stat_wal)::float8 AS images
  `)) as { at: number; images: number }[];
  const tables = (await dataSource.query(`
    SELECT relname AS name, (n_tup_ins + n_tup_upd + n_tup_del)::float8 AS rows FROM pg_stat_user_tables ORDER BY 1
  `)) as { name: string; rows: number }[];
  return {
    wal: wal?.at ?? Number.NaN,
    pageImages: wal?.images ?? Number.NaN,
    rows: new Map(tables.map(({ name, rows }) => [name, rows])),
  };
}

function perEvent(before: Reading, after: Reading, events: number) {
  const byTable = [...after.rows]
    .map(([name, rows]) => [name, (rows - (before.rows.get(name) ?? 0)) / events] as const)
    .filter(([, rows]) => rows > 0);
  return {
    events,
    walBytesPerEvent: (after.wal - before.wal) / events,
    pageImagesPerEvent: (after.pageImages - before.pageImages) / events,
    rowsPerEvent: byTable.reduce((sum, [, rows]) => sum + rows, 0),
    rowsByTable: Object.fromEntries(byTable),
  };
}

function toResult(measured: readonly Measured[]): CaseResult {
  const bytes = (clusters: number): number =>
    measured.find((one) => one.clusters === clusters && one.setting === 'one report per commit' && !one.fullPageWrites)
      ?.walBytesPerEvent ?? Number.NaN;
  return {
    columns: ['clusters', 'commits', 'page images', 'WAL bytes/event', 'images/event', 'rows/event'],
    rows: measured.map((one) => [
      one.clusters,
      one.setting,
      one.fullPageWrites ? 'on' : 'off',
      short(one.walBytesPerEvent),
      short(one.pageImagesPerEvent),
      short(one.rowsPerEvent),
    ]),
    targets: [
      {
        what: 'WAL bytes per event, 5,000 clusters against 100',
        measured: bytes(5_000) / bytes(100),
        unit: '×',
        atMost: 1.2,
      },
    ],
    notes: [
      'With page images off the log holds just the changes: the figure to compare sizes by.',
      'With them on (the default) each page is copied once after a checkpoint, here at the start of the sample: the worst case.',
      'Autovacuum is off, and a VACUUM precedes each sample.',
    ],
    raw: measured,
  };
}
