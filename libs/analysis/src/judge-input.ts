import type { HardGate, SliSamples } from '@wavegate/fleet';

/** How a phase is judged; every time in milliseconds, every rate a share. Defaults: `DEFAULT_POLICY`. */
export interface JudgePolicy {
  readonly periodMs: number;
  /** Least time since the change before a promotion. */
  readonly minSoakMs: number;
  /** Beyond this without a decision the verdict is inconclusive. */
  readonly maxSoakMs: number;
  /** Declared disruption: periods' worth of total unavailability that the change may cost (`plan.verdict.allowance`). */
  readonly allowanceMs: number;
  /** Share of the 30-day budget that rolls back while it still burns (0.02). */
  readonly consumedLimit: number;
  /** Fast burn that rolls back after two periods in a row (14.4). */
  readonly fastBurn: number;
  /** Fewest events since the change for a promotion or a rollback, and in each of the two periods of a fast burn. */
  readonly minEvents: number;
  readonly onBurn: 'hold' | 'rollback';
}

/** The workbook's figures for a 30-day budget: 14.4 × for an hour, or 2 % of the budget, is when people are woken. */
export const DEFAULT_POLICY: JudgePolicy = {
  periodMs: 60_000,
  minSoakMs: 5 * 60_000,
  maxSoakMs: 30 * 60_000,
  allowanceMs: 0,
  consumedLimit: 0.02,
  fastBurn: 14.4,
  minEvents: 100,
  onBurn: 'rollback',
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
}

/** One cluster's contribution to a wave's verdict. */
export interface ClusterVerdict {
  readonly clusterId: string;
  readonly ended: 'upgraded' | 'rolledBack' | 'halted' | 'skipped' | 'lost';
}
