import type { ClusterEvidence, GaugeSamples, HardGate, SliSamples } from '@wavegate/fleet';

/** How a phase is judged; every time in milliseconds, every rate a share. Defaults: `DEFAULT_POLICY`. */
export interface JudgePolicy {
  readonly periodMs: number;
  /** Least time since the change before a promotion, and as many periods of every decisive objective with events. */
  readonly minSoakMs: number;
  /** Beyond this without a decision the verdict is inconclusive. */
  readonly maxSoakMs: number;
  /** Declared disruption: how long the cluster may be away for the change (`plan.verdict.allowance`); covers only what was away. */
  readonly allowanceMs: number;
  /** Share of the 30-day budget that rolls back while it still burns (0.02). */
  readonly consumedLimit: number;
  /** Fast burn that rolls back after two periods in a row (14.4). */
  readonly fastBurn: number;
  /** Fewest events since the change for a promotion or a rollback, and in each of the two periods of a fast burn. */
  readonly minEvents: number;
  readonly onBurn: 'hold' | 'rollback';
  /** What a regression alone does, without a burning budget: a stop is cheap, a rollback is not. */
  readonly onRegression: 'hold' | 'rollback';
  /** Share of healthy clusters that may be stopped for a regression that is none; shared out over the decisive objectives. */
  readonly alpha: number;
  /** Share of clusters worse by the whole margin that may be promoted all the same. */
  readonly promoteAlpha: number;
  /** A regression is at least this many times the bad share of before … */
  readonly leastRatio: number;
  /** … and at least this part of what the objective tolerates on top of it. */
  readonly leastShift: number;
  /** Non-inferiority: how much worse is still no worse, in multiples of the bad share before or of what the objective tolerates, whichever is more. */
  readonly margin: number;
  /** Fewest periods before the change that can be compared with. */
  readonly minBaseline: number;
  /** Where fewer than three peers have fresh samples: judge against the own past alone, or hold. */
  readonly withoutControls: 'judge' | 'hold';
}

/**
 * Budget: the workbook's figures for a 30-day budget, 14.4 × for an hour, or 2 % of the budget, is when people are woken.
 * Comparison: the figures whose error rates `make bench-verdict` prints.
 */
export const DEFAULT_POLICY: JudgePolicy = {
  periodMs: 60_000,
  minSoakMs: 5 * 60_000,
  maxSoakMs: 30 * 60_000,
  allowanceMs: 0,
  consumedLimit: 0.02,
  fastBurn: 14.4,
  minEvents: 100,
  onBurn: 'rollback',
  onRegression: 'hold',
  alpha: 0.01,
  promoteAlpha: 0.05,
  leastRatio: 1.5,
  leastShift: 0.05,
  margin: 1,
  minBaseline: 10,
  withoutControls: 'judge',
};

/** Everything a verdict depends on; nothing else does. */
export interface JudgeInput {
  readonly slis: readonly SliSamples[];
  readonly gates: readonly HardGate[];
  readonly policy: JudgePolicy;
  /** Milliseconds since the change was through. */
  readonly elapsedMs: number;
  /** Decisive objectives that the plan asks for: one without samples in `slis` is missing data, not a pass. */
  readonly objectives?: readonly string[];
  /**
   * Of each period since the change, the seconds in which our own probe was not answered; null = it did not look. The
   * declared disruption covers these and nothing else. Absent: no probe; then only what looks like an outage is covered.
   */
  readonly disruptionSeconds?: readonly (number | null)[];
  /** Compared and shown, never decisive. */
  readonly gauges?: readonly GaugeSamples[];
}

/** One cluster's contribution to a wave's verdict. */
export interface ClusterVerdict {
  readonly clusterId: string;
  readonly ended: 'upgraded' | 'rolledBack' | 'halted' | 'skipped' | 'lost';
  /** What it is like, in the words of what the plan spreads by; '' or absent: nothing. */
  readonly stratum?: string;
  /** Absent where nothing was measured. */
  readonly slis?: readonly ClusterEvidence[];
}
