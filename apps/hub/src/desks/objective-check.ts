import type { Finding, FindingCode, Plan } from '@wavegate/fleet';
import { objectiveName } from '@wavegate/fleet';
import type { PlannedCluster } from '@wavegate/rollout';
import type { InventoryCluster, StoredPlan } from '@wavegate/storage';
import type { z } from 'zod';
import { Problem, type ProblemDetail } from '../rest/problem.js';
import type { StartedObjectivesShape } from '../rest/rollout-start-shapes.js';
import type { ClusterPreflight, FleetPreflight } from './fleet-preflight.js';

type Checked = z.infer<typeof StartedObjectivesShape>;

/** One order each: a fleet of thousands is asked in seconds, and what is wrong with a query is wrong in most of them. */
const MOST_ASKED = 50;
const MOST_TOLD = 100;
const MOST_NAMED = 5;

/** What says that an objective cannot be measured, whenever it is asked. A firing alert is of the hour, and not among them. */
const UNMEASURED: ReadonlySet<string> = new Set<FindingCode>([
  'metrics_source_missing',
  'metrics_source_unreachable',
  'objective_query_refused',
  'objective_without_data',
  'objective_period_too_short',
]);

export interface ObjectiveStart {
  readonly stored: StoredPlan;
  readonly taking: readonly PlannedCluster[];
  readonly fleet: readonly InventoryCluster[];
  readonly by: string;
  /** Why nobody is to be asked; null: ask. */
  readonly unchecked: string | null;
}

/** Asks agents whether they can measure what the plan judges by, before its rollout is stored (docs/adr/0012). */
export class ObjectiveCheck {
  constructor(private readonly preflights: Pick<FleetPreflight, 'run'>) {}

  /** 422 where a cluster cannot; else who was asked and who was not. A plan that measures nothing asks nobody. */
  async check({ stored, taking, fleet, by, unchecked }: ObjectiveStart): Promise<Checked> {
    const nobody = { checked: 0, notChecked: [], beyondSample: 0, reason: null };
    if (!measures(stored.plan)) return { ...nobody, state: 'none' };
    if (unchecked !== null) return { ...nobody, state: 'unchecked', reason: unchecked };
    const able = taking.filter(({ connected }) => connected);
    const sample = sampleOf(able);
    const wanted = new Set([...sample, ...taking.filter(({ connected }) => !connected)].map((one) => one.clusterId));
    const clusters = fleet.filter(({ id }) => wanted.has(id));
    const looks = await this.preflights.run(stored, clusters, by, { only: 'objectives' });
    refuseUnmeasured(stored.plan, looks);
    const notChecked = looks.flatMap(({ cluster, why }) => (why === null ? [] : [{ cluster, why }]));
    const checked = looks.length - notChecked.length;
    return { state: 'checked', checked, notChecked, beyondSample: able.length - sample.length, reason: null };
  }
}

/** Whether its verdicts need a metrics source at all. */
export function measures({ spec }: Plan): boolean {
  return spec.verdict.objectives.length > 0 || spec.verdict.alerts.length > 0;
}

/**
 * All of a small fleet. Of a large one half from the first wave, the first of every other wave and ring, and the rest
 * evenly along the line, which is spread over the strata: one that differs is likely to be among them.
 */
export function sampleOf(line: readonly PlannedCluster[], most = MOST_ASKED): PlannedCluster[] {
  if (line.length <= most) return [...line];
  const firstWave = line.filter(({ wave }) => wave === line[0]?.wave).slice(0, most / 2);
  const heads = [...firsts(line, ({ wave }) => wave), ...firsts(line, ({ ring }) => ring)];
  const chosen = new Set([...firstWave, ...heads].slice(0, most));
  const rest = line.filter((cluster) => !chosen.has(cluster));
  const room = most - chosen.size;
  for (let n = 0; n < room; n += 1) {
    const next = rest[Math.floor((n * rest.length) / room)];
    if (next) chosen.add(next);
  }
  return line.filter((cluster) => chosen.has(cluster));
}

function firsts<K>(line: readonly PlannedCluster[], of: (cluster: PlannedCluster) => K): PlannedCluster[] {
  return [...Map.groupBy(line, of).values()].flatMap(([first]) => (first ? [first] : []));
}

/** 422 that tells each cluster's objective, the query, its answer, and what would be right; the same in many, once. */
export function refuseUnmeasured(plan: Plan, looks: readonly ClusterPreflight[]): void {
  const found = looks.flatMap(({ cluster, findings }) =>
    findings.filter(isUnmeasured).map((finding) => ({ cluster, finding })),
  );
  if (found.length === 0) return;
  const same = Map.groupBy(found, ({ finding }) => JSON.stringify([finding.code, finding.object, finding.message]));
  const errors = [...same.values()].flatMap((group) => {
    const [first] = group;
    return first ? [toError(plan, first.finding, group)] : [];
  });
  const unable = new Set(found.map(({ cluster }) => cluster)).size;
  const asked = looks.filter(({ order }) => order !== null).length;
  const title = `${unable} of ${asked} clusters that were asked cannot measure what the plan judges by`;
  const more = errors.length > MOST_TOLD ? ` ${errors.length - MOST_TOLD} more are not listed.` : '';
  throw new Problem(422, 'objectives-not-measurable', title, {
    detail:
      `nothing was started.${more} Mend it, leave those clusters out, or waive the finding in spec.preflight.severities; ` +
      `to start without asking, with the reason in the audit: wavegate rollout start ${plan.metadata.name} --skip-objective-check --reason …`,
    errors: errors.slice(0, MOST_TOLD),
  });
}

const isUnmeasured = ({ code, severity }: Finding): boolean => severity === 'block' && UNMEASURED.has(code);

function toError(
  { spec }: Plan,
  { code, object, message, remedy }: Finding,
  group: readonly { readonly cluster: string }[],
): ProblemDetail {
  const names = [...new Set(group.map(({ cluster }) => cluster))];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const index = spec.verdict.objectives.findIndex((objective) => objectiveName(objective) === object);
  return {
    pointer: index < 0 ? '/spec/verdict' : `/spec/verdict/objectives/${index}`,
    code,
    detail: `${names.slice(0, MOST_NAMED).join(', ')}${more}: ${object}: ${message}; ${remedy}`,
  };
}
