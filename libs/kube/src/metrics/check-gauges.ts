import {
  declaredGauges,
  durationMs,
  withPromLabels,
  withPromPeriod,
  type DeclaredGauge,
  type Finding,
} from '@wavegate/fleet';
import type { Plan } from '@wavegate/fleet';
import { gaugeQuestionOf, type GaugeQuestion } from './gauge-query.js';
import { MetricSettingsProblem, type MetricSettings } from './metric-sources.js';
import { PrometheusRefusal, type RefusalKind } from './prometheus-client.js';
import { REFUSAL_REMEDIES } from './refusal-remedies.js';
import { isMeasuredAt } from './sli-query.js';
import type { SourceAccess } from './source-access.js';
import { NotConfigured, SourceRound } from './source-round.js';

type GaugeFinding = Finding & { readonly code: 'gauge_not_measured' };

interface Means {
  readonly access: SourceAccess;
  readonly now: () => number;
}

const LOOK_BACK = 10;
const LEAST_SEEN = 5;
const AGGREGATE = 'aggregate it to one series: avg(…), max(…) or sum(…)';

/**
 * Whether the gauges that a plan names can be measured here. A warning where not, never more: they decide nothing, and the
 * verdict is as good without them. Each source that does not answer is waited for once.
 */
export async function checkGauges(means: Means, plan: Plan, target: string): Promise<GaugeFinding[]> {
  const declared = declaredGauges(plan);
  if (declared.length === 0) return [];
  let settings: MetricSettings | null = null;
  let why = 'this cluster has no ConfigMap wavegate-metrics that says where to ask';
  try {
    settings = await means.access.settings();
  } catch (error) {
    if (!(error instanceof MetricSettingsProblem)) throw error;
    why = `the ConfigMap wavegate-metrics is not understood: ${error.message}`;
  }
  if (!settings) {
    const names = declared.map(({ name }) => name).join(', ');
    return [finding(names, why, 'create it as docs/metrics.md shows; or take verdict.gauges out of the plan')];
  }
  const check = new GaugeCheck(means, settings, durationMs(plan.spec.verdict.period));
  const found: GaugeFinding[] = [];
  for (const gauge of declared) found.push(...(await check.gauge(gauge, target)));
  return found;
}

class GaugeCheck {
  private readonly round: SourceRound;
  /** A source that does not answer refuses every question with the same refusal: it is told once. */
  private readonly told = new Set<PrometheusRefusal>();

  constructor(
    private readonly means: Means,
    settings: MetricSettings,
    private readonly periodMs: number,
  ) {
    this.round = new SourceRound(means.access, settings);
  }

  async gauge(declared: DeclaredGauge, target: string): Promise<GaugeFinding[]> {
    const question = gaugeQuestionOf(declared);
    if ('problem' in question) return [finding(declared.name, question.problem, question.right)];
    const asked = await this.ask(question);
    if (asked.length > 0 || isMeasuredAt(question, target)) return asked;
    const ranges = question.definition?.versions.map(({ kubernetes }) => kubernetes).join(', ') ?? '';
    const message = `its metrics are those of Kubernetes ${ranges}; ${target} has others`;
    return [finding(question.name, message, 'write a query of your own for both versions, joined by or')];
  }

  private async ask({ name, source: wanted, query }: GaugeQuestion): Promise<GaugeFinding[]> {
    const source = this.round.find(wanted);
    if (source instanceof NotConfigured) {
      return [finding(name, source.message, "write one of those; or have the cluster's admin add it")];
    }
    const text = withPromPeriod(withPromLabels(query, source.labels), this.periodMs);
    const to = this.means.now() - source.delayMs;
    const range = { from: to - (LOOK_BACK - 1) * this.periodMs, to, stepMs: this.periodMs };
    try {
      const points = await this.round.points({ source: wanted, query, range });
      const seen = points.filter((value) => Number.isFinite(value)).length;
      if (seen >= LEAST_SEEN) return [];
      const message = `${text} has numbers in ${seen} of the last ${LOOK_BACK} periods at ${source.url}`;
      return [finding(name, message, 'see that its metrics are scraped and its labels are those of this Prometheus')];
    } catch (error) {
      if (!(error instanceof PrometheusRefusal)) throw error;
      if (this.told.has(error)) return [];
      this.told.add(error);
      return [finding(name, `${text} at ${source.url}: ${error.message}`, remedyOf(error.kind))];
    }
  }
}

const remedyOf = (kind: RefusalKind): string =>
  ['wrongShape', 'tooManySeries', 'tooLarge'].includes(kind) ? AGGREGATE : REFUSAL_REMEDIES[kind];

function finding(object: string, message: string, remedy: string): GaugeFinding {
  return { code: 'gauge_not_measured', severity: 'warn', object, message: message.slice(0, 700), remedy, owner: '' };
}
