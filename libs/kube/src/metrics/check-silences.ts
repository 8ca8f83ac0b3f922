import type { Finding, Plan } from '@wavegate/fleet';
import { sourceOf } from './alertmanager-silences.js';
import { MetricSettingsProblem, type MetricSource } from './metric-sources.js';
import type { SourceAccess } from './source-access.js';
import { PrometheusRefusal } from './source-http.js';

type SilenceFinding = Finding & { readonly code: 'silence_not_possible' };

/**
 * Whether the silences that a plan asks for can be made here: somebody allowed an Alertmanager, and it answers. A warning
 * where not: the upgrade is as safe without them, and somebody is paged for a node that is worked on.
 */
export async function checkSilences(access: SourceAccess, plan: Plan): Promise<SilenceFinding[]> {
  const silences = plan.spec.verdict.silences ?? [];
  const names = new Set(silences.map(({ alertmanager = null }) => alertmanager));
  const found: SilenceFinding[] = [];
  for (const name of names) {
    const trouble = await troubleOf(access, name);
    if (trouble && !found.some(({ message }) => message === trouble.message)) found.push(trouble);
  }
  return found;
}

async function troubleOf(access: SourceAccess, name: string | null): Promise<SilenceFinding | null> {
  let source: MetricSource;
  try {
    source = sourceOf((await access.settings())?.alertmanagers ?? [], name);
  } catch (error) {
    if (!(error instanceof MetricSettingsProblem)) throw error;
    return finding(name ?? 'wavegate-metrics', `${error.message}; the plan asks for silences`, ALLOW);
  }
  try {
    await (await access.openAlertmanager(source)).ready();
    return null;
  } catch (error) {
    if (!(error instanceof PrometheusRefusal)) throw error;
    return finding(source.name, `${source.url}: ${error.message}`, MEND);
  }
}

const ALLOW =
  "have the cluster's admin add it under alertmanagers as docs/metrics.md shows; or take verdict.silences out of the plan";
const MEND =
  "see that the URL is that of an Alertmanager's Service, that the network policy lets the agent pass, and that its token may write";

function finding(object: string, message: string, remedy: string): SilenceFinding {
  return { code: 'silence_not_possible', severity: 'warn', object, message: message.slice(0, 700), remedy, owner: '' };
}
