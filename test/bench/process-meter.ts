import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spreadOf } from './spread.js';

/** Linux reports processor time in these; every kernel of the last twenty years says 100. */
const TICKS_PER_SECOND = 100;

/** Resident memory of one process, KiB. Throws when it is not there. */
export function rssKiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!line) throw new Error(`process ${pid} has no memory any more`);
  return Number(line[1]);
}

/** Median of samples over `forMs`: one sample may fall just before a garbage collection. */
export async function settledRssKiB(pid: number, forMs = 3_000): Promise<number> {
  const samples: number[] = [];
  for (const until = performance.now() + forMs; performance.now() < until; await sleep(250)) samples.push(rssKiB(pid));
  return spreadOf(samples).p50;
}

/** Processor time so far, user and system, seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND;
}

/** The same for a whole family, with the time of its members that have ended meanwhile: PostgreSQL's come and go. */
export function familyCpuSeconds(root: number): number {
  const reaped = statOf(root).slice(13, 15).map(Number);
  return cpuSeconds(familyOf(root)) + reaped.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** A process and all that descend from it. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map(processIds().map((one) => [one, parentOf(one)]));
  const family = [pid];
  for (let i = 0; i < family.length; i += 1) {
    for (const [one, parent] of parents) if (parent === family[i]) family.push(one);
  }
  return family;
}

function processIds(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((id) => id > 0);
}

function ticksOf(pid: number): number {
  const fields = statOf(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1] ?? 0);
}

/** The fields after the name, which may itself hold spaces and brackets. Empty when the process is gone. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
