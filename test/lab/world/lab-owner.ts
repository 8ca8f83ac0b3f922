import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labCache, runFolder } from './lab-places.js';

const file = (lab: string): string => join(labCache('run'), lab, 'owner');

/** Says that this process raises the lab, or tests with it: another one's teardown of everything leaves it alone. Once the process has ended it is whoever's. */
export function ownLab(lab: string): void {
  runFolder(lab);
  writeFileSync(file(lab), String(process.pid));
}

/** Labs that another living process works with → its pid. */
export function ownedLabs(): ReadonlyMap<string, number> {
  const owned = new Map<string, number>();
  const home = labCache('run');
  for (const lab of existsSync(home) ? readdirSync(home) : []) {
    const pid = existsSync(file(lab)) ? Number(readFileSync(file(lab), 'utf8')) : 0;
    if (pid > 0 && pid !== process.pid && isNode(pid)) owned.set(lab, pid);
  }
  return owned;
}

/** A number is not an identity: it must still be a Node program, as jest and `make lab-up` are. */
function isNode(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node');
  } catch {
    return false;
  }
}
