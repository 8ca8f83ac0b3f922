import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './is-alive.js';

/**
 * Below the range from which the kernel gives ports to connections and to servers that ask for "any": a port that it
 * gave once is given again to the next who asks, and a server of ours may take seconds until it binds.
 */
const RANGE = { from: 15_000, to: 30_000 };

/**
 * Ports of 127.0.0.1 on which nothing listens, kept for this process until it ends: test files run side by side, and a
 * port named twice gives one cluster the controller manager of another.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > 1_000)
      throw new Error(`no ${count} free ports from ${RANGE.from} to ${RANGE.to}; see ${reservations()}`);
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (reserve(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

const reservations = (): string => join(tmpdir(), 'wavegate-ports');

/** One file a port, made by whoever is first; that of a process that is gone counts for nothing. */
function reserve(port: number): boolean {
  const file = join(reservations(), String(port));
  mkdirSync(reservations(), { recursive: true });
  for (const mayClear of [true, false]) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return true;
    } catch {
      if (!mayClear || isAlive(readOwner(file))) return false;
      rmSync(file, { force: true });
    }
  }
  return false;
}

/** 0 while its maker has not written it yet, which is somebody alive. */
function readOwner(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen(port, '127.0.0.1', () => server.close(() => answer(true)));
  });
}
