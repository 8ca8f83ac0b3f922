import type { Reason } from './reason.js';

/** No data never promotes: without enough samples a verdict is `hold` or `inconclusive`. */
export type VerdictKind = 'promote' | 'hold' | 'rollback' | 'inconclusive';

/** One service level's samples over the window, a pair [bad, total] per period, oldest first; null = no sample. */
export type Series = readonly (readonly [bad: number, total: number] | null)[];

export interface SliSamples {
  readonly name: string;
  /** The objective as a share of good events, 0 < objective < 1 (0.999). */
  readonly objective: number;
  /** Advisory (false) SLIs are judged and shown, never decisive. */
  readonly decisive: boolean;
  readonly baseline: Series;
  readonly after: Series;
  /** The same objective of clusters that are not upgraded yet, period by period beside `after`. Fewer than three are no comparison. */
  readonly controls?: readonly ControlSamples[];
  /**
   * The same cluster one week before (and two), newest first: the hours before the change's hour, and the periods beside
   * `after`, with a few later ones. Tells the shape of the day; absent where there is no such history.
   */
  readonly weeks?: readonly ControlSamples[];
  /** What was asked of the metrics source; carried into the evidence, never judged. */
  readonly queries?: SliQueries;
  /** Periods of `after` without a sample by cause, and those in which a counter began anew; carried, never judged. */
  readonly causes?: Readonly<Record<string, number>>;
}

/** A peer that nothing was changed in; its periods are those of the cluster that is judged. */
export interface ControlSamples {
  readonly baseline: Series;
  readonly after: Series;
}

export interface SliQueries {
  readonly bad: string;
  readonly total: string;
}

/** Something that is measured and not counted (memory, a queue's length); null = no sample. Always advisory. */
export interface GaugeSamples {
  readonly name: string;
  /** Numbers of one period; absent: one. */
  readonly perPeriod?: number;
  readonly baseline: readonly (number | null)[];
  readonly after: readonly (number | null)[];
  /** What was asked of the metrics source; carried into the evidence, never judged. */
  readonly query?: string;
}

/** Facts that decide at once, whatever the numbers say: each is true when it is *violated*. */
export interface HardGate {
  readonly name: string;
  readonly violated: boolean;
  readonly reason: Reason;
}

export interface Verdict {
  readonly schema: 1;
  readonly kind: VerdictKind;
  /** Period index (1-based, counted from the change) whose evidence decided; null while nothing is decided. */
  readonly period: number | null;
  readonly reasons: readonly Reason[];
  readonly slis: readonly SliEvidence[];
  /** Advisory; only where gauges were given. */
  readonly gauges?: readonly GaugeEvidence[];
}

/** The numbers a verdict rests on, so that it can be recomputed and read. */
export interface SliEvidence {
  readonly name: string;
  readonly decisive: boolean;
  readonly periods: number;
  readonly bad: number;
  readonly total: number;
  readonly missing: number;
  /** Share of the 30-day error budget consumed since the change, the declared allowance already taken off; 0.02 = 2 %. */
  readonly consumed: number;
  /** Burn rate over the last five minutes: 1 = exactly the rate that would just use up the budget. */
  readonly burn: number;
  /**
   * good: no worse than before, proven · burning: the error budget · worse: than its own past and its peers · unproven: it
   * may still be worse · noBaseline: nothing to compare with · noControls: the policy asks for peers, and there are none
   */
  readonly state: 'good' | 'burning' | 'worse' | 'unproven' | 'noData' | 'noBaseline' | 'noControls' | 'tooFew';
  /** The comparison with its own past; missing where the baseline is too short, and from agents that do not compare. */
  readonly comparison?: SliComparison;
  readonly queries?: SliQueries;
  readonly causes?: Readonly<Record<string, number>>;
}

/** What a cluster's verdicts leave for its wave, per decisive objective: of the judgement that saw the most. */
export interface ClusterEvidence {
  readonly name: string;
  /** Evidence for a regression (an e-value), bad and all events since the change, and the bad share before it. */
  readonly evidence: number;
  readonly bad: number;
  readonly total: number;
  readonly before: number;
}

/** How the bad share since the change compares with the one before it. Shares of 1. */
export interface SliComparison {
  readonly baselinePeriods: number;
  readonly before: number;
  readonly now: number;
  /** Scatter of the baseline against pure chance (φ); 1 = like coin tosses, 5 = errors come in bursts. */
  readonly overdispersion: number;
  /** Evidence for a regression (an e-value, at most 1e9) and how much of it stops. */
  readonly evidence: number;
  readonly evidenceNeeded: number;
  /** With 95 % confidence the bad share is no more than this … */
  readonly atMost: number;
  /** … and this is what a promotion allows. */
  readonly allowed: number;
  /** Peers that the last period was compared with; 0 = none. */
  readonly peers: number;
  /** Earlier weeks whose same hour the last period was compared with, and the rise of the bad share that is usual then; absent: none. */
  readonly week?: { readonly weeks: number; readonly rise: number };
}

/** Mann–Whitney's comparison of a gauge; it decides nothing. */
export interface GaugeEvidence {
  readonly name: string;
  readonly before: number;
  readonly now: number;
  /** Two-sided p-value. */
  readonly p: number;
  /** Chance that a sample after the change is larger than one before it; ½ = no difference. */
  readonly effect: number;
  readonly state: 'same' | 'higher' | 'lower' | 'tooFew';
  readonly query?: string;
}
