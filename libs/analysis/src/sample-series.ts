import type { Series } from '@wavegate/fleet';

/** One period's [bad, total]; null where there is no sample that can be believed. */
export type Sample = readonly [bad: number, total: number] | null;

/** A counter reset, a division by zero or a swapped query gives numbers that mean nothing: they count as missing. */
export function believable(sample: Sample | undefined): Sample {
  if (!sample) return null;
  const [bad, total] = sample;
  const sane = Number.isFinite(bad) && Number.isFinite(total) && bad >= 0 && total >= 0 && bad <= total;
  return sane ? [bad, total] : null;
}

/** A period after the declared disruption was taken off. */
export interface ChargedPeriod {
  /** Bad events that the budget is charged for; fewer than the sample's where the allowance covers some. */
  readonly bad: number;
  readonly total: number;
  readonly missing: boolean;
  /** A missing period that the allowance covers: expected while an API server restarts, so it does not count against. */
  readonly excused: boolean;
}

/**
 * Takes the declared disruption off, oldest period first: a missing period costs a whole period of the allowance, a
 * period with bad events the share of it that was bad, until the allowance is used up.
 */
export function chargePeriods(after: Series, allowedPeriods: number): ChargedPeriod[] {
  let left = Number.isFinite(allowedPeriods) ? Math.max(0, allowedPeriods) : 0;
  return after.map((raw) => {
    const sample = believable(raw);
    const share = sample === null ? 1 : sample[1] === 0 ? 0 : sample[0] / sample[1];
    const covered = Math.min(left, share);
    left -= covered;
    if (sample === null) return { bad: 0, total: 0, missing: true, excused: covered === 1 };
    const [bad, total] = sample;
    return { bad: Math.max(0, bad - covered * total), total, missing: false, excused: false };
  });
}

export interface Sums {
  readonly bad: number;
  readonly total: number;
}

export function sum(samples: readonly { readonly bad: number; readonly total: number }[]): Sums {
  return samples.reduce<Sums>((sums, { bad, total }) => ({ bad: sums.bad + bad, total: sums.total + total }), {
    bad: 0,
    total: 0,
  });
}

/** Mean events per period over the periods that have a sample; 0 where none has. */
export function eventsPerPeriod(series: Series): number {
  const samples = series.map(believable).filter((sample) => sample !== null);
  if (samples.length === 0) return 0;
  return samples.reduce((events, [, total]) => events + total, 0) / samples.length;
}
