import type { GaugeEvidence, GaugeSamples } from '@wavegate/fleet';
import { normalCdf } from './normal-distribution.js';

/** Fewer points than this on either side tell nothing (Kayenta's documented minimum). */
const LEAST_POINTS = 50;
/** Kayenta's level, two-sided. */
const LEVEL = 0.02;
/** And the effect must be one: three of four pairs on the same side. */
const LEAST_EFFECT = 0.25;

export interface RankTest {
  /** Pairs in which the second sample's value is the larger, ties counted half. */
  readonly u: number;
  /** Two-sided p-value: normal approximation with ties and continuity corrected. */
  readonly p: number;
  /** Chance that a value of the second sample is larger than one of the first; ½ = no difference. */
  readonly effect: number;
}

/** The Mann–Whitney U test of `second` against `first`, as scipy's `mannwhitneyu(second, first, method="asymptotic")`. */
export function mannWhitney(first: readonly number[], second: readonly number[]): RankTest {
  const [m, n] = [first.length, second.length];
  if (m === 0 || n === 0) return { u: 0, p: 1, effect: 0.5 };
  const { rankSum, ties } = rank(first, second);
  const u = rankSum - (n * (n + 1)) / 2;
  const all = m + n;
  const variance = ((m * n) / 12) * (all + 1 - ties / (all * (all - 1)));
  const distance = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5);
  const p = variance > 0 ? Math.min(1, 2 * normalCdf(-distance / Math.sqrt(variance))) : 1;
  return { u, p, effect: u / (m * n) };
}

/** Sum of the second sample's mid-ranks, and Σ(t³ − t) over groups of ties. */
function rank(first: readonly number[], second: readonly number[]): { rankSum: number; ties: number } {
  const values = [...first.map((value) => ({ value, of: 0 })), ...second.map((value) => ({ value, of: 1 }))];
  values.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < values.length;) {
    let until = from;
    let mine = 0;
    while (until < values.length && values[until]?.value === values[from]?.value) {
      mine += values[until]?.of ?? 0;
      until += 1;
    }
    const tied = until - from;
    rankSum += mine * ((from + 1 + until) / 2);
    ties += tied ** 3 - tied;
    from = until;
  }
  return { rankSum, ties };
}

/** Is a gauge (memory, a queue's length) higher or lower than before the change? Advisory: gauges have trends of their own. */
export function compareGauge(gauge: GaugeSamples, periods = Infinity): GaugeEvidence {
  const { name, baseline, after, perPeriod = 1, query } = gauge;
  const head = { name, ...(query === undefined ? {} : { query }) };
  const first = baseline.filter(isNumber);
  const second = after.slice(0, periods * perPeriod).filter(isNumber);
  const { p, effect } = mannWhitney(first, second);
  const means = { before: mean(first), now: mean(second) };
  if (Math.min(first.length, second.length) < LEAST_POINTS) return { ...head, ...means, p: 1, effect, state: 'tooFew' };
  const differs = p <= LEVEL && Math.abs(effect - 0.5) >= LEAST_EFFECT;
  return { ...head, ...means, p, effect, state: differs ? (effect > 0.5 ? 'higher' : 'lower') : 'same' };
}

const isNumber = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value);

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((all, value) => all + value, 0) / values.length;
}
