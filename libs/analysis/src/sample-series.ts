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
  /** Bad events that the change is charged for; fewer than the sample's where the allowance covers some. */
  readonly bad: number;
  /** All events of the sample. */
  readonly total: number;
  /** Events without the covered ones: what is compared with the past. Every good event is among them. */
  readonly counted: number;
  readonly missing: boolean;
  /** A missing period that the allowance covers: expected while an API server restarts, so it does not count against. */
  readonly excused: boolean;
}

/** The declared disruption: how much of it there is, and what our own probe saw of one. */
export interface DeclaredDisruption {
  /** Periods' worth of outage that the change may cost. */
  readonly allowed: number;
  /** Share of each period in which the probe was not answered; null or absent: the probe did not look. */
  readonly seen: readonly (number | null)[];
}

/** Where no probe looked, a period is taken for an outage from this share of bad events on; less is harm, not downtime. */
const OUTAGE_SHARE = 0.5;

/**
 * Takes the declared disruption off, oldest period first, until it is used up. It covers what the own probe saw down and
 * nothing else: a period in which the API server was away for 20 of 60 seconds has at most a third of its events covered.
 * Errors while the probe says "up" always count, and an unused declaration is no credit.
 *
 * What the probe saw may show in the next period's sample (a scrape comes late), not in a later one. Where no probe
 * looked, missing periods and those that were mostly bad are the outage, with the one after them for its tail.
 */
export function chargePeriods(after: Series, { allowed, seen }: DeclaredDisruption): ChargedPeriod[] {
  let left = Number.isFinite(allowed) ? Math.max(0, allowed) : 0;
  let carried = 0;
  return after.map((raw, at) => {
    const sample = believable(raw);
    const share = shareOf(sample);
    const looked = seen[at] ?? null;
    const down = looked === null ? Number(share >= OUTAGE_SHARE) : Math.min(1, Math.max(0, looked));
    const explained = Math.min(1, down + carried);
    const covered = Math.min(left, explained, share);
    left -= covered;
    // An outage that nobody measured has a tail of unknown length; a measured one only what it has not used.
    carried = looked === null || sample === null ? down : Math.min(down, explained - covered);
    if (sample === null) {
      return { bad: 0, total: 0, counted: 0, missing: true, excused: covered > 0 && covered === explained };
    }
    const [bad, total] = sample;
    const taken = Math.min(bad, covered * total);
    return { bad: bad - taken, total, counted: total - taken, missing: false, excused: false };
  });
}

/** A missing sample counts as all bad: it is what an outage looks like to those who count. */
function shareOf(sample: Sample): number {
  if (sample === null) return 1;
  return sample[1] === 0 ? 0 : sample[0] / sample[1];
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
