import { z } from 'zod';
import type { Plan } from './plan.js';

/** More than these nobody reads at three in the morning, and each is a question a period. */
export const MOST_GAUGES = 10;

/** Something that is measured and not counted, in its long form. What a shape cannot say is in gauge-problems.ts. */
const longForm = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  /** A gauge of the agent's library (docs/metrics.md); left out together with `query`: that of this name. */
  gauge: z.string().min(1).optional(),
  /** What the library's gauge asks for. Always escaped, never pasted. */
  params: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()).min(1)])).default({}),
  /** Further labels that every series must have. */
  where: z.record(z.string(), z.string()).default({}),
  /** PromQL of one's own that gives one value at a time: one series, aggregated by the query itself. */
  query: z.string().min(1).optional(),
  /** A source of the cluster's ConfigMap wavegate-metrics; left out: its first. */
  source: z.string().min(1).optional(),
});

export const gaugeShape = z.union([z.string().min(1), longForm]);
export type PlanGauge = z.infer<typeof gaugeShape>;

/** What a plan says of one gauge, whichever way it was written. */
export interface DeclaredGauge {
  readonly name: string;
  /** Of the library; null where the plan brings its own query. */
  readonly gauge: string | null;
  readonly params: Readonly<Record<string, string | number | readonly string[]>>;
  readonly where: Readonly<Record<string, string>>;
  readonly query: string | null;
  /** Null: the agent's first. */
  readonly source: string | null;
}

export const gaugeName = (gauge: PlanGauge): string => (typeof gauge === 'string' ? gauge : gauge.name);

/** The gauges of a plan, in its order; none where it names none. */
export function declaredGauges(plan: Plan): DeclaredGauge[] {
  return (plan.spec.verdict.gauges ?? []).map(declaredGauge);
}

export function declaredGauge(written: PlanGauge): DeclaredGauge {
  if (typeof written === 'string') {
    return { name: written, gauge: written, params: {}, where: {}, query: null, source: null };
  }
  const { name, gauge = name, params, where, query = null, source = null } = written;
  return { name, gauge: query === null ? gauge : null, params, where, query, source };
}
