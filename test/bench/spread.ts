/** Order statistics of a sample; the sample is not changed. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function spreadOf(sample: readonly number[]): Spread {
  const sorted = [...sample].sort((a, b) => a - b);
  // Nearest rank: a value that was really measured, never one between two.
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, min: rank(0), p50: medianOf(sorted), p99: rank(0.99), max: rank(1) };
}

/** Of an even count the mean of the middle two: by nearest rank, two runs would be told by the better one. */
function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Three significant digits, no exponent: more would claim a precision that a shared machine does not have. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value !== 0 && Math.abs(value) < 100) return String(Number(value.toPrecision(3)));
  return String(Math.round(value));
}

/** "0.41 (0.39–0.52)" */
export function medianAndRange(sample: readonly number[]): string {
  const { p50, min, max } = spreadOf(sample);
  return `${short(p50)} (${short(min)}–${short(max)})`;
}
