import { digestOf, type Verdict } from '@wavegate/fleet';
import type { JudgeInput } from './judge-input.js';
import { judge } from './judge.js';

/** All that a verdict rests on: whoever has it can judge again. */
export interface VerdictEvidence {
  readonly schema: 1;
  readonly kind: 'VerdictEvidence';
  /** SHA-256 of the samples' canonical text. */
  readonly samplesHash: string;
  /** Samples with their queries, gates, policy and time: what `judge` was given. */
  readonly input: JudgeInput;
  readonly verdict: Verdict;
  /** What the judge was given and the hub did not keep, in words; absent: it is all there. */
  readonly incomplete?: string;
}

export function makeEvidence(input: JudgeInput, verdict: Verdict): VerdictEvidence {
  return { schema: 1, kind: 'VerdictEvidence', samplesHash: samplesHash(input), input, verdict };
}

/** What was measured; without a probe's figures as before there were any, so that older evidence still hashes the same. */
export function samplesHash({ slis, gauges = [], disruptionSeconds }: JudgeInput): string {
  return digestOf({ slis, gauges, ...(disruptionSeconds ? { disruptionSeconds } : {}) });
}

export interface Recomputed {
  readonly verdict: Verdict;
  /** Where the stored verdict says otherwise, as "kind: promote, recomputed hold"; empty = the same. */
  readonly differences: readonly string[];
}

/**
 * Judges stored evidence again. The same samples under the same policy give the same verdict: numbers may differ in their
 * last bits (logarithms of another processor), nothing else. Samples that are not the hashed ones are a difference.
 */
export function recompute(evidence: VerdictEvidence): Recomputed {
  const verdict = asReplayed(judge(evidence.input), evidence);
  const hash = samplesHash(evidence.input);
  const changed = hash === evidence.samplesHash ? [] : [`samplesHash: ${evidence.samplesHash}, recomputed ${hash}`];
  return { verdict, differences: [...changed, ...differencesOf('', evidence.verdict, verdict)] };
}

/** A replay says in which period it gave up waiting; the judge itself decides nothing then, and names none. */
function asReplayed(verdict: Verdict, { input, verdict: stored }: VerdictEvidence): Verdict {
  const periods = input.slis.reduce((most, { after }) => Math.max(most, after.length), 0);
  const gaveUp = verdict.kind === 'inconclusive' && verdict.period === null && stored?.period === periods;
  return gaveUp ? { ...verdict, period: periods } : verdict;
}

/** Numbers alike to this share of themselves are the same. */
const ALIKE = 1e-9;

function differencesOf(path: string, stored: unknown, again: unknown): string[] {
  if (typeof stored === 'number' && typeof again === 'number') {
    const alike = Math.abs(stored - again) <= ALIKE * Math.max(1, Math.abs(stored), Math.abs(again));
    return alike ? [] : [`${path}: ${stored}, recomputed ${again}`];
  }
  if (isTree(stored) && isTree(again)) {
    const keys = [...new Set([...Object.keys(stored), ...Object.keys(again)])].sort();
    return keys.flatMap((key) => differencesOf(path === '' ? key : `${path}.${key}`, stored[key], again[key]));
  }
  return stored === again ? [] : [`${path}: ${shown(stored)}, recomputed ${shown(again)}`];
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
