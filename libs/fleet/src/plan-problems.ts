import type { Cluster } from './cluster.js';
import { canonicalText, sha256Hex } from './canonical.js';
import { isHopProblem, planClusterHops, type HopProblem } from './hop.js';
import { didYouMean } from './nearest-name.js';
import { VERDICT_BOUNDS } from './judged-samples.js';
import { durationMs, PlanSchema, type Plan } from './plan.js';
import { fieldOf, pointerOf, type PlanPath, type PlanProblem } from './plan-problem.js';
import { selectorProblems } from './plan-selectors.js';
import { semanticProblems } from './plan-semantics.js';
import { shapeProblems } from './plan-shape.js';
import { matches, requireSelector } from './selector.js';
import { minorOf } from './version.js';

export interface ReadPlan {
  /** Every default filled in. */
  readonly plan: Plan;
  /** The plan's canonical text, defaults included: what is stored, sent and approved. */
  readonly canonical: string;
  /** SHA-256 of `canonical`: the plan's name for orders and approvals. */
  readonly digest: string;
}

export interface PlanContext {
  /** Label keys that the fleet has; without them keys are not checked. */
  readonly knownLabelKeys?: readonly string[];
}

/** Reads a plan as a person wrote it (parsed YAML or JSON): everything right, or every problem found. */
export function readPlan(input: unknown, context: PlanContext = {}): ReadPlan | { readonly problems: PlanProblem[] } {
  const shaped = PlanSchema.safeParse(input);
  if (!shaped.success) return { problems: shapeProblems(shaped.error.issues, input) };
  const plan = withDefaultSoak(shaped.data);
  const problems = [
    ...semanticProblems(plan),
    ...longWindowProblems(plan),
    ...selectorProblems(plan, context.knownLabelKeys),
  ];
  if (problems.length > 0) return { problems };
  const canonical = canonicalText(plan);
  return { plan, canonical, digest: sha256Hex(canonical) };
}

/**
 * A verdict keeps so many periods as evidence; one over more could not be judged again. Asked of who writes a plan: an
 * order with a plan of before is carried out, and its evidence says what it lacks.
 */
function longWindowProblems({ spec: { verdict } }: Plan): PlanProblem[] {
  const [periodMs, windowMs] = [durationMs(verdict.period), durationMs(verdict.window)];
  const most = VERDICT_BOUNDS.after;
  if (!(windowMs > periodMs * most)) return [];
  const path: PlanPath = ['spec', 'verdict', 'window'];
  const seconds = Math.ceil(windowMs / most / 1000);
  const detail =
    `${fieldOf(path)} is ${verdict.window}, which is ${Math.ceil(windowMs / periodMs)} periods of ${verdict.period}; ` +
    `a verdict keeps ${most}: write a window of ${periodsText(periodMs * most)} or less, or a period of ${seconds}s or more`;
  return [{ pointer: pointerOf(path), code: 'verdict_window_too_long', detail }];
}

function periodsText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds === 0) return `${ms}ms`;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** A soak per label alone must not mean "no soak" for everybody else: the default is filled in like any other. */
function withDefaultSoak(plan: Plan): Plan {
  const { gates } = plan.spec;
  if (Object.hasOwn(gates.soak, 'default')) return plan;
  return { ...plan, spec: { ...plan.spec, gates: { ...gates, soak: { default: '30m', ...gates.soak } } } };
}

/** The clusters that a plan is about, by name: its selector matches and it does not exclude them. */
export function selectedClusters(plan: Plan, clusters: readonly Cluster[]): Cluster[] {
  const { selector, exclude } = plan.spec.clusters;
  const wanted = requireSelector(selector);
  return clusters
    .filter(({ name, labels }) => matches(wanted, labels) && !exclude.includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const NAMED = 5;

/**
 * What only the fleet can tell: nobody selected, an excluded name that nobody has, clusters that are newer than the
 * target, minors skipped without `via`. Clusters whose facts are not known, or that no driver upgrades, are passed over.
 */
export function checkPlanAgainstFleet(plan: Plan, clusters: readonly Cluster[]): PlanProblem[] {
  const selected = selectedClusters(plan, clusters);
  const found = excludeProblems(plan, clusters);
  if (selected.length === 0) return [...found, emptySelection(plan, clusters.length)];
  const names = new Map<string, { readonly problem: HopProblem; readonly clusters: string[] }>();
  for (const { name, facts } of selected) {
    if (!facts || facts.driver === 'none') continue;
    const hops = planClusterHops(facts, plan.spec.target.kubernetes, plan.spec.target.via);
    if (!isHopProblem(hops)) continue;
    const { problem } = hops;
    const key = problem.code === 'via_missing' ? `${problem.code} ${problem.subject}` : problem.code;
    const group = names.get(key) ?? { problem, clusters: [] };
    group.clusters.push(`${name} (${facts.apiServers.join(', ') || 'no version seen'})`);
    names.set(key, group);
  }
  return [...found, ...[...names.values()].map((group) => hopProblem(plan, group.problem, group.clusters))];
}

function emptySelection(plan: Plan, fleet: number): PlanProblem {
  const { selector, exclude } = plan.spec.clusters;
  const but = exclude.length > 0 ? `, without the ${exclude.length} excluded,` : '';
  const detail = `spec.clusters.selector is "${selector}"${but} and matches none of ${fleet} clusters; write a selector that matches at least one`;
  return { pointer: '/spec/clusters/selector', code: 'empty_selection', detail };
}

function excludeProblems(plan: Plan, clusters: readonly Cluster[]): PlanProblem[] {
  const known = clusters.map(({ name }) => name);
  return plan.spec.clusters.exclude.flatMap((name, n) => {
    if (known.includes(name)) return [];
    const detail = `spec.clusters.exclude[${n}] is "${name}", but no cluster has this name${didYouMean(name, known)}`;
    return [{ pointer: `/spec/clusters/exclude/${n}`, code: 'exclude_unknown', detail }];
  });
}

function hopProblem(plan: Plan, problem: HopProblem, clusters: readonly string[]): PlanProblem {
  const target = plan.spec.target.kubernetes;
  const who = listed(clusters);
  switch (problem.code) {
    case 'downgrade': {
      const detail = `spec.target.kubernetes is ${target}, older than ${who}; write a newer target, or exclude them`;
      return { pointer: '/spec/target/kubernetes', code: 'downgrade', detail };
    }
    case 'via_missing': {
      const minor = problem.subject;
      const detail = `spec.target.via does not name a patch of ${minor}, which ${who} must stop at on the way to ${minorOf(target)}; write for example "${minor}": ${minor}.4`;
      return { pointer: '/spec/target/via', code: 'via_missing', detail, example: { [minor]: `${minor}.4` } };
    }
    default:
      return { pointer: '/spec/target/kubernetes', code: problem.code, detail: `${who}: ${problem.detail}` };
  }
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return (
    `${names.length} clusters: ${names.slice(0, NAMED).join(', ')}`.replace(/^1 clusters: /, '') +
    (more > 0 ? ` and ${more} more` : '')
  );
}
