import type { Series } from '@wavegate/fleet';
import { PrometheusRefusal, type MatrixSeries, type Range } from './prometheus-client.js';

/** Why a period has no sample, or one that needs a word. Each is told apart: they ask for different repairs. */
export type SampleCause =
  /** No source is configured, or none of that name. */
  | 'notConfigured'
  /** Nobody answered. */
  | 'unreachable'
  /** An answer that was a refusal: a query that does not parse, too many series, no right. */
  | 'queryFailed'
  /** The query has no series at all. */
  | 'noSeries'
  /** Nothing in between, with samples before or after. */
  | 'gap'
  /** Nothing yet: it is younger than samples take to arrive. */
  | 'late'
  | 'notANumber'
  /** Fewer than none, or more bad events than events. */
  | 'impossible'
  /** A counter began anew in this period; the sample stands, the source accounts for it. */
  | 'counterReset';

export type Causes = Readonly<Partial<Record<SampleCause, number>>>;

export interface PeriodSamples {
  readonly series: Series;
  readonly causes: Causes;
}

/** Values by period; null = no point there. NaN is one. */
export type Points = readonly (number | null)[];

/** Extrapolation lets a part be a little more than the whole. */
const SLACK = 1.02;

export const periodsOf = ({ from, to, stepMs }: Range): number => Math.max(0, Math.round((to - from) / stepMs) + 1);

/** One value per period. A query must give one series: which of several is meant is not ours to guess. */
export function pointsOf(matrix: readonly MatrixSeries[], range: Range): Points {
  if (matrix.length > 1) {
    throw new PrometheusRefusal(
      'wrongShape',
      `${matrix.length} series where one is expected; write sum(…) around the query, or avg(…) or max(…) where it is no count`,
    );
  }
  const points = new Array<number | null>(periodsOf(range)).fill(null);
  for (const [second, text] of matrix[0]?.values ?? []) {
    const at = Math.round((second * 1000 - range.from) / range.stepMs);
    if (at >= 0 && at < points.length) points[at] = Number(text);
  }
  return points;
}

export interface RawSamples {
  readonly total: Points;
  readonly part: Points;
  /** Whether `part` are the bad events or the good ones. */
  readonly partIs: 'bad' | 'good';
  readonly resets: Points;
}

/** Pairs [bad, total], rounded to thousandths (sources extrapolate), and a count of what was wrong with the rest. */
export function pairPeriods(raw: RawSamples, range: Range, lateAfter: number): PeriodSamples {
  const causes = new Map<SampleCause, number>();
  const note = (cause: SampleCause): null => {
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
    return null;
  };
  const seen = raw.total.some((value) => value !== null);
  // Errors that never happened have no series; successes that never happened are a wrong query.
  const believable = raw.partIs === 'bad' || raw.part.some((value) => value !== null);
  const series = raw.total.map((total, at): readonly [number, number] | null => {
    if (!seen || !believable) return note('noSeries');
    if (total === null) return note(range.from + at * range.stepMs > lateAfter ? 'late' : 'gap');
    const pair = pairOf(total, raw.part[at] ?? 0, raw.partIs);
    if (typeof pair === 'string') return note(pair);
    if ((raw.resets[at] ?? 0) > 0) note('counterReset');
    return pair;
  });
  return { series, causes: Object.fromEntries(causes) };
}

function pairOf(total: number, part: number, partIs: 'bad' | 'good'): readonly [number, number] | SampleCause {
  if (!Number.isFinite(total) || !Number.isFinite(part)) return 'notANumber';
  if (total < 0 || part < 0 || part > total * SLACK + 1) return 'impossible';
  const within = Math.min(part, total);
  return [rounded(partIs === 'bad' ? within : total - within), rounded(total)];
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Every period missing for one cause. */
export function withoutSamples(periods: number, cause: SampleCause): PeriodSamples {
  return { series: new Array<null>(periods).fill(null), causes: periods > 0 ? { [cause]: periods } : {} };
}

/** What was known before, and nothing for the periods since: an answer that does not come does not unmake the others. */
export function continued(known: PeriodSamples, periods: number, cause: SampleCause): PeriodSamples {
  const missing = Math.max(0, periods - known.series.length);
  const series = [...known.series.slice(0, periods), ...new Array<null>(missing).fill(null)];
  return {
    series,
    causes: missing > 0 ? { ...known.causes, [cause]: (known.causes[cause] ?? 0) + missing } : known.causes,
  };
}
