import type { PlanView } from '../plan-view.js';
import type { WaveState } from '../rollout.js';
import { provenSize } from '../waves.js';

/** What clean clusters prove, where the plan asks for adaptive waves. */
export interface Proof {
  /** Clusters that really ended upgraded, of this rollout. */
  readonly clean: number;
  /** How many clusters may be in flight at once; Infinity where the plan does not ask. Never less than one. */
  readonly max: number;
}

/**
 * Adaptive waves are cut before anything has happened, as if all before them had gone well. What really went well is
 * known here: of clusters in flight no more than `mayLose` may be expected to fail, after those that ended upgraded. A
 * cluster that was skipped proves nothing, and failures of the wave at hand are taken off what may still be lost. The
 * surplus of a wave waits until more are clean.
 */
export function proofOf({ spec }: PlanView, waves: readonly WaveState[], currentWave: number): Proof {
  const { adaptive, mayLose } = spec.strategy;
  const clean = waves.reduce((sum, { upgraded }) => sum + upgraded, 0);
  if (!adaptive) return { clean, max: Infinity };
  const failed = waves[currentWave - 1]?.failures ?? 0;
  return { clean, max: provenSize(clean, Math.max(0, mayLose - failed)) };
}
