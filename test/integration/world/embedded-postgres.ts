import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HubLog } from '@wavegate/runtime/hub';
import type { Storage } from '@wavegate/storage';
import { openStorage } from '@wavegate/storage';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../../apps/hub/src/database/embedded-postgres.js';
import { isAlive } from '../../kube/world/is-alive.js';

/** A real server for one test file, and a migrated database of its own for each test that asks. */
export interface TestPostgres {
  /** A database by itself, copied from a migrated template (tens of milliseconds). */
  createDatabase(): Promise<string>;
  /** Storage over a new database; closed by the caller. */
  openStorage(): Promise<Storage>;
  stop(): Promise<void>;
}

export const silentLog: HubLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

const PREFIX = 'wavegate-test-postgres-';

/** The hub's own start of the package's server, in a folder that is gone afterwards. */
export async function startTestPostgres(): Promise<TestPostgres> {
  await sweepOrphans();
  const dir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // The server runs as another user when the tests run as root.
  await chmod(dir, 0o755);
  const server = await startEmbeddedPostgres(dir);
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  // Nobody cuts the machine's power here, and a killed process loses nothing by it; with it, the checkpoint over forty
  // databases at the end takes longer on a loaded machine than the server is waited for.
  await admin.query('ALTER SYSTEM SET fsync = off');
  // What it does in the background takes transactions and writes to the log that tests count.
  await admin.query('ALTER SYSTEM SET autovacuum = off');
  await admin.query('SELECT pg_reload_conf()');
  await admin.query('CREATE DATABASE wavegate_template');
  const template = await openStorage({ url: databaseUrl(server.url, 'wavegate_template'), log: silentLog });
  await template.migrate();
  await template.close();
  let made = 0;
  const createDatabase = async (): Promise<string> => {
    made += 1;
    // Named before the wait: several tests may ask at once.
    const name = `wavegate_${made}`;
    await admin.query(`CREATE DATABASE ${name} TEMPLATE wavegate_template`);
    return databaseUrl(server.url, name);
  };
  return {
    createDatabase,
    openStorage: async () => openStorage({ url: await createDatabase(), poolSize: 8, log: silentLog }),
    stop: async () => {
      await admin.end();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Servers of test processes that were killed: the folder's name tells whose they were. */
async function sweepOrphans(): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!Number.isInteger(owner) || isAlive(owner)) continue;
    const dir = join(tmpdir(), name);
    const pid = Number((await readFile(join(dir, 'data', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
    const commandLine = pid > 0 ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (commandLine.includes(dir)) endProcess(pid);
    await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // Gone by itself, or ended by a test file beside this one.
  }
}

function databaseUrl(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.href;
}
