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
  /** Fewest events over the judged window for a promotion, and for a fast burn in one period. */
  readonly minEvents: number;
  readonly onBurn: 'hold' | 'rollback';
}

/** Everything a verdict depends on; nothing else does. */
export interface JudgeInput {
  readonly slis: readonly SliSamples[];
  readonly gates: readonly HardGate[];
  readonly policy: JudgePolicy;
  /** Milliseconds since the change was through. */
  readonly elapsedMs: number;
}

/** One cluster's contribution to a wave's verdict. */
export interface ClusterVerdict {
  readonly clusterId: string;
  readonly ended: 'upgraded' | 'rolledBack' | 'halted' | 'skipped' | 'lost';
}
