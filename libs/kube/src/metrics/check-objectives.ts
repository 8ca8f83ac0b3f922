import {
  declaredObjectives,
  durationMs,
  promSelectors,
  promTokens,
  withPromLabels,
  withPromPeriod,
  type BlockingAlerts,
  type DeclaredObjective,
  type Finding,
  type FindingCode,
  type Plan,
  FINDING_CODES,
} from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import { hasLabels } from './alert-gates.js';
import { checkGauges } from './check-gauges.js';
import { checkSilences } from './check-silences.js';
import { MetricSettingsProblem, type MetricSettings, type MetricSource } from './metric-sources.js';
import { areShares, countsOverPeriod, exceedsTotal, shareProblem, type Values } from './counts-check.js';
import { pointsOf } from './period-samples.js';
import { PrometheusRefusal, type MatrixSeries, type PrometheusClient } from './prometheus-client.js';
import { REFUSAL_REMEDIES } from './refusal-remedies.js';
import { scrapeInterval } from './scrape-interval.js';
import { isMeasuredAt, PROBE_OBJECTIVE, questionOf, type SliQuestion } from './sli-query.js';
import { SourceAccess } from './source-access.js';

/** So much of the past must hold samples: half of the ten periods that a comparison needs at least. */
const LOOK_BACK = 10;
const LEAST_SEEN = 5;
const OLDER_REMOTE = 'prometheus_remote_storage_succeeded_samples_total';

export interface ObjectiveCheckMeans {
  readonly kube: KubeAccess;
  /** The agent's. */
  readonly namespace: string;
  readonly now: () => number;
}

/** A finding whose code this release knows. */
export type ObjectiveFinding = Finding & { readonly code: FindingCode };

interface Asked {
  readonly source: MetricSource;
  readonly client: PrometheusClient;
}

/**
 * Asks every question of a plan once, before anything starts: a query that does not parse, has the wrong shape or too many
 * series, gives a ratio instead of counts, or has no data, is found here and not in the hour of the upgrade. Each finding
 * names the query, the answer, and what would be right. Nothing is found where a plan has no objectives.
 */
export async function checkObjectives(
  means: ObjectiveCheckMeans,
  plan: Plan,
  target: string,
): Promise<ObjectiveFinding[]> {
  const access = new SourceAccess(means.kube, means.namespace);
  const objectives = await askedOnce(means, plan, target);
  const gauges = await checkGauges({ access, now: means.now }, plan, target);
  return [...objectives, ...gauges, ...(await checkSilences(access, plan))];
}

async function askedOnce(means: ObjectiveCheckMeans, plan: Plan, target: string): Promise<ObjectiveFinding[]> {
  const declared = declaredObjectives(plan).filter(({ sli }) => sli !== PROBE_OBJECTIVE);
  const { alerts } = plan.spec.verdict;
  if (declared.length === 0 && alerts.length === 0) return [];
  const check = new ObjectiveCheck(means, plan, target);
  const settings = await check.settings();
  if (settings === null) return check.findings;
  for (const objective of declared) await check.objective(objective, settings);
  for (const selection of alerts) await check.alerts(selection, settings);
  return check.findings;
}

class ObjectiveCheck {
  readonly findings: ObjectiveFinding[] = [];
  private readonly access: SourceAccess;
  private readonly open = new Map<string, Asked | null>();
  private readonly periodMs: number;

  constructor(
    private readonly means: ObjectiveCheckMeans,
    plan: Plan,
    private readonly target: string,
  ) {
    this.access = new SourceAccess(means.kube, means.namespace);
    this.periodMs = durationMs(plan.spec.verdict.period);
  }

  /** Null where nothing can be asked: then that is a finding. */
  async settings(): Promise<MetricSettings | null> {
    const object = `${this.means.namespace}/wavegate-metrics`;
    try {
      const settings = await this.access.settings();
      if (settings) return settings;
      const message =
        'the plan asks for service levels, and this cluster has no ConfigMap wavegate-metrics that says where to ask';
      this.found('metrics_source_missing', object, [
        message,
        'create it as docs/metrics.md shows; or take the objectives out of the plan',
      ]);
    } catch (error) {
      if (!(error instanceof MetricSettingsProblem)) throw error;
      this.found('metrics_source_missing', object, [
        `the ConfigMap wavegate-metrics is not understood: ${error.message}`,
        'write it as docs/metrics.md shows',
      ]);
    }
    return null;
  }

  async objective(declared: DeclaredObjective, settings: MetricSettings): Promise<void> {
    const question = questionOf(declared);
    if ('problem' in question) {
      this.found('objective_query_refused', declared.name, [question.problem, question.right]);
      return;
    }
    const asked = await this.source(question.source, settings, declared.name);
    if (!asked) return;
    if (!isMeasuredAt(question, this.target)) {
      const ranges = question.definition?.versions.map(({ kubernetes }) => kubernetes).join(', ') ?? '';
      this.found('objective_not_measured_at_target', question.name, [
        `its metrics are those of Kubernetes ${ranges}; ${this.target} has others`,
        'write a query of your own for both versions, joined by or',
      ]);
    }
    await this.question(question, asked);
  }

  private async question(question: SliQuestion, asked: Asked): Promise<void> {
    const part = question.bad ?? question.good ?? '';
    const total = await this.look(question.name, question.total, asked);
    if (!total) return;
    const other = await this.look(question.name, part, asked);
    if (!other) return;
    const seen = total.filter((value) => value !== null);
    if (seen.length < LEAST_SEEN) await this.noData(question, asked, seen.length);
    else await this.notCounts(question, asked, { total, part: other });
    if (question.good !== null && seen.length > 0 && other.every((value) => value === null)) {
      this.found(
        'objective_without_data',
        question.name,
        [
          `${question.good} has no series while ${question.total} has: everything would count as bad`,
          'write the labels as they are in this Prometheus',
        ],
        question.decisive,
      );
    }
    if (question.bad !== null) await this.unknownMetrics(question, asked);
  }

  /** The values of the last periods; null where the answer is none, which is then a finding. */
  private async look(name: string, query: string, { client, source }: Asked): Promise<Values | null> {
    const text = withPromPeriod(withPromLabels(query, source.labels), this.periodMs);
    const to = this.means.now() - source.delayMs;
    const range = { from: to - (LOOK_BACK - 1) * this.periodMs, to, stepMs: this.periodMs };
    let matrix: readonly MatrixSeries[] = [];
    try {
      matrix = await client.queryRange(text, range);
      return pointsOf(matrix, range);
    } catch (error) {
      if (!(error instanceof PrometheusRefusal)) throw error;
      this.found('objective_query_refused', name, [`${text}: ${error.message}`, REFUSAL_REMEDIES[error.kind]]);
      return null;
    }
  }

  private async noData(question: SliQuestion, asked: Asked, seen: number): Promise<void> {
    const { name, total, decisive } = question;
    const every = await scrapeInterval(asked, total);
    if (every !== null && this.periodMs < every * 2) {
      const message = `samples come every ${every / 1000} s, and a period of ${this.periodMs / 1000} s holds fewer than two of them: ${total} has no answer`;
      this.found(
        'objective_period_too_short',
        name,
        [message, `write verdict.period: ${Math.ceil((every * 4) / 1000)}s or more`],
        decisive,
      );
      return;
    }
    const message = `${total} has samples in ${seen} of the last ${LOOK_BACK} periods at ${asked.source.url}`;
    this.found(
      'objective_without_data',
      name,
      [message, `see that its metrics are scraped and its labels are those${exposedBy(question)}; or set mode: dryRun`],
      decisive,
    );
  }

  /** Queries of one's own are looked at by what they answer: a share that is judged as a count finds nothing, ever. */
  private async notCounts(question: SliQuestion, asked: Asked, { total, part }: Record<'total' | 'part', Values>) {
    if (question.definition !== null) return;
    const query = question.bad ?? question.good ?? '';
    // What is counted over the period may be less than one: seconds, for example.
    const known = shareProblem(question.total, total) ?? shareProblem(query, countsOverPeriod(query) ? [] : part);
    const problem = known ?? (await this.shareOfTheDay(query, asked));
    const right = 'write the number of events: sum(increase(…[$period]))';
    if (problem !== null) {
      const at = ` at ${asked.source.url}`;
      this.found('objective_query_refused', question.name, [`${problem}${at}`, right]);
    } else if (exceedsTotal(part, total)) {
      const message = `${query} is more than ${question.total} in most of the last ${LOOK_BACK} periods at ${asked.source.url}`;
      this.found('objective_query_refused', question.name, [
        `${message}: it cannot be a part of it`,
        'write bad (or good) and total of the same requests; see that they are not swapped',
      ]);
    }
  }

  /** What a rule recorded may have been zero all the while: the day before tells whether it ever is a share. */
  private async shareOfTheDay(query: string, { client, source }: Asked): Promise<string | null> {
    if (countsOverPeriod(query)) return null;
    const day = `max_over_time((${withPromLabels(query, source.labels)})[1d:5m])`;
    const { result } = await client.query(day).catch(() => ({ result: [] }));
    const values = result.map(({ value }) => Number(value[1])).filter(Number.isFinite);
    return areShares(values) ? shareProblem(query, values) : null;
  }

  /** Errors that never happened have no series; a metric that nobody has is a misspelt one. */
  private async unknownMetrics({ name, bad, decisive }: SliQuestion, { client, source }: Asked): Promise<void> {
    const metrics = promSelectors(promTokens(bad ?? '')).map(({ metric }) => metric);
    for (const metric of new Set(metrics.filter((one) => one !== ''))) {
      const { result } = await client
        .query(`count(${withPromLabels(metric, source.labels)})`)
        .catch(() => ({ result: [null] }));
      if (result.length > 0) continue;
      this.found(
        'objective_without_data',
        name,
        [
          `no series is called ${metric} at ${source.url}: ${bad} could never find anything`,
          'write the name as it is in this Prometheus',
        ],
        decisive,
      );
    }
  }

  async alerts({ match, source: name, mode }: BlockingAlerts, settings: MetricSettings): Promise<void> {
    const decisive = mode !== 'dryRun';
    const text = Object.entries(match)
      .map(([label, value]) => `${label}=${value}`)
      .join(', ');
    const asked = await this.source(name ?? null, settings, text);
    if (!asked) return;
    try {
      const firing = (await asked.client.alerts()).filter(
        ({ state, labels }) => state === 'firing' && hasLabels(labels, { ...match, ...asked.source.labels }),
      );
      for (const { labels, activeAt } of firing) {
        this.found(
          'blocking_alert_firing',
          labels.alertname ?? text,
          [
            `fires since ${activeAt}, and the plan ${decisive ? 'says that it blocks' : 'only shows it (dryRun)'}`,
            'mend what it tells of, or take it out of verdict.alerts',
          ],
          decisive,
        );
      }
    } catch (error) {
      if (!(error instanceof PrometheusRefusal)) throw error;
      this.found(
        'objective_query_refused',
        text,
        [`the alerts cannot be asked: ${error.message}`, REFUSAL_REMEDIES[error.kind]],
        decisive,
      );
    }
  }

  private async source(name: string | null, settings: MetricSettings, object: string): Promise<Asked | null> {
    const source = name === null ? settings.sources[0] : settings.sources.find((one) => one.name === name);
    if (!source) {
      const known = settings.sources.map((one) => one.name).join(', ');
      this.found('metrics_source_missing', object, [
        `no source is called "${name}" in wavegate-metrics`,
        `one of ${known}; or have the cluster's admin add it`,
      ]);
      return null;
    }
    if (!this.open.has(source.name)) this.open.set(source.name, await this.opened(source));
    return this.open.get(source.name) ?? null;
  }

  private async opened(source: MetricSource): Promise<Asked | null> {
    try {
      const client = await this.access.open(source);
      await client.query('vector(1)');
      // What it is built of is a courtesy: not every store can tell.
      await this.drained({ source, client }).catch(() => undefined);
      return { source, client };
    } catch (error) {
      if (!(error instanceof PrometheusRefusal)) throw error;
      this.found('metrics_source_unreachable', source.name, [
        `${source.url}: ${error.message}`,
        REFUSAL_REMEDIES[error.kind],
      ]);
      return null;
    }
  }

  /** One replica that keeps its data for itself is drained with its node: what it would have seen meanwhile is missing. */
  private async drained({ source, client }: Asked): Promise<void> {
    const count = async (metric: string): Promise<number | null> => {
      const { result } = await client.query(`count(${withPromLabels(metric, source.labels)})`);
      return result[0] ? Number(result[0].value[1]) : null;
    };
    const right = 'run two replicas, or remote-write to a store of several';
    const replicas = await count('prometheus_build_info');
    if (replicas === null) {
      const message = `whether ${source.url} has a second replica or writes elsewhere could not be told: it does not scrape itself (no prometheus_build_info)`;
      const remedy = `let it scrape itself; one that is drained with its node measures nothing meanwhile: ${right}`;
      this.findings.push({
        ...{ code: 'metrics_source_single', severity: 'info', object: source.name, message, remedy, owner: '' },
      });
      return;
    }
    // The name until 2.x was another, and some operators still run it.
    const written = (await count('prometheus_remote_storage_samples_total')) ?? (await count(OLDER_REMOTE));
    if (replicas !== 1 || (written ?? 0) > 0) return;
    const message = `${source.url} has one replica and writes nowhere else: while its own node is drained nothing is measured, and missing data holds`;
    this.found('metrics_source_single', source.name, [message, right]);
  }

  private found(
    code: FindingCode,
    object: string,
    [message, remedy]: readonly [string, string],
    decisive = true,
  ): void {
    const usual = FINDING_CODES[code];
    // What is only shown does not stop anything.
    const severity = decisive || usual !== 'block' ? usual : 'warn';
    this.findings.push({ code, severity, object, message: message.slice(0, 700), remedy, owner: '' });
  }
}

/** Whose metrics they are, and of which versions: the first thing to look at where there are none. */
function exposedBy({ definition }: SliQuestion): string {
  const component = definition?.versions.find((version) => version.component !== null)?.component;
  return definition && component ? ` (they are those of ${definition.from} ${component})` : '';
}
