import { type DeclaredGauge, type GaugeSamples } from '@wavegate/fleet';
import type { AgentLog, GaugeRequest } from '@wavegate/runtime/agent';
import { gaugeQuestionOf, type GaugeQuestion } from './gauge-query.js';
import { periodsOf, type Points } from './period-samples.js';
import { PrometheusRefusal, type Range } from './prometheus-client.js';
import { scrapeInterval } from './scrape-interval.js';
import { CAUSES, type SourceRound } from './source-round.js';

/** What samples usually come in, where the source cannot say. */
const USUAL_SCRAPE_MS = 15_000;
const MOST_PER_PERIOD = 20;
/** Enough for a comparison (50 on each side), and not so much that a message is full of them. */
const MOST_PAST = 240;
const MOST_AFTER = 1_000;
/** All gauges of one look together: what comes later keeps what it has. Judging waits for nothing that decides nothing. */
const PATIENCE_MS = 10_000;
/** What could not be measured is left alone for so many periods. */
const PERIODS_OF_REST = 5;
const MOST_KEPT = 200;
/** Scrapes are missed now and then, and counted: 14 s and 16 s are both "every 15 s". */
const SLACK = 0.15;

interface Means {
  readonly now: () => number;
  readonly log: AgentLog;
}

/**
 * Numbers of a gauge before and after the change, several a period: as many as the metric is scraped, so that a comparison
 * of 50 with 50 is reached within a soak, and no number counts twice. Nothing here throws for what a source does, and what
 * does not answer is asked again after a while only: gauges are shown, and decide nothing.
 */
export class GaugeReader {
  /** By gauge and change: how many a period, once it is known; it must not change while they are compared. */
  private readonly densities = new Map<string, number>();
  /** The past does not change: asked once. */
  private readonly pasts = new Map<string, readonly (number | null)[]>();
  private readonly kept = new Map<string, GaugeSamples>();
  /** Gauges and sources that did not answer, and until when they are left alone. */
  private readonly resting = new Map<string, number>();
  private readonly told = new Set<string>();

  constructor(private readonly means: Means) {}

  async read(request: GaugeRequest, round: SourceRound): Promise<readonly GaugeSamples[]> {
    const until = this.means.now() + PATIENCE_MS;
    const found: GaugeSamples[] = [];
    for (const declared of request.gauges) found.push(await this.gauge(declared, request, { round, until }));
    return found;
  }

  private async gauge(
    declared: DeclaredGauge,
    request: GaugeRequest,
    { round, until }: { readonly round: SourceRound; readonly until: number },
  ): Promise<GaugeSamples> {
    const { name } = declared;
    const key = `${name}/${request.from}/${request.periodMs}`;
    const known = this.kept.get(key) ?? { name, baseline: [], after: [] };
    const now = this.means.now();
    const rests = [key, sourceKey(declared)].some((one) => now < (this.resting.get(one) ?? 0));
    if (rests || now > until) return known;
    try {
      const question = gaugeQuestionOf(declared);
      if ('problem' in question) throw new Error(`${question.problem}; ${question.right}`);
      const measured = await this.measure(question, key, request, round);
      keep(this.kept, key, measured);
      return measured;
    } catch (error) {
      this.failed(error, key, declared, now + PERIODS_OF_REST * request.periodMs);
      return known;
    }
  }

  /** What did not answer is left alone: the whole source, where it was that. Said once per gauge and change. */
  private failed(error: unknown, key: string, declared: DeclaredGauge, restUntil: number): void {
    const silent = error instanceof PrometheusRefusal && CAUSES[error.kind] === 'unreachable';
    keep(this.resting, silent ? sourceKey(declared) : key, restUntil);
    if (this.told.has(key)) return;
    if (this.told.size >= MOST_KEPT) this.told.clear();
    this.told.add(key);
    const why = String((error as Error).message ?? error).slice(0, 300);
    this.means.log.warn('gauge not measured: it decides nothing', { gauge: declared.name, why });
  }

  private async measure(question: GaugeQuestion, key: string, request: GaugeRequest, round: SourceRound) {
    const { name, source, query } = question;
    const { from, until, periodMs } = request;
    const perPeriod = this.densities.get(key) ?? densityOf(await this.interval(question, round), request);
    keep(this.densities, key, perPeriod);
    const stepMs = periodMs / perPeriod;
    const ask = async (range: Range): Promise<readonly (number | null)[]> =>
      numbersOf(await round.points({ source, query, range, periodMs }));
    const baseline = await this.past(`${key}/${query}`, request, stepMs, ask);
    const range = { from: from + stepMs, to: until, stepMs };
    const lateAfter = this.means.now() - round.delayOf(question);
    const after = periodsOf(range) > 0 ? await ask(range) : [];
    // What is still to come would be answered with the last number known.
    const there = after.map((level, n) => (range.from + n * stepMs > lateAfter ? null : level));
    return { name, perPeriod, baseline, after: there, query };
  }

  private async past(
    key: string,
    { periodMs, baselinePeriods, baselineUntil }: GaugeRequest,
    stepMs: number,
    ask: (range: Range) => Promise<readonly (number | null)[]>,
  ): Promise<readonly (number | null)[]> {
    const known = this.pasts.get(key);
    if (known) return known;
    const count = Math.min(MOST_PAST, Math.round((baselinePeriods * periodMs) / stepMs));
    if (count <= 0) return [];
    const past = await ask({ from: baselineUntil - (count - 1) * stepMs, to: baselineUntil, stepMs });
    keep(this.pasts, key, past);
    return past;
  }

  private async interval({ source, query }: GaugeQuestion, round: SourceRound): Promise<number | null> {
    return scrapeInterval(await round.open(source), query);
  }
}

/** How many numbers a period has: as the metric is scraped, in whole milliseconds, and no more than anybody needs. */
export function densityOf(
  scrapeMs: number | null,
  { periodMs, windowMs }: Pick<GaugeRequest, 'periodMs' | 'windowMs'>,
): number {
  const scraped = Math.floor(periodMs / Math.max(1, scrapeMs ?? USUAL_SCRAPE_MS) + SLACK);
  const periods = Math.max(1, Math.ceil(windowMs / periodMs));
  const most = Math.min(MOST_PER_PERIOD, scraped, Math.floor(MOST_AFTER / periods));
  for (let density = most; density > 1; density -= 1) if (periodMs % density === 0) return density;
  return 1;
}

/** No gauge's key ends so: a period is not 0. */
const sourceKey = ({ source }: DeclaredGauge): string => `${source ?? ''}/source/0`;

const numbersOf = (points: Points): readonly (number | null)[] =>
  points.map((level) => (level !== null && Number.isFinite(level) ? level : null));

/** Agents run for years: what is older than the newest few hundred is forgotten. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MOST_KEPT && !map.has(key)) map.clear();
  map.set(key, value);
}
