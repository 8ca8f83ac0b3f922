import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** What a restore needs: the server, and the tool that turns a snapshot into its data folder. */
export interface EtcdPrograms {
  readonly etcd: string;
  /** `etcdutl`, or `etcdctl` of a release (≤ 3.5) that still restores. */
  readonly restorer: string;
}

/** A program that runs on this host, in whatever container. */
export interface RunningProgram {
  readonly pid: number;
  readonly args: readonly string[];
  /** Its file as this process can start it: through `/proc/PID/root`, so that the container's image need not be here. */
  readonly file: string;
  /** Root of its own file system. */
  readonly root: string;
}

/**
 * `dir`: where the person says they are. Otherwise the server is the one that serves this port here, in exactly the
 * right version, or one on the PATH; the tool is on the PATH, or lies beside that server (Kubernetes' own etcd images do
 * not always hold it). Null where they are not to be had.
 */
export function findEtcdPrograms(dir: string | null, port: string): EtcdPrograms | null {
  const running = dir === null ? findRunning('etcd', `:${port}`) : null;
  const beside = running ? [dirname(running.file)] : [];
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const folders = dir === null ? [...onPath, ...beside] : [dir];
  const etcd = [...beside, ...folders].map((folder) => join(folder, 'etcd')).find(isProgram);
  const restorer =
    folders.map((folder) => join(folder, 'etcdutl')).find(isProgram) ??
    folders.map((folder) => join(folder, 'etcdctl')).find(canRestore);
  return etcd && restorer ? { etcd, restorer } : null;
}

/** `etcdctl` until 3.5; from 3.6 on it has lost that word. */
function canRestore(file: string): boolean {
  if (!isProgram(file)) return false;
  const { stdout } = spawnSync(file, ['version'], { encoding: 'utf8', timeout: 5_000 });
  return /version: 3\.[0-5]\./.test(stdout ?? '');
}

/** `given`: a file. `host`: the API server that runs here on the etcd of this port. */
export function findApiServer(given: string | null, port: string): string | null {
  if (given === null) return null;
  if (given === 'host') return findRunning('kube-apiserver', `:${port}`)?.file ?? null;
  return isProgram(given) ? given : null;
}

/** The first process of that name whose arguments hold the word. Null also where /proc is closed to this user. */
export function findRunning(name: string, word: string): RunningProgram | null {
  for (const pid of numbersIn('/proc')) {
    const args = argumentsOf(pid);
    if (args[0]?.split('/').at(-1) !== name || !args.some((arg) => arg.includes(word))) continue;
    const root = `/proc/${pid}/root`;
    const program = link(`/proc/${pid}/exe`);
    if (program && isProgram(join(root, program))) return { pid, args, root, file: join(root, program) };
  }
  return null;
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function numbersIn(dir: string): readonly number[] {
  try {
    return readdirSync(dir)
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

/** A process may be gone by now, or be somebody else's: it is then none of those looked for. */
function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}
