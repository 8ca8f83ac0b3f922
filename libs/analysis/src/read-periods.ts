import type { SliSamples } from '@wavegate/fleet';
import { readBaseline, type Baseline } from './baseline.js';
import type { JudgePolicy } from './judge-input.js';
import { ALONE, LEAST_PEERS, peerShifts } from './peer-shift.js';
import { believable, chargePeriods } from './sample-series.js';
import { NO_SHAPE, weekShapes, type WeekShape } from './week-shape.js';

/** One period since the change, with all that the rules ask about it. A missing one has no events. */
export interface ReadPeriod {
  readonly bad: number;
  readonly total: number;
  readonly missing: boolean;
  /** Missing as the declared disruption said it would be. */
  readonly excused: boolean;
  /** Bad events after the declared disruption was taken off. */
  readonly charged: number;
  /** Events without those that the declared disruption covers: what is compared with the past. */
  readonly counted: number;
  /** Rise of the bad share that peers saw in the same period; 0 where there are fewer than three. */
  readonly shift: number;
  readonly peers: number;
  /** What is usual at this hour of the week beyond the hours before; nothing where peers tell, or no week is known. */
  readonly week: WeekShape;
  /** Standard deviation to expect of this period's bad share; 0 where nothing is known about it. */
  readonly noise: number;
}

/** A series made ready for the rules. What is said of a period never depends on a later one. */
export interface ReadSli {
  readonly sli: SliSamples;
  readonly baseline: Baseline;
  /** Whether the baseline is long enough to compare with. */
  readonly comparable: boolean;
  /** Share of events that the objective lets be bad. */
  readonly tolerance: number;
  readonly periods: readonly ReadPeriod[];
}

/** `disruptionSeconds`: of each period since the change, in which the own probe was not answered. */
export function readSli(
  sli: SliSamples,
  policy: JudgePolicy,
  disruptionSeconds: readonly (number | null)[] = [],
): ReadSli {
  const baseline = readBaseline(sli.baseline);
  const comparable = baseline.periods >= policy.minBaseline;
  const charged = chargePeriods(sli.after, {
    allowed: policy.allowanceMs / policy.periodMs,
    seen: disruptionSeconds.map((seconds) => (seconds === null ? null : (seconds * 1000) / policy.periodMs)),
  });
  const weeks = sli.weeks ? weekShapes(sli.weeks, sli.after.length, policy.minBaseline) : [];
  const shifts = sli.controls ? peerShifts(sli.controls, sli.after.length) : [];
  const periods = charged.map((charge, at): ReadPeriod => {
    const sample = believable(sli.after[at]);
    const { shift, spread, count } = shifts[at] ?? ALONE;
    // Peers see this very hour; a week ago is only like it.
    const week = count >= LEAST_PEERS ? NO_SHAPE : (weeks[at] ?? NO_SHAPE);
    const { total, counted } = charge;
    const chance = comparable && total > 0 ? variance(baseline, shift + week.rise, counted > 0 ? counted : total) : 0;
    const differences = count >= LEAST_PEERS ? spread ** 2 * (1 + 1 / count) : 0;
    return {
      bad: sample === null ? 0 : sample[0],
      total,
      missing: charge.missing,
      excused: charge.excused,
      charged: charge.bad,
      counted,
      shift,
      peers: count,
      week,
      noise: Math.sqrt(chance + differences),
    };
  });
  return { sli, baseline, comparable, tolerance: 1 - sli.objective, periods };
}

/** φ·p(1 − p)/n at the share that is to be expected. */
function variance({ share, phi }: Baseline, shift: number, total: number): number {
  const expected = Math.min(share + shift, 0.5 + share / 2);
  return (phi * expected * (1 - expected)) / total;
}
