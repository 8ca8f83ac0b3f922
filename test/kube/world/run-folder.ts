import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './is-alive.js';

const PREFIX = 'wavegate-kube-';

/** Everything of one run of the world lies below one folder; older runs that crashed are cleared first. */
export function makeRunFolder(): string {
  clearLeftovers();
  const dir = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(dir, 'owner'), String(process.pid));
  return dir;
}

/** Removes the folder, unless WAVEGATE_KEEP_RUN asks to look into it afterwards. */
export function removeRunFolder(dir: string): void {
  if (process.env['WAVEGATE_KEEP_RUN']) process.stderr.write(`kept: ${dir}\n`);
  else rmSync(dir, { recursive: true, force: true });
}

/** Ends the programs and removes the folders of runs whose owner is gone. Returns what was cleared. */
export function clearLeftovers(root = tmpdir()): readonly string[] {
  const cleared: string[] = [];
  for (const name of readdirSync(root)) {
    const dir = join(root, name);
    if (!name.startsWith(PREFIX) || !isLeft(dir)) continue;
    for (const cluster of readdirSync(dir, { withFileTypes: true })) {
      if (cluster.isDirectory()) endRecorded(join(dir, cluster.name));
    }
    if (!process.env['WAVEGATE_KEEP_RUN']) rmSync(dir, { recursive: true, force: true });
    cleared.push(dir);
  }
  return cleared;
}

/** Test files run side by side: a folder that one of them removes just now is nobody's. */
function isLeft(dir: string): boolean {
  try {
    return !isAlive(Number(readFileSync(join(dir, 'owner'), 'utf8')));
  } catch {
    return false;
  }
}

function endRecorded(clusterDir: string): void {
  const file = join(clusterDir, 'pids');
  if (!existsSync(file)) return;
  for (const pid of readFileSync(file, 'utf8').split('\n').map(Number)) {
    // A number is not an identity: the process must still be one that was given paths of that folder.
    if (pid > 0 && commandLine(pid).includes(clusterDir)) endProcess(pid);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
