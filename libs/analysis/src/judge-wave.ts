import { reason, type ClusterEvidence, type Reason, type Verdict, type VerdictKind } from '@wavegate/fleet';
import { DEFAULT_POLICY, type ClusterVerdict } from './judge-input.js';

const FAILED: readonly ClusterVerdict['ended'][] = ['rolledBack', 'halted', 'lost'];
/** One cluster was judged by itself already. */
const LEAST_POOLED = 2;
/** A regression that is common to several clusters may be smaller than one that a single cluster is stopped for (1.5). */
const LEAST_RATIO = 1.25;

/**
 * What a wave's clusters, all ended, say about going on. Each cluster was judged by its own agent; the wave asks whether
 * there is positive evidence, and whether they are all a little worse: too little to stop any one, too often to be chance.
 *
 *   at least one upgraded, failures within `tolerated`  → promote
 *   the same, but together they are worse than before   → hold, and it says in which objective and stratum
 *   more failures than tolerated, or only failures      → hold
 *   nothing upgraded and nothing failed (all skipped)   → inconclusive: the wave has shown nothing
 *
 * How many failures a wave tolerates is the plan's budget, and its gate blocks by itself; without `tolerated` this
 * function leaves the counting to that gate.
 */
export function judgeWave(clusters: readonly ClusterVerdict[], tolerated = Infinity): Verdict {
  const upgraded = clusters.filter(({ ended }) => ended === 'upgraded');
  const failures = clusters.filter(({ ended }) => FAILED.includes(ended)).length;
  const worse = pooledRegressions(upgraded);
  if (upgraded.length > 0 && failures <= tolerated) {
    return worse.length > 0 ? { ...verdict('hold'), reasons: worse } : verdict('promote');
  }
  if (failures > 0) return { ...verdict('hold'), reasons: worse };
  return {
    ...verdict('inconclusive'),
    reasons: [reason('verdict_inconclusive', { phase: 'wave', detail: 'no cluster was upgraded' })],
  };
}

function verdict(kind: VerdictKind): Verdict {
  return { schema: 1, kind, period: null, reasons: [], slis: [] };
}

interface Pool {
  readonly objective: string;
  /** '' = the whole wave. */
  readonly stratum: string;
  readonly of: readonly ClusterEvidence[];
}

/**
 * The clusters' evidence multiplied: under "none is worse" each is at most 1 in the mean, whenever it was read, and so is
 * the product over clusters that have nothing to do with each other. What hits all of them from outside would be counted
 * as often as there are clusters, which is why this only holds. Asked of the whole wave and of each stratum (clusters
 * alike in what the plan spreads by), the limit shared out between the questions: a regression in one region must not
 * drown in the others.
 */
function pooledRegressions(clusters: readonly ClusterVerdict[]): Reason[] {
  const pools = poolsOf(clusters).filter(({ of }) => of.length >= LEAST_POOLED);
  const needed = Math.log(pools.length / DEFAULT_POLICY.alpha);
  return pools.filter(({ of }) => logProduct(of) >= needed && ratioOf(of) >= LEAST_RATIO).map(reasonOf);
}

function poolsOf(clusters: readonly ClusterVerdict[]): readonly Pool[] {
  const objectives = [...new Set(clusters.flatMap(({ slis = [] }) => slis.map(({ name }) => name)))].sort();
  const strata = [...new Set(clusters.flatMap(({ stratum = '' }) => (stratum === '' ? [] : [stratum])))].sort();
  // One stratum is the wave itself.
  const asked = strata.length > 1 ? ['', ...strata] : [''];
  return objectives.flatMap((objective) =>
    asked.map((stratum) => ({
      ...{ objective, stratum },
      of: clusters
        .filter((cluster) => stratum === '' || cluster.stratum === stratum)
        .flatMap(({ slis = [] }) => slis.filter(({ name }) => name === objective)),
    })),
  );
}

function logProduct(of: readonly ClusterEvidence[]): number {
  return of.reduce((sum, { evidence }) => sum + Math.log(Math.max(Number.MIN_VALUE, evidence)), 0);
}

/** Bad events of all against those that their own pasts would have had. */
function ratioOf(of: readonly ClusterEvidence[]): number {
  const bad = of.reduce((sum, one) => sum + one.bad, 0);
  const usual = of.reduce((sum, { total, before }) => sum + total * before, 0);
  return usual > 0 ? bad / usual : bad > 0 ? Infinity : 0;
}

function reasonOf({ objective, stratum, of }: Pool): Reason {
  const times = Math.min(1_000, Math.round(ratioOf(of) * 10) / 10);
  return reason('wave_regressed', { objective, times, clusters: of.length, stratum });
}

/**
 * Upper bound, at 95 % confidence, on the share of clusters like these that would fail, after `clean` clusters without
 * a failure: 1 → 0.95, 10 → 0.26, 50 → 0.058. None seen = nothing known = 1.
 */
export function failingShareBound(clean: number): number {
  return clean >= 1 ? 1 - 0.05 ** (1 / clean) : 1;
}
