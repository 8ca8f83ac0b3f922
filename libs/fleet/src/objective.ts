import { z } from 'zod';
import { objectiveFromOpenSlo } from './openslo.js';
import type { Plan } from './plan.js';

/** A service level of a plan in its long form. What a shape cannot say is in objective-problems.ts. */
const longForm = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  /** A service level of the agent's library (docs/metrics.md); left out together with `query` and `openslo`: that of this name. */
  sli: z.string().min(1).optional(),
  /** What the library's service level asks for: namespace, workload, threshold … Always escaped, never pasted. */
  params: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()).min(1)])).default({}),
  /** Further labels that every series must have. */
  where: z.record(z.string(), z.string()).default({}),
  /** Share of good events, above 0 and below 1; left out: the library's. */
  objective: z.number().optional(),
  /** dryRun: judged and shown, never decisive. */
  mode: z.enum(['decisive', 'dryRun']).default('decisive'),
  /** PromQL of one's own, as counts over [$period]: the total, and the bad or the good ones of it. */
  query: z
    .strictObject({
      bad: z.string().min(1).optional(),
      good: z.string().min(1).optional(),
      total: z.string().min(1),
    })
    .optional(),
  /** An OpenSLO v1 document, as it is. */
  openslo: z.record(z.string(), z.unknown()).optional(),
  /** A source of the cluster's ConfigMap wavegate-metrics; left out: its first. */
  source: z.string().min(1).optional(),
});

type LongForm = z.infer<typeof longForm>;

export const objectiveShape = z.union([z.string().min(1), longForm]);
export type PlanObjective = z.infer<typeof objectiveShape>;

/** Alerts of the cluster's own that block: a firing one that began with the change violates a hard gate. */
export const alertsShape = z.strictObject({
  /** Equal labels that a blocking alert has; `alertname` is one of them. */
  match: z.record(z.string(), z.string()),
  source: z.string().min(1).optional(),
  /** dryRun: kept with the verdict, never decisive. Left out: decisive. */
  mode: z.enum(['decisive', 'dryRun']).optional(),
});
export type BlockingAlerts = z.infer<typeof alertsShape>;

export interface ObjectiveQuery {
  /** One of the two is there. */
  readonly bad: string | null;
  readonly good: string | null;
  readonly total: string;
}

/** What a plan says of one service level, whichever way it was written. */
export interface DeclaredObjective {
  readonly name: string;
  /** Of the library; null where the plan brings its own queries. */
  readonly sli: string | null;
  readonly params: Readonly<Record<string, string | number | readonly string[]>>;
  readonly where: Readonly<Record<string, string>>;
  /** Share of good events; null = the library's own. */
  readonly objective: number | null;
  readonly decisive: boolean;
  readonly query: ObjectiveQuery | null;
  /** Null: the agent's first. */
  readonly source: string | null;
}

export const objectiveName = (objective: PlanObjective): string =>
  typeof objective === 'string' ? objective : objective.name;

/** The service levels of a plan that passed `readPlan`. Throws RangeError on an OpenSLO document it would have refused. */
export function declaredObjectives(plan: Plan): DeclaredObjective[] {
  return plan.spec.verdict.objectives.map(declaredObjective);
}

export function declaredObjective(written: PlanObjective): DeclaredObjective {
  if (typeof written === 'string') return { ...NOTHING_ELSE, name: written, sli: written };
  const { name, sli = name, params, where, objective, mode, query, openslo, source } = written;
  const head = { name, params, where, decisive: mode === 'decisive', source: source ?? null };
  if (openslo) return { ...head, ...fromDocument(written, openslo) };
  const own = query ? { bad: query.bad ?? null, good: query.good ?? null, total: query.total } : null;
  return { ...head, objective: objective ?? null, sli: own ? null : sli, query: own };
}

function fromDocument({ name, objective, source }: LongForm, openslo: Readonly<Record<string, unknown>>) {
  const read = objectiveFromOpenSlo(openslo);
  if ('problem' in read) throw new RangeError(`${name}: ${read.problem}`);
  return { sli: null, query: read.query, objective: objective ?? read.objective, source: source ?? read.source };
}

const NOTHING_ELSE = { params: {}, where: {}, objective: null, decisive: true, query: null, source: null } as const;
