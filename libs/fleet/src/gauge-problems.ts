import { gaugeName, type PlanGauge } from './gauge.js';
import { unreadableQuery } from './objective-problems.js';
import type { Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';
import { isPromLabel, promSelectors, promTokens } from './promql.js';

type LongForm = Exclude<PlanGauge, string>;
type Add = (field: PlanPath, code: string, detail: string, example?: unknown) => void;

const MEMORY = 'avg(process_resident_memory_bytes{job="apiserver"})';

/** What is wrong with the gauges of a plan before any Prometheus is asked. */
export function gaugeProblems({ spec }: Plan): PlanProblem[] {
  const found: PlanProblem[] = [];
  const gauges = spec.verdict.gauges ?? [];
  const names = gauges.map(gaugeName);
  gauges.forEach((gauge, n) => {
    const add: Add = (field, code, detail, example) => {
      const where = ['spec', 'verdict', 'gauges', n, ...field];
      const right = example === undefined ? {} : { example };
      found.push({ pointer: pointerOf(where), code, detail: `${fieldOf(where)} ${detail}`, ...right });
    };
    const name = names[n] ?? '';
    if (names.indexOf(name) !== n)
      add([], 'gauge_duplicate', `is the second gauge called "${name}"; give it another name`);
    if (typeof gauge !== 'string') longFormProblems(gauge, add);
  });
  return found;
}

function longFormProblems({ gauge, query, params, where }: LongForm, add: Add): void {
  if (gauge !== undefined && query !== undefined) add([], 'gauge_ambiguous', 'has both of gauge and query; keep one');
  if (query !== undefined && Object.keys(params).length > 0)
    add(['params'], 'params_without_gauge', 'are for gauges of the library; write the labels into the query');
  const problem = query === undefined ? null : gaugeQueryProblem(query);
  if (problem) add(['query'], problem.code, problem.detail, MEMORY);
  for (const label of Object.keys(where)) {
    if (!isPromLabel(label)) {
      const detail = `is not the name of a label (${shown(label)}); write letters, digits and _`;
      add(['where', label], 'label_name_invalid', detail);
    }
  }
}

/** Why a query cannot be a gauge; null where nothing speaks against it. A ratio, an average or a rate may well be one. */
export function gaugeQueryProblem(text: string): { readonly code: string; readonly detail: string } | null {
  const tokens = promTokens(text).filter(({ kind }) => kind !== 'space');
  const unreadable = unreadableQuery(text, tokens);
  if (unreadable) return unreadable;
  const strange = tokens.find(({ kind, text: one }) => kind === 'range' && /\$(?!period\b)/.test(one));
  if (strange) {
    return { code: 'query_unreadable', detail: `has ${strange.text}; of placeholders only [$period] is filled in` };
  }
  const counter = promSelectors(tokens).find(({ metric }) => /_(total|bucket)$/.test(metric));
  if (!counter || tokens.some(({ kind }) => kind === 'range')) return null;
  const detail = `asks for the counter ${counter.metric} since it began (${text}), which only ever grows and would always be higher; write sum(rate(…[$period])) for how many a second`;
  return { code: 'gauge_is_counter', detail };
}
