import type { ControlSamples } from '@wavegate/fleet';
import { readBaseline, type Baseline } from './baseline.js';
import { believable, sum } from './sample-series.js';

/** Periods on each side that speak for a period's hour: one alone is mostly chance. All of them are a week old: none is waited for. */
export const BESIDE = 5;
/** Periods with events that an hour needs before it is believed. */
const LEAST_SEEN = 6;
/** From so many standard errors on the hour may be different, and its being an estimate is paid for. */
const SHAPED = 1;
/** Standard errors that are given to the shape where there is one: what is known of it is half an hour, once. */
const DOUBT = 1;

/** How much worse this hour was in the weeks before than the hours before it, in one period. */
export interface WeekShape {
  /** Rise of the bad share, at least 0: a service that gets better at this hour is not held to it. */
  readonly rise: number;
  /** Whether the rise stands out of its own scatter. */
  readonly shaped: boolean;
  readonly weeks: number;
}

export const NO_SHAPE: WeekShape = { rise: 0, shaped: false, weeks: 0 };

/**
 * The shape of the day, from the same window one week ago (and two): what the service did then at the same hour, against
 * the hours before it. Only the rise is taken: a service that is on another level than last week is compared with its
 * level of today. Of two weeks the smaller rise counts: a shape is in both, an incident in one.
 */
export function weekShapes(
  weeks: readonly ControlSamples[],
  periods: number,
  minBaseline: number,
): readonly WeekShape[] {
  const known = weeks
    .map(({ baseline, after }) => ({ past: readBaseline(baseline), after }))
    .filter(({ past }) => past.periods >= minBaseline);
  return Array.from({ length: periods }, (_, at) => {
    const rises = known.flatMap(({ past, after }) =>
      riseOf(past, after.slice(Math.max(0, at - BESIDE), at + BESIDE + 1)),
    );
    const least = rises.toSorted((a, b) => a.rise - b.rise)[0];
    return least ? { ...least, weeks: rises.length } : NO_SHAPE;
  });
}

type Rise = Pick<WeekShape, 'rise' | 'shaped'>;

function riseOf(past: Baseline, around: ControlSamples['after']): Rise[] {
  const samples = around.map(believable).flatMap((one) => (one && one[1] > 0 ? [{ bad: one[0], total: one[1] }] : []));
  if (samples.length < LEAST_SEEN) return [];
  const { bad, total } = sum(samples);
  const rise = bad / total - past.mean;
  const expected = Math.max(past.share, (bad + 0.5) / (total + 1));
  const error = Math.sqrt(past.phi * expected * (1 - expected) * (1 / total + 1 / (past.total + 1)));
  const shaped = rise > SHAPED * error;
  return [{ rise: Math.max(0, rise + (shaped ? DOUBT * error : 0)), shaped }];
}
