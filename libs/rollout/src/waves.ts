import type { PlanSpec } from '@wavegate/fleet';
import type { Placed } from './cluster-order.js';

export interface PlannedWave {
  /** 1-based and without gaps, also where empty waves were dropped. */
  readonly index: number;
  /** The share as the plan says it: tells which of the plan's waves this is (a part of, where waves are adaptive). */
  readonly share: string;
  readonly clusterIds: readonly string[];
}

type Cutting = Pick<PlanSpec['strategy'], 'waves' | 'adaptive' | 'mayLose'>;

/**
 * Cumulative: the first ⌈share × n⌉ clusters are through when the wave has passed, and the first wave has at least one.
 * In a small fleet a share may add nobody; such a wave is dropped and the rest are numbered without a gap. Its
 * approvals are not dropped with it: the next kept wave asks for them (`approvalsNeeded`).
 *
 * Adaptive: a share larger than what the clusters before it prove, all clean, is taken in several waves. Where fewer turn
 * out clean, fewer of a wave may be in flight at once (`proofOf`).
 */
export function cutIntoWaves(strategy: Cutting, placed: readonly Placed[]): PlannedWave[] {
  const waves: PlannedWave[] = [];
  let taken = 0;
  for (const share of strategy.waves) {
    const through = Math.min(placed.length, Math.max(1, cumulativeEnd(share, placed.length)));
    while (taken < through) {
      const end = strategy.adaptive ? Math.min(through, taken + provenSize(taken, strategy.mayLose)) : through;
      const clusterIds = placed.slice(taken, end).map(({ cluster }) => cluster.id);
      waves.push({ index: waves.length + 1, share, clusterIds });
      taken = end;
    }
  }
  return waves;
}

/** 12.5 % of 8 is 1, not 2: the epsilon takes back what binary fractions add. */
function cumulativeEnd(share: string, total: number): number {
  return Math.ceil((Number.parseFloat(share) * total) / 100 - 1e-9);
}

/**
 * Clusters of a wave of which, at 95 % confidence, no more than `mayLose` fail after `clean` without a failure:
 * mayLose / u(n) with u(n) = 1 − 0.05^(1/n), rounded down. With 2 to lose: 2, 2, 3, 4, 7, 12, …; never none.
 */
export function provenSize(clean: number, mayLose: number): number {
  const bound = clean < 1 ? 1 : 1 - 0.05 ** (1 / clean);
  return Math.max(1, Math.floor(mayLose / bound + 1e-9));
}
