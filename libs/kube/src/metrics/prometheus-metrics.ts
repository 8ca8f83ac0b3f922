import {
  declaredObjective,
  type BlockingAlerts,
  type ControlSamples,
  type DeclaredObjective,
  type GaugeSamples,
  type HardGate,
  type Series,
  type SliSamples,
} from '@wavegate/fleet';
import type { AgentLog, GaugeRequest, Metrics } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import type { ApiProbe } from '../probe/api-probe.js';
import { gatesOfAlerts } from './alert-gates.js';
import { GaugeReader } from './gauge-reader.js';
import { MetricSettingsProblem, type MetricSettings } from './metric-sources.js';
import {
  continued,
  pairPeriods,
  periodsOf,
  withoutSamples,
  type Causes,
  type PeriodSamples,
  type Points,
  type SampleCause,
} from './period-samples.js';
import { PrometheusRefusal, type Range } from './prometheus-client.js';
import { PROBE_OBJECTIVE, PROBE_SHARE, questionOf, resetsOf, type SliQuestion } from './sli-query.js';
import { SourceAccess } from './source-access.js';
import { CAUSES, NotConfigured, SourceRound } from './source-round.js';

export interface MetricsMeans {
  readonly kube: KubeAccess;
  readonly namespace: string;
  readonly now: () => number;
  readonly log: AgentLog;
  /** Our own requests to the API server; null: none are made. */
  readonly probe: ApiProbe | null;
}

type Request = Parameters<Metrics['samples']>[0];

const MOST_BASELINES = 400;
const WEEK_MS = 7 * 24 * 3_600_000;
const MOST_WEEKS = 2;
const WEEK_PIECE = 30;
/** Later periods of those weeks that speak for the newest one as well (libs/analysis, week-shape.ts). */
const BESIDE = 5;

/**
 * Samples from the cluster's own Prometheus (or a Thanos or Mimir that has its series), by PromQL over the judged
 * periods: bad and total apart. A period without a sample is null, and why is counted beside it. Nothing here throws for
 * what a source does: an objective that cannot be measured is missing data.
 */
export class PrometheusMetrics implements Metrics {
  private readonly sources: SourceAccess;
  /** The past does not change: asked once. */
  private readonly baselines = new Map<string, PeriodSamples>();
  /** The newest answer per objective and change. */
  private readonly latest = new Map<string, PeriodSamples>();

  private readonly gaugeReader: GaugeReader;

  constructor(private readonly means: MetricsMeans) {
    this.gaugeReader = new GaugeReader(means);
    this.sources = new SourceAccess(means.kube, means.namespace);
  }

  async samples(request: Request): Promise<readonly SliSamples[]> {
    const declared = request.declared ?? request.objectives.map(declaredObjective);
    const round = new SourceRound(this.sources, await this.settingsOr(null));
    const found: SliSamples[] = [];
    for (const objective of declared) found.push(await this.sli(objective, request, round));
    const asked = declared.some(({ name }) => name === PROBE_OBJECTIVE);
    // Shown with every verdict, never decisive unless asked for.
    if (this.means.probe && !asked) found.push(this.probed(declaredObjective(PROBE_OBJECTIVE), request, false));
    return found;
  }

  disruption({ from, until, periodMs }: Parameters<NonNullable<Metrics['disruption']>>[0]) {
    const periods = Math.max(0, Math.floor((until - from) / periodMs));
    const seen = this.means.probe?.disruption(from, periods, periodMs);
    return Promise.resolve(seen ?? new Array<null>(periods).fill(null));
  }

  /** Whoever has no source says so of each gauge, once; that nobody allowed one is told where objectives are asked for. */
  async gauges(request: GaugeRequest): Promise<readonly GaugeSamples[]> {
    const settings = await this.sources.settings().catch(() => null);
    return this.gaugeReader.read(request, new SourceRound(this.sources, settings));
  }

  /** Throws where one of the sources cannot say. */
  async firing({
    alerts,
    since,
  }: {
    readonly alerts: readonly BlockingAlerts[];
    readonly since: number;
  }): Promise<readonly HardGate[]> {
    const round = new SourceRound(this.sources, await this.sources.settings());
    const gates: HardGate[] = [];
    for (const wanted of alerts) {
      if (wanted.mode === 'dryRun') gates.push(...(await this.shown(wanted, since, round)));
      else gates.push(...(await this.gatesOf(wanted, since, round)));
    }
    return gates;
  }

  private async gatesOf({ match, source: name }: BlockingAlerts, since: number, round: SourceRound) {
    const { client, source } = await round.open(name ?? null);
    return gatesOfAlerts(await client.alerts(), { ...match, ...source.labels }, since);
  }

  /** Advisory alerts are kept with the verdict, and violate nothing; nobody waits for a source that cannot tell. */
  private async shown(wanted: BlockingAlerts, since: number, round: SourceRound): Promise<readonly HardGate[]> {
    try {
      const gates = await this.gatesOf(wanted, since, round);
      for (const { name } of gates) this.means.log.info('an alert fires that only shows (dryRun)', { gate: name });
      return gates.map((gate) => ({ ...gate, violated: false }));
    } catch (error) {
      this.means.log.warn('advisory alerts cannot be asked', { why: String((error as Error).message).slice(0, 300) });
      return [];
    }
  }

  private async settingsOr(other: null): Promise<MetricSettings | null> {
    try {
      return await this.sources.settings();
    } catch (error) {
      const why =
        error instanceof MetricSettingsProblem ? `ConfigMap wavegate-metrics: ${error.message}` : String(error);
      this.means.log.warn('no metrics source', { why });
      return other;
    }
  }

  private async sli(declared: DeclaredObjective, request: Request, round: SourceRound): Promise<SliSamples> {
    if (declared.sli === PROBE_OBJECTIVE) return this.probed(declared, request, declared.decisive);
    const question = questionOf(declared);
    const { name, decisive } = declared;
    const after = { from: request.from + request.periodMs, to: request.until, stepMs: request.periodMs };
    if ('problem' in question) {
      this.means.log.warn('objective cannot be asked', {
        objective: name,
        why: `${question.problem}; ${question.right}`,
      });
      return {
        name,
        decisive,
        objective: declared.objective ?? PROBE_SHARE,
        baseline: [],
        ...sampled(withoutSamples(periodsOf(after), 'queryFailed')),
      };
    }
    const baseline = await this.baseline(question, request, round);
    const fresh = await this.since(question, after, round);
    const queries = { bad: question.bad ?? `total - (${question.good ?? ''})`, total: question.total };
    const weeks = await this.weeks(question, request, round);
    const past = { baseline: baseline.series, ...(weeks.length > 0 ? { weeks } : {}) };
    return { name, decisive, objective: question.objective, ...past, ...sampled(fresh), queries };
  }

  /** The same hours one and two weeks ago, where the source keeps that long. Where it does not, nothing is missing. */
  private async weeks(question: SliQuestion, request: Request, round: SourceRound): Promise<readonly ControlSamples[]> {
    const { baselinePeriods, periodMs, from, until, baselineUntil = from } = request;
    if (baselinePeriods <= 0) return [];
    const known: ControlSamples[] = [];
    for (let back = 1; back <= MOST_WEEKS; back += 1) {
      const ago = back * WEEK_MS;
      const baseline = await this.past(
        question,
        { until: baselineUntil - ago, periods: baselinePeriods, periodMs },
        round,
      );
      // Without the week before, the one before that is not asked for: most stores keep none, and it costs a question each.
      if (baseline.filter((sample) => sample !== null).length * 2 < baselinePeriods) break;
      const periods = Math.round((until - from) / periodMs) + BESIDE;
      // Asked for in large pieces: what is a week old is there already.
      const whole = Math.ceil(periods / WEEK_PIECE) * WEEK_PIECE;
      const after = await this.past(
        question,
        { until: from - ago + whole * periodMs, periods: whole, periodMs },
        round,
      );
      known.push({ baseline, after: after.slice(0, periods) });
    }
    return known;
  }

  private async past(
    question: SliQuestion,
    { until, periods, periodMs }: { readonly until: number; readonly periods: number; readonly periodMs: number },
    round: SourceRound,
  ): Promise<Series> {
    const window = { baselineUntil: until, from: until, until, periodMs, baselinePeriods: periods, objectives: [] };
    return (await this.baseline(question, window, round)).series;
  }

  private async baseline(question: SliQuestion, request: Request, round: SourceRound): Promise<PeriodSamples> {
    const { baselinePeriods, periodMs, from, baselineUntil = from } = request;
    if (baselinePeriods <= 0) return { series: [], causes: {} };
    const range = { from: baselineUntil - (baselinePeriods - 1) * periodMs, to: baselineUntil, stepMs: periodMs };
    const key = `${question.name}/${question.total}/${baselineUntil}/${periodMs}/${baselinePeriods}`;
    const known = this.baselines.get(key);
    if (known) return known;
    try {
      const samples = await this.ask(question, range, round);
      if (this.baselines.size >= MOST_BASELINES) this.baselines.clear();
      // What is still to arrive is asked for again.
      if (!samples.causes.late) this.baselines.set(key, samples);
      return samples;
    } catch (error) {
      return withoutSamples(baselinePeriods, this.causeOf(error, question.name));
    }
  }

  private async since(question: SliQuestion, range: Range, round: SourceRound): Promise<PeriodSamples> {
    const key = `${question.name}/${question.total}/${range.from}/${range.stepMs}`;
    const periods = periodsOf(range);
    try {
      const samples = await this.ask(question, range, round);
      if (this.latest.size >= MOST_BASELINES) this.latest.clear();
      this.latest.set(key, samples);
      return samples;
    } catch (error) {
      const cause = this.causeOf(error, question.name);
      const known = this.latest.get(key);
      return known ? continued(known, periods, cause) : withoutSamples(periods, cause);
    }
  }

  private async ask(question: SliQuestion, range: Range, round: SourceRound): Promise<PeriodSamples> {
    const { source } = question;
    const asked = (query: string): Promise<Points> => round.points({ source, query, range });
    const total = await asked(question.total);
    const part = await asked(question.bad ?? question.good ?? '');
    const resets = resetsOf(question.total);
    const raw = { total, part, partIs: question.bad === null ? ('good' as const) : ('bad' as const) };
    const delayMs = round.delayOf(question);
    const samples = pairPeriods(
      { ...raw, resets: resets === null ? [] : await asked(resets) },
      range,
      this.means.now() - range.stepMs - delayMs,
    );
    return samples;
  }

  private causeOf(error: unknown, objective: string): SampleCause {
    const refusal = error instanceof PrometheusRefusal ? error : null;
    const cause = refusal ? CAUSES[refusal.kind] : error instanceof NotConfigured ? 'notConfigured' : 'queryFailed';
    this.means.log.warn('objective not measured', {
      objective,
      cause,
      why: String((error as Error).message ?? error).slice(0, 300),
    });
    return cause;
  }

  private probed({ name, objective }: DeclaredObjective, request: Request, decisive: boolean): SliSamples {
    const { from, until, periodMs, baselinePeriods, baselineUntil = from } = request;
    const { probe } = this.means;
    const periods = periodsOf({ from: from + periodMs, to: until, stepMs: periodMs });
    const head = { name, decisive, objective: objective ?? PROBE_SHARE };
    if (!probe) return { ...head, baseline: [], ...sampled(withoutSamples(periods, 'notConfigured')) };
    const baseline = probe.series(baselineUntil - baselinePeriods * periodMs, baselinePeriods, periodMs);
    const after = probe.series(from, periods, periodMs);
    const gaps = after.filter((sample) => sample === null).length;
    return { ...head, baseline, ...sampled({ series: after, causes: gaps > 0 ? { gap: gaps } : {} }) };
  }
}

function sampled({ series, causes }: PeriodSamples): { readonly after: SliSamples['after']; readonly causes?: Causes } {
  return Object.keys(causes).length > 0 ? { after: series, causes } : { after: series };
}
