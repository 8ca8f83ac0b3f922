import { runSeed } from './run-seed.js';
import type { SeedResult } from './run-seed.js';
import { Sightings } from './sightings.js';

const TRACE_LINES = 60;

/** A failing seed, without its world: hundreds of them must not fill the memory. */
export interface Failure {
  readonly seed: number;
  readonly complaints: readonly string[];
  readonly lastLines: string;
  readonly path: string;
}

export interface SeedsResult {
  readonly failures: readonly Failure[];
  readonly sightings: Sightings;
}

export async function runSeeds(
  from: number,
  count: number,
  each: (result: SeedResult) => void = () => undefined,
): Promise<SeedsResult> {
  const failures: Failure[] = [];
  const sightings = new Sightings();
  for (let seed = from; seed < from + count; seed++) {
    const result = await runSeed(seed);
    sightings.add(result.sightings);
    each(result);
    if (result.complaints.length === 0) continue;
    const { trace } = result.world;
    failures.push({ seed, complaints: result.complaints, lastLines: trace.last(TRACE_LINES), path: trace.write(seed) });
  }
  return { failures, sightings };
}

/** What a person needs to go on: the broken promise, how to see it again, and the end of the story. */
export function describeFailure({ seed, complaints, lastLines, path }: Failure): string {
  return [
    `seed ${seed}: ${complaints.length} complaints`,
    ...complaints.map((line) => `  ${line}`),
    `again: make simulate SEEDS=1 FROM=${seed}`,
    `whole trace: ${path}`,
    lastLines,
  ].join('\n');
}

/** What must have happened at least so often over so many seeds for the run to mean anything. */
export function expectedSightings(seeds: number): Readonly<Record<string, number>> {
  const perHundred: Readonly<Record<string, number>> = {
    'fault agent killed': 50,
    'fault agent vanishes': 1,
    'fault clock skew': 20,
    'fault cluster offline at the start': 10,
    'fault connect failure': 10,
    'fault hub killed': 50,
    'fault hub paused': 20,
    'fault line half-open': 10,
    'fault message delayed': 50,
    'fault message duplicated': 100,
    'fault message lost (stream broken)': 50,
    'fault partition': 20,
    'fault store away': 10,
    'fault twin agent': 20,
    'cluster upgraded': 100,
    'cluster halted': 10,
    'cluster rolledBack': 2,
    'cluster skipped': 5,
    'cluster lost': 5,
    'rollout paused': 10,
    'rollout blocked': 10,
    'rollout aborted': 5,
    'rollout finished': 50,
  };
  return Object.fromEntries(
    Object.entries(perHundred).map(([what, least]) => [what, Math.floor((least * seeds) / 100)]),
  );
}
