import { MOST_GAUGES } from './gauge.js';
import type { GaugeSamples, HardGate, Series, SliSamples } from './verdict.js';

/** What a judgement rests on, as an agent tells it: enough to draw it, and to judge again. */
export interface JudgedSamples {
  /** Epoch ms: beginning of the first period since the change. */
  readonly from: number;
  /** Epoch ms: end of the past that is compared with, before anything was changed. */
  readonly baselineUntil: number;
  readonly periodMs: number;
  readonly slis: readonly SliSamples[];
  /** Of each period of `after`, the seconds in which the agent's own probe was not answered; null = it did not look. */
  readonly disruptionSeconds?: readonly (number | null)[];
  /** Compared and shown, never decisive: the first to be left out where a message would be too large. */
  readonly gauges?: readonly GaugeSamples[];
  /** Oldest periods of `after` that were left out for their number; 0 = none. */
  readonly dropped: number;
  /** What else the judge was given; only with a verdict. */
  readonly given?: JudgedWith;
}

/** Beside the samples: all that a verdict depends on. Its policy is that of the plan and the phase. */
export interface JudgedWith {
  readonly elapsedMs: number;
  readonly gates: readonly HardGate[];
  readonly objectives: readonly string[];
  /** SHA-256 of the samples' canonical text, by the agent. */
  readonly samplesHash: string;
}

/** How much of the samples is told. */
export interface SampleBounds {
  readonly slis: number;
  readonly baseline: number;
  readonly after: number;
  readonly controls: number;
  readonly gauges: number;
  /**
   * Pairs in all, a gauge's number counted as one: a message that is larger than the wire takes would never arrive. Gauges
   * go first, then peers, then objectives.
   */
  readonly pairs: number;
}

/** With each progress, which may be lost: what a sparkline shows. */
export const PROGRESS_BOUNDS: SampleBounds = {
  slis: 12,
  baseline: 12,
  after: 30,
  controls: 0,
  gauges: MOST_GAUGES,
  pairs: 4_000,
};
/** With the verdict: a day of minutes, as far as the pairs reach. What was left out makes the evidence incomplete, and it says so. */
export const VERDICT_BOUNDS: SampleBounds = {
  slis: 40,
  baseline: 60,
  after: 1_440,
  controls: 7,
  gauges: MOST_GAUGES,
  pairs: 30_000,
};

/** The newest of each series within the bounds; what is left out is said. */
export function boundSamples({ gauges: all = [], ...samples }: JudgedSamples, bounds: SampleBounds): JudgedSamples {
  const periods = samples.slis.reduce((most, { after }) => Math.max(most, after.length), 0);
  const dropped = Math.max(0, periods - bounds.after);
  const newest = <T>(list: readonly T[], count: number): readonly T[] => (count > 0 ? list.slice(-count) : []);
  const slis = samples.slis.slice(0, bounds.slis).map(({ controls, weeks, ...sli }): SliSamples => {
    const kept = (controls ?? []).slice(0, bounds.controls).map(({ baseline, after }) => ({
      ...{ baseline: newest(baseline, bounds.baseline), after: after.slice(dropped) },
    }));
    const bounded = { ...sli, baseline: newest(sli.baseline, bounds.baseline), after: sli.after.slice(dropped) };
    const past = (bounds.controls > 0 ? (weeks ?? []) : []).map(({ baseline, after }) => ({
      ...{ baseline: newest(baseline, bounds.baseline), after: after.slice(dropped) },
    }));
    return { ...bounded, ...(kept.length > 0 ? { controls: kept } : {}), ...(past.length > 0 ? { weeks: past } : {}) };
  });
  const seen = samples.disruptionSeconds?.slice(dropped);
  const trimmed = all.slice(0, bounds.gauges).map(({ baseline, after, ...gauge }): GaugeSamples => {
    const { perPeriod = 1 } = gauge;
    return {
      ...gauge,
      baseline: newest(baseline, bounds.baseline * perPeriod),
      after: after.slice(dropped * perPeriod),
    };
  });
  const gauges = gaugesWithin(trimmed, bounds.pairs - pairsOf(slis));
  return {
    ...samples,
    slis: withinPairs(slis, bounds.pairs),
    dropped: samples.dropped + dropped,
    ...(seen ? { disruptionSeconds: seen } : {}),
    ...(gauges.length > 0 ? { gauges } : {}),
  };
}

/** Each or none of it: what is left of one would be another comparison, and look like the same. */
function gaugesWithin(gauges: readonly GaugeSamples[], most: number): readonly GaugeSamples[] {
  let left = most;
  return gauges.filter(({ baseline, after }) => {
    const numbers = baseline.length + after.length;
    const fits = numbers <= left;
    if (fits) left -= numbers;
    return fits;
  });
}

/** One number a period, the mean of those that are there: what a screen draws. */
export function gaugeByPeriod({ name, perPeriod = 1, baseline, after }: GaugeSamples): GaugeSamples {
  return { name, baseline: means(baseline, perPeriod, baseline.length % perPeriod), after: means(after, perPeriod, 0) };
}

/** Groups of `size` from `begin` on; what is before is no whole period. */
function means(levels: GaugeSamples['after'], size: number, begin: number): (number | null)[] {
  return Array.from({ length: Math.ceil((levels.length - begin) / size) }, (_, n) => {
    const group = levels.slice(begin + n * size, begin + (n + 1) * size).filter((level) => level !== null);
    return group.length === 0 ? null : group.reduce((sum, level) => sum + level, 0) / group.length;
  });
}

function withinPairs(slis: readonly SliSamples[], most: number): readonly SliSamples[] {
  if (pairsOf(slis) <= most) return slis;
  const alone = slis.map(({ controls: _, weeks: __, ...sli }): SliSamples => sli);
  return alone.filter((_, at) => pairsOf(alone.slice(0, at + 1)) <= most);
}

function pairsOf(slis: readonly SliSamples[]): number {
  const own = ({ baseline, after }: Pick<SliSamples, 'baseline' | 'after'>): number => baseline.length + after.length;
  return slis
    .flatMap((sli) => [sli, ...(sli.controls ?? []), ...(sli.weeks ?? [])])
    .reduce((sum, one) => sum + own(one), 0);
}

/** One objective counted by a cluster in which nothing is changed. */
export interface CountedSli {
  readonly name: string;
  readonly series: Series;
}

/** Hub → agent: count these objectives for others to be compared with. Lossy; asked again. */
export interface MeasureRequest {
  /** Canonical text of the plan that names the objectives, and its digest. */
  readonly plan: string;
  readonly planDigest: string;
  /** Epoch ms, both multiples of `periodMs`. */
  readonly from: number;
  readonly until: number;
  readonly periodMs: number;
}

/** Agent → hub: the answer. Lossy. */
export interface MeasuredSamples {
  readonly planDigest: string;
  readonly from: number;
  readonly periodMs: number;
  readonly slis: readonly CountedSli[];
}

/** Hub → agent under judgement: what clusters did in the same periods that nothing was changed in. Lossy. */
export interface Controls {
  readonly orderId: string;
  /** Those of the judgement that they are for. */
  readonly from: number;
  readonly baselineUntil: number;
  readonly periodMs: number;
  readonly peers: readonly ControlPeer[];
}

export interface ControlPeer {
  readonly cluster: string;
  readonly slis: readonly { readonly name: string; readonly baseline: Series; readonly after: Series }[];
}
