import type { PlanSpec } from './plan.js';

/** A whole number, or a percentage of something: 10, "5%", "2.5%". */
export type PercentOrCount = number | string;

/** Share of a percentage text: "5%" → 0.05; null for a count or anything else. */
export function shareOf(value: PercentOrCount): number | null {
  const match = typeof value === 'string' ? /^(\d{1,3}(?:\.\d+)?)%$/.exec(value) : null;
  return match ? Number(match[1]) / 100 : null;
}

/**
 * How many `value` means of `total`: a count is itself, a percentage is rounded as asked, neither is less than `min`.
 * Not limited by `total`: more slots than clusters is not wrong.
 */
export function resolveCount(value: PercentOrCount, total: number, rounding: 'up' | 'down', min: number): number {
  const share = shareOf(value);
  if (share === null) return Math.max(min, Number(value));
  const exact = tidy(share * total);
  return Math.max(min, rounding === 'up' ? Math.ceil(exact) : Math.floor(exact));
}

/** 0.07 × 100 is 7.000000000000001 in binary, which must not round up to 8. */
function tidy(exact: number): number {
  const whole = Math.round(exact);
  return Math.abs(exact - whole) < 1e-9 ? whole : exact;
}

/**
 * Failures that a wave tolerates: that many may happen, one more blocks. `wave` is 1-based. The first wave takes
 * `firstWave` (0 by default). A later wave's percentage is of its own clusters, rounded down, but at least 1, since
 * "5 %" of a small wave would otherwise mean none; a count there is taken as it stands, also 0.
 */
export function toleratedFailures(budget: PlanSpec['strategy']['budget'], wave: number, waveSize: number): number {
  if (wave <= 1) return resolveCount(budget.firstWave, waveSize, 'down', 0);
  const least = shareOf(budget.laterWaves) ? 1 : 0;
  return resolveCount(budget.laterWaves, waveSize, 'down', least);
}
