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
  readonly state: 'good' | 'burning' | 'noData' | 'tooFew';
}
