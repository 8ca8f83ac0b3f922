import { z } from 'zod';
import { promCalls, promSelectors, promText, promTokens, type PromToken } from './promql.js';
import type { ObjectiveQuery } from './objective.js';

/** The part of an OpenSLO v1 document that a verdict can use; the rest (alert policies, time windows) is passed over. */
const metric = z.object({
  metricSource: z.object({
    type: z.string().optional(),
    metricSourceRef: z.string().optional(),
    spec: z.object({ query: z.string().optional(), promql: z.string().optional() }).optional(),
  }),
});
const document = z.object({
  apiVersion: z.literal('openslo/v1'),
  kind: z.enum(['SLO', 'ServiceLevelObjective']),
  spec: z.object({
    indicatorRef: z.string().optional(),
    indicator: z
      .object({
        spec: z.object({
          thresholdMetric: z.unknown().optional(),
          ratioMetric: z
            .object({
              counter: z.boolean().optional(),
              good: metric.optional(),
              bad: metric.optional(),
              total: metric.optional(),
              raw: z.unknown().optional(),
            })
            .optional(),
        }),
      })
      .optional(),
    budgetingMethod: z.string().optional(),
    objectives: z.array(z.object({ target: z.number().optional(), targetPercent: z.number().optional() })).min(1),
  }),
});
type Document = z.infer<typeof document>;
type Metric = z.infer<typeof metric>;
type Ratio = NonNullable<NonNullable<Document['spec']['indicator']>['spec']['ratioMetric']>;

export interface OpenSloObjective {
  readonly objective: number;
  readonly query: ObjectiveQuery;
  /** Name of the metric source, where the document names one. */
  readonly source: string | null;
}

export type OpenSloProblem = { readonly problem: string };

/** An OpenSLO v1 document (parsed YAML) as counts over the judged period; or why it cannot be one, and what would be right. */
export function objectiveFromOpenSlo(input: unknown): OpenSloObjective | OpenSloProblem {
  const read = document.safeParse(input);
  if (!read.success) {
    const { path, message } = read.error.issues[0] ?? { path: [], message: 'is not understood' };
    return {
      problem: `${path.join('.') || 'the document'}: ${message}; write an OpenSLO document of openslo/v1, kind SLO`,
    };
  }
  const unusable = whyUnusable(read.data.spec);
  if (unusable !== null) return { problem: unusable };
  const objective = targetOf(read.data.spec);
  if (typeof objective !== 'number') return objective;
  const query = queriesOf(read.data.spec.indicator?.spec.ratioMetric ?? {});
  return 'problem' in query ? query : { objective, ...query };
}

function queriesOf(ratio: Ratio): Omit<OpenSloObjective, 'objective'> | OpenSloProblem {
  const [total, good, bad] = [queryOf(ratio.total), queryOf(ratio.good), queryOf(ratio.bad)];
  for (const one of [total, good, bad]) if (typeof one === 'object' && one !== null) return one;
  const query = { total: total as string, good: good as string | null, bad: bad as string | null };
  return { query, source: ratio.total?.metricSource.metricSourceRef ?? null };
}

/** Everything that has no counts, and so cannot be judged without a person choosing some. */
function whyUnusable({ indicatorRef, indicator, budgetingMethod, objectives }: Document['spec']): string | null {
  if (!indicator) {
    return `spec.indicator is missing${indicatorRef ? ` (indicatorRef "${indicatorRef}" names another file)` : ''}; write the indicator in place`;
  }
  const noCounts = whyNoCounts(indicator.spec);
  if (noCounts !== null) return noCounts;
  if (budgetingMethod !== undefined && budgetingMethod !== 'Occurrences')
    return `budgetingMethod is ${budgetingMethod}; a verdict counts events: write Occurrences`;
  if (objectives.length > 1) return `spec.objectives has ${objectives.length} targets; write one document for each`;
  return null;
}

type Indicator = NonNullable<Document['spec']['indicator']>['spec'];

function whyNoCounts({ ratioMetric: ratio, thresholdMetric }: Indicator): string | null {
  if (thresholdMetric !== undefined)
    return 'thresholdMetric is a value, not counts; write a ratioMetric with good and total';
  if (!ratio) return 'spec.indicator.spec.ratioMetric is missing; write it with good (or bad) and total';
  if (ratio.raw !== undefined) return 'ratioMetric.raw is a ready ratio; write good (or bad) and total as counts';
  if (!ratio.total)
    return 'ratioMetric.total is missing: a share of nothing known cannot be judged; write the query of all events';
  return !ratio.good === !ratio.bad ? 'ratioMetric needs one of good and bad beside total' : null;
}

function targetOf({ objectives }: Document['spec']): number | OpenSloProblem {
  const { target, targetPercent } = objectives[0] ?? {};
  const share = target ?? (targetPercent === undefined ? undefined : targetPercent / 100);
  if (share === undefined) return { problem: 'spec.objectives[0].target is missing; write a share such as 0.999' };
  // 99.95 / 100 is 0.9994999…: what was meant has fewer digits.
  return Number(share.toPrecision(12));
}

function queryOf(from: Metric | undefined): string | OpenSloProblem | null {
  if (!from) return null;
  const { type, spec } = from.metricSource;
  if (type !== undefined && !/^prometheus$/i.test(type))
    return { problem: `metricSource.type is ${type}; only Prometheus can be asked` };
  const text = spec?.query ?? spec?.promql;
  if (!text) return { problem: 'metricSource.spec.query is missing; write the PromQL there' };
  return countsOverPeriod(text);
}

/**
 * Documents count over a window of their own ([5m], a template's {{.window}}), by rate() or as bare counters. What is
 * judged are the events of one period: increase() over [$period] of the same selectors.
 */
function countsOverPeriod(text: string): string | OpenSloProblem {
  const tokens = promTokens(text.trim());
  if (tokens.some(({ kind }) => kind === 'range')) return summed(promText(tokens.map(overPeriod)));
  const [selector, ...others] = promSelectors(tokens);
  const around = selector ? [...tokens.slice(0, selector.from), ...tokens.slice(selector.to + 1)] : [];
  const bare = promText(around.filter(({ kind }) => kind !== 'space'));
  if (!selector || others.length > 0 || (bare !== '' && bare !== 'sum()')) {
    return { problem: `the query ${text} has no range; write sum(increase(…[$period])), the events of one period` };
  }
  return `sum(increase(${promText(tokens.slice(selector.from, selector.to + 1))}[$period]))`;
}

function overPeriod(token: PromToken): PromToken {
  if (token.kind === 'range') return { ...token, text: token.text.includes(':') ? '[$period:]' : '[$period]' };
  // increase() is rate() times the range: the events themselves.
  if (token.kind === 'word' && /^i?rate$/i.test(token.text)) return { ...token, text: 'increase' };
  return token;
}

function summed(query: string): string {
  const calls = promCalls(promTokens(query));
  return calls.has('sum') || calls.has('count') ? query : `sum(${query})`;
}
