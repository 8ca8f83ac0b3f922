#!/usr/bin/env node
// Obtains the real components of the kube tier: WAVEGATE_KUBE_BIN → cache → official release → go build.
// stdout: one JSON object { "program@version": path }; stderr: progress. Exit 0 all there, 1 not to be had, 3 missing (--check).
import { mkdirSync, openSync, readFileSync, rmSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_SETS, SETS, cacheFolder, lookUp } from './obtain-catalogue.mjs';
import { buildSet, removeWork } from './obtain-go-build.mjs';
import { takeRelease } from './obtain-release.mjs';

const started = Date.now();
const say = (line) =>
  process.stderr.write(`[obtain ${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s] ${line}\n`);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const running = new Set();

const HELP = `usage: node obtain.mjs [--check] [--lab | --only=etcd,kwok,1.35.4,…] [--no-release] [--keep-go-caches]
  WAVEGATE_KUBE_BIN  a directory that holds ${SETS.map((set) => `${set.folder}/{${set.programs.join(',')}}`).join(' ')}
  --lab              what the nodes of \`make lab\` run, instead of what the kube tier runs
  WAVEGATE_CACHE     where programs are kept (default: XDG_CACHE_HOME/wavegate or ~/.cache/wavegate; kube/ below it)`;

function wantedSets(args) {
  const only = args
    .find((arg) => arg.startsWith('--only='))
    ?.slice('--only='.length)
    .split(',');
  if (!only) return args.includes('--lab') ? LAB_SETS : SETS;
  const all = [...SETS, ...LAB_SETS];
  const unknown = only.filter((id) => !all.some((set) => set.id === id));
  if (unknown.length > 0)
    throw new Error(`--only: ${unknown.join(', ')} is none of ${all.map((set) => set.id).join(', ')}`);
  return all.filter((set) => only.includes(set.id));
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function holder(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

/** One run at a time fills the cache; a second one waits for it rather than building the same thing again. */
async function takeLock(cache) {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, '.lock');
  for (let waited = 0; ; waited += 1) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = holder(path);
    // A lock without a number is one being written this very moment, unless it stays so.
    if (pid ? !alive(pid) : waited > 3) rmSync(path, { force: true });
    else if (waited % 15 === 0) say(`another run (process ${pid}) is filling ${cache}; waiting for it`);
    await pause(1_000);
  }
}

/** Releases first: seconds instead of minutes. What fails once is not asked again for the other programs of a set. */
async function downloadMissing(missing, cache, refused) {
  for (const { set, program } of missing) {
    if (refused.has(set.kind) || lookUp([set]).have[`${program}@${set.version}`]) continue;
    try {
      await takeRelease(set, program, join(cache, set.folder));
      say(`${set.folder}: ${program} taken from its official release, checksum verified`);
    } catch (error) {
      if (error.message.includes('CHECKSUM MISMATCH')) throw error;
      refused.add(set.kind);
      say(
        `${set.kind}: the official release is not to be had here (${error.message}); building it from Go modules instead`,
      );
    }
  }
}

async function buildMissing(sets, cache) {
  const work = join(cache, '.build');
  for (const set of sets) {
    const programs = lookUp([set]).missing.map((each) => each.program);
    if (programs.length === 0) continue;
    say(`${set.folder}: go build of ${programs.join(', ')} (usually ${set.usually})`);
    const beat = setInterval(() => say(`${set.folder}: still building`), 30_000);
    try {
      const keepRunning = (child) => {
        running.add(child);
        child.on('close', () => running.delete(child));
      };
      await buildSet(set, programs, { folder: join(cache, set.folder), work, say, keepRunning });
    } finally {
      clearInterval(beat);
    }
  }
}

async function obtain(args) {
  const sets = wantedSets(args);
  const first = lookUp(sets);
  if (first.missing.length === 0) return first.have;
  const names = first.missing.map(({ set, program }) => `${program} ${set.version}`).join(', ');
  if (args.includes('--check')) {
    say(`missing: ${names}`);
    process.exitCode = 3;
    return first.have;
  }
  const cache = cacheFolder();
  say(`missing: ${names}; they go to ${cache}`);
  const unlock = await takeLock(cache);
  try {
    if (!args.includes('--no-release')) await downloadMissing(lookUp(sets).missing, cache, new Set());
    await buildMissing(sets, cache);
  } finally {
    // The Go caches grow to gigabytes; only the programs are worth keeping.
    if (!args.includes('--keep-go-caches')) removeWork(join(cache, '.build'));
    unlock();
  }
  return lookUp(sets).have;
}

// Killed on the way: finished programs stay, the lock and the running compiler do not.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) child.kill('SIGTERM');
    if (holder(join(cacheFolder(), '.lock')) === process.pid) rmSync(join(cacheFolder(), '.lock'), { force: true });
    say('interrupted; what is finished is kept, and the next run goes on from here');
    process.exit(130);
  });
}

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${HELP}\n`);
} else {
  try {
    process.stdout.write(`${JSON.stringify(await obtain(args), null, 1)}\n`);
  } catch (error) {
    say(`cannot obtain the components of the ${args.includes('--lab') ? 'lab' : 'kube tier'}: ${error.message}`);
    process.exitCode = 1;
  }
}
