import { mannWhitney } from '@wavegate/analysis';
import type { Series, SliSamples } from '@wavegate/fleet';

/** What another judge says of a series: the 1-based period in which it would roll back; null = never. */
export type PeerJudge = (sli: SliSamples) => number | null;

/** "success rate at least 99 %", the threshold of both projects' examples. */
const MOST_BAD = 0.01;

/**
 * Argo Rollouts: a measurement fails where the condition does not hold; the analysis fails when *more than* `failureLimit`
 * have failed (3, so the fourth). No value is an error of its own, not a failure; an ended analysis counts as success.
 */
export const argoFailureLimit: PeerJudge = ({ after }) => failuresReach(after, 4);

/** Flagger: `threshold` failed checks roll back (5, as in its examples); a check without values only halts the advance. */
export const flaggerThreshold: PeerJudge = ({ after }) => failuresReach(after, 5);

function failuresReach(after: Series, limit: number): number | null {
  let failed = 0;
  for (const [t, sample] of after.entries()) {
    if (sample && sample[1] > 0 && sample[0] / sample[1] > MOST_BAD) failed += 1;
    if (failed >= limit) return t + 1;
  }
  return null;
}

/** What most dashboards invite to: a two-proportion z-test of everything since the change, looked at every minute, p < 0.05. */
export const naivePeeking: PeerJudge = ({ baseline, after }) => {
  const before = sums(baseline);
  const since = { bad: 0, total: 0 };
  for (const [t, sample] of after.entries()) {
    since.bad += Math.max(0, sample?.[0] ?? 0);
    since.total += Math.max(0, sample?.[1] ?? 0);
    if (t < 2 || since.total === 0 || before.total === 0) continue;
    const pooled = (before.bad + since.bad) / (before.total + since.total);
    const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / before.total + 1 / since.total));
    if (deviation > 0 && since.bad / since.total - before.bad / before.total > 1.645 * deviation) return t + 1;
  }
  return null;
};

function sums(series: Series): { bad: number; total: number } {
  return series.reduce(
    (all, sample) => ({ bad: all.bad + (sample?.[0] ?? 0), total: all.total + (sample?.[1] ?? 0) }),
    {
      bad: 0,
      total: 0,
    },
  );
}

/**
 * Kayenta's NetflixACAJudge over one metric (the error rate), as documented: NaN removed; High where the lower confidence
 * limit (98 %) of the Hodges–Lehmann shift exceeds a quarter of the estimate and the mean rose. One run, at the end of the
 * window: the judge has no sequential form. A metric without data does not fail it.
 */
export const kayentaStyle: PeerJudge = ({ baseline, after }) => {
  const [control, experiment] = [rates(baseline), rates(after)];
  if (control.length === 0 || experiment.length === 0) return null;
  if (mannWhitney(control, experiment).p >= 0.02) return null;
  const { estimate, lower } = hodgesLehmann(control, experiment);
  const higher = lower > 0.25 * Math.abs(estimate) && mean(experiment) > mean(control);
  return higher ? after.length : null;
};

const rates = (series: Series): number[] =>
  series.flatMap((sample) => (sample && sample[1] > 0 ? [sample[0] / sample[1]] : []));

const mean = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0) / values.length;

/** Median of all pairwise differences, and its lower limit by the normal approximation of the rank. */
export function hodgesLehmann(
  control: readonly number[],
  experiment: readonly number[],
): { estimate: number; lower: number } {
  const differences = Float64Array.from(experiment.flatMap((e) => control.map((c) => e - c))).sort();
  const pairs = differences.length;
  const deviation = Math.sqrt((pairs * (control.length + experiment.length + 1)) / 12);
  const rank = Math.max(0, Math.floor(pairs / 2 - 2.326 * deviation));
  const [low = 0, high = 0] = [differences[(pairs - 1) >> 1], differences[pairs >> 1]];
  return { estimate: (low + high) / 2, lower: differences[rank] ?? 0 };
}
