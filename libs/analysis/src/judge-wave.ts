import { reason, type Verdict, type VerdictKind } from '@wavegate/fleet';
import type { ClusterVerdict } from './judge-input.js';

const FAILED: readonly ClusterVerdict['ended'][] = ['rolledBack', 'halted', 'lost'];

/**
 * What a wave's clusters, all ended, say about going on. Each cluster was judged by its own agent; the wave asks only
 * whether there is positive evidence.
 *
 *   at least one upgraded, failures within `tolerated`  → promote
 *   more failures than tolerated, or only failures      → hold
 *   nothing upgraded and nothing failed (all skipped)   → inconclusive: the wave has shown nothing
 *
 * How many failures a wave tolerates is the plan's budget, and its gate blocks by itself; without `tolerated` this
 * function leaves the counting to that gate.
 */
export function judgeWave(clusters: readonly ClusterVerdict[], tolerated = Infinity): Verdict {
  const upgraded = clusters.filter(({ ended }) => ended === 'upgraded').length;
  const failures = clusters.filter(({ ended }) => FAILED.includes(ended)).length;
  if (upgraded > 0 && failures <= tolerated) return verdict('promote');
  if (failures > 0) return verdict('hold');
  return {
    ...verdict('inconclusive'),
    reasons: [reason('verdict_inconclusive', { phase: 'wave', detail: 'no cluster was upgraded' })],
  };
}

function verdict(kind: VerdictKind): Verdict {
  return { schema: 1, kind, period: null, reasons: [], slis: [] };
}

/**
 * Upper bound, at 95 % confidence, on the share of clusters like these that would fail, after `clean` clusters without
 * a failure: 1 → 0.95, 10 → 0.26, 50 → 0.058. None seen = nothing known = 1.
 */
export function failingShareBound(clean: number): number {
  return clean >= 1 ? 1 - 0.05 ** (1 / clean) : 1;
}
