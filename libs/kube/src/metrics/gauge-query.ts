import { withPromLabels, type DeclaredGauge } from '@wavegate/fleet';
import { GAUGE_LIBRARY } from './gen/sli-library.js';
import type { GaugeDefinition } from './sli-definition.js';
import { valuesFor, withParams, type SliProblem } from './sli-query.js';

/** A gauge ready to be asked for: parameters filled in, `[$period]` still open. */
export interface GaugeQuestion {
  readonly name: string;
  /** Name of the source; null = the first. */
  readonly source: string | null;
  readonly query: string;
  /** Null where the plan brought the query. */
  readonly definition: GaugeDefinition | null;
}

/** What to ask for a gauge of a plan; or why nothing can be asked, and what would be right. */
export function gaugeQuestionOf(declared: DeclaredGauge): GaugeQuestion | SliProblem {
  const { name, query, where, source } = declared;
  if (query !== null) return { name, source, query: withPromLabels(query, where), definition: null };
  const definition = GAUGE_LIBRARY.find((one) => one.name === declared.gauge);
  if (!definition) {
    const known = GAUGE_LIBRARY.map((one) => one.name).join(', ');
    const problem = `no gauge is called "${declared.gauge ?? name}"`;
    return { name, problem, right: `one of ${known}; or write a query of your own` };
  }
  const values = valuesFor(definition, declared);
  if ('problem' in values) return values;
  // Renamed metrics: the range may begin before the upgrade and end after it.
  const whole = definition.versions.map((version) => version.query).join(' or ');
  return { name, source, query: withPromLabels(withParams(whole, values.values), where), definition };
}
