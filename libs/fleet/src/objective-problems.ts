import { objectiveName, type BlockingAlerts, type PlanObjective } from './objective.js';
import { objectiveFromOpenSlo } from './openslo.js';
import type { Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';
import { hiddenBy, namesTheNode, SILENCED_NODE } from './silence.js';
import { isPromLabel, promCalls, promSelectors, promTokens, type PromToken } from './promql.js';

type LongForm = Exclude<PlanObjective, string>;
type Add = (field: PlanPath, code: string, detail: string, example?: unknown) => void;

const COUNTS = 'sum(increase(http_requests_total{namespace="shop",code=~"5.."}[$period]))';

/** What is wrong with the service levels of a plan before any Prometheus is asked. */
export function objectiveProblems({ spec }: Plan): PlanProblem[] {
  const found: PlanProblem[] = [];
  const at = (path: PlanPath): Add => {
    return (field, code, detail, example) => {
      const where = [...path, ...field];
      const right = example === undefined ? {} : { example };
      found.push({ pointer: pointerOf(where), code, detail: `${fieldOf(where)} ${detail}`, ...right });
    };
  };
  const names = spec.verdict.objectives.map(objectiveName);
  spec.verdict.objectives.forEach((objective, n) => {
    const add = at(['spec', 'verdict', 'objectives', n]);
    const name = names[n] ?? '';
    if (names.indexOf(name) !== n)
      add([], 'objective_duplicate', `is the second objective called "${name}"; give it another name`);
    if (typeof objective !== 'string') longFormProblems(objective, add);
  });
  const blocking = spec.verdict.alerts.filter(({ mode }) => mode !== 'dryRun');
  spec.verdict.alerts.forEach(({ match }, n) => alertProblems(match, at(['spec', 'verdict', 'alerts', n, 'match'])));
  spec.verdict.silences?.forEach(({ match }, n) =>
    silenceProblems(match, blocking, at(['spec', 'verdict', 'silences', n, 'match'])),
  );
  return found;
}

function silenceProblems(match: Readonly<Record<string, string>>, alerts: readonly BlockingAlerts[], add: Add): void {
  labelProblems(match, (name, code, detail) => add([name], code, detail));
  if (!namesTheNode(match)) {
    const detail = `names no node: only alerts of the node under work may be silenced; write for example { node: ${SILENCED_NODE} }`;
    add([], 'silence_without_node', detail, { node: SILENCED_NODE });
  }
  const hidden = alerts.find((alert) => hiddenBy(match, alert.match));
  if (!hidden) return;
  const labels = shown(hidden.match);
  const detail = `silences what verdict.alerts says blocks (${labels}): nobody would be told why the rollout stops; take it out of one of the two`;
  add([], 'silence_hides_blocking_alerts', detail);
}

function longFormProblems(objective: LongForm, add: Add): void {
  const { sli, query, openslo, objective: share, where } = objective;
  const ways = [sli, query, openslo].filter((one) => one !== undefined).length;
  if (ways > 1) add([], 'objective_ambiguous', 'has more than one of sli, query and openslo; keep one');
  if (share !== undefined) shareProblem(share, add, 'objective');
  if (query && share === undefined)
    add(
      ['objective'],
      'objective_missing',
      'is missing: a query of your own has no default; write a share such as 0.999',
      0.999,
    );
  if (query) queryProblems(query, add);
  if (openslo) openSloProblems(openslo, add);
  paramProblems(objective, add);
  labelProblems(where, (name, code, detail) => add(['where', name], code, detail));
}

function paramProblems({ query, openslo, params }: LongForm, add: Add): void {
  if (!(query ?? openslo) || Object.keys(params).length === 0) return;
  add(['params'], 'params_without_sli', 'are for service levels of the library; write the labels into the query');
}

function shareProblem(share: number, add: Add, field: string): void {
  if (share > 0 && share < 1) return;
  const why =
    share === 1
      ? 'is 100 %: it tolerates no single bad event, so every upgrade would fail it; write for example 0.9999'
      : share === 0
        ? 'is 0 %: it tolerates everything, so nothing would ever be found; write for example 0.99'
        : `is ${share}; write the share of good events, above 0 and below 1: 0.999 for 99.9 %`;
  add([field], 'objective_out_of_range', why, 0.999);
}

function queryProblems({ bad, good, total }: NonNullable<LongForm['query']>, add: Add): void {
  if ((bad === undefined) === (good === undefined)) {
    add(['query'], 'query_needs_bad_or_good', 'needs one of bad and good beside total', { bad: COUNTS, total: '…' });
  }
  for (const [field, text] of Object.entries({ bad, good, total })) {
    const problem = text === undefined ? null : countsProblem(text);
    if (problem) add(['query', field], problem.code, problem.detail, COUNTS);
  }
}

function openSloProblems(openslo: Readonly<Record<string, unknown>>, add: Add): void {
  const read = objectiveFromOpenSlo(openslo);
  if ('problem' in read) {
    add(['openslo'], 'openslo_unusable', read.problem);
    return;
  }
  shareProblem(read.objective, add, 'openslo');
  for (const text of [read.query.bad, read.query.good, read.query.total]) {
    const problem = text === null ? null : countsProblem(text);
    if (problem) add(['openslo'], problem.code, problem.detail);
  }
}

interface CountsProblem {
  readonly code: string;
  readonly detail: string;
}

/** Why a query cannot be the number of events of one period; null where nothing speaks against it. */
export function countsProblem(text: string): CountsProblem | null {
  const tokens = promTokens(text).filter(({ kind }) => kind !== 'space');
  return unreadableQuery(text, tokens) ?? notCounts(text, tokens) ?? wrongPeriod(text, tokens);
}

/** Why a text is no query at all, whatever it is for; `tokens` without blanks. */
export function unreadableQuery(text: string, tokens: readonly PromToken[]): CountsProblem | null {
  const strange = tokens.find(({ kind }) => kind === 'unknown');
  const right = 'write PromQL; of placeholders only [$period] is filled in';
  if (strange) return { code: 'query_unreadable', detail: `has "${strange.text}" in ${text}; ${right}` };
  const depth = tokens.reduce(
    (open, { text: one }) => open + ('({'.includes(one) ? 1 : ')}'.includes(one) ? -1 : 0),
    0,
  );
  if (depth !== 0) return { code: 'query_unreadable', detail: `has parentheses that do not match: ${text}` };
  if (promSelectors(tokens).length > 0) return null;
  return { code: 'query_unreadable', detail: `names no metric: ${text}` };
}

const PER_SECOND = ['rate', 'irate', 'deriv', 'delta', 'idelta'];
const NO_COUNTS = [
  'avg',
  'quantile',
  'histogram_quantile',
  'quantile_over_time',
  'avg_over_time',
  'stddev',
  'histogram_avg',
];

function notCounts(text: string, tokens: readonly PromToken[]): CountsProblem | null {
  const divided = tokens.some(({ text: one }, at) => one === '/' && tokens[at + 1]?.kind !== 'number');
  if (divided) {
    const detail = `is a ratio (${text}); write bad (or good) and total as counts, apart: a share alone does not say of how many`;
    return { code: 'query_is_ratio', detail };
  }
  const calls = promCalls(tokens);
  const wrong = [...PER_SECOND, ...NO_COUNTS].find((name) => calls.has(name));
  if (wrong === undefined) return null;
  const why = PER_SECOND.includes(wrong) ? 'is per second' : 'is no number of events';
  return { code: 'query_not_counts', detail: `asks for ${wrong}(), which ${why}; write increase(…[$period])` };
}

function wrongPeriod(text: string, tokens: readonly PromToken[]): CountsProblem | null {
  const ranges = tokens.filter(({ kind }) => kind === 'range').map((token) => token.text);
  const fixed = ranges.find((range) => !/^\[\$period(:\w*)?\]$/.test(range));
  if (fixed) {
    const detail = `counts over ${fixed}, which would count events twice or not at all; write [$period], the period that is judged`;
    return { code: 'query_window_fixed', detail };
  }
  const counter = promSelectors(tokens).find(({ metric }) => /_(total|count|sum|bucket)$/.test(metric));
  if (ranges.length > 0 || !counter) return null;
  const detail = `asks for the counter ${counter.metric} since it began (${text}); write increase(…[$period])`;
  return { code: 'query_without_period', detail };
}

function alertProblems(match: Readonly<Record<string, string>>, add: Add): void {
  if (Object.keys(match).length === 0)
    add([], 'alerts_match_everything', 'is empty, which every alert matches; write for example { severity: critical }');
  labelProblems(match, (name, code, detail) => add([name], code, detail));
}

function labelProblems(
  labels: Readonly<Record<string, string>>,
  add: (name: string, code: string, detail: string) => void,
): void {
  for (const name of Object.keys(labels)) {
    if (!isPromLabel(name))
      add(name, 'label_name_invalid', `is not the name of a label (${shown(name)}); write letters, digits and _`);
  }
}
