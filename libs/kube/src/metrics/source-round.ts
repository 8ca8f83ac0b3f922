import { promString, withPromLabels, withPromPeriod } from '@wavegate/fleet';
import type { MetricSettings, MetricSource } from './metric-sources.js';
import type { SampleCause, Points } from './period-samples.js';
import { pointsOf } from './period-samples.js';
import { PrometheusRefusal, type PrometheusClient, type Range } from './prometheus-client.js';
import type { SourceAccess } from './source-access.js';

/** One source in one round of questions: what did not answer once is not waited for again. */
export interface OpenSource {
  readonly source: MetricSource;
  readonly client: PrometheusClient;
  silent: PrometheusRefusal | null;
}

/** What a refusal means for the periods that were asked for. */
export const CAUSES: Readonly<Record<PrometheusRefusal['kind'], SampleCause>> = {
  ...{ unreachable: 'unreachable', timedOut: 'unreachable', denied: 'queryFailed', badQuery: 'queryFailed' },
  ...{ tooLarge: 'queryFailed', tooManySeries: 'queryFailed', wrongShape: 'queryFailed', failed: 'unreachable' },
};

/** No source is configured, or none of that name. */
export class NotConfigured extends Error {}

/** A query over a range, of a source by its name (null: the first). */
export interface RangeQuestion {
  readonly source: string | null;
  readonly query: string;
  readonly range: Range;
  /** What `[$period]` stands for; absent: the step. */
  readonly periodMs?: number;
}

/** The questions of one evaluation. */
export class SourceRound {
  private readonly open_ = new Map<string, OpenSource>();

  constructor(
    private readonly sources: SourceAccess,
    private readonly settings: MetricSettings | null,
  ) {}

  async open(name: string | null): Promise<OpenSource> {
    const source = this.sourceOf(name);
    const known = this.open_.get(source.name);
    if (known) return known;
    const opened = { source, client: await this.sources.open(source), silent: null };
    this.open_.set(source.name, opened);
    return opened;
  }

  /** One value per step. Throws PrometheusRefusal and NotConfigured. */
  async points({ source: name, query, range, periodMs = range.stepMs }: RangeQuestion): Promise<Points> {
    const opened = await this.open(name);
    if (opened.silent) throw opened.silent;
    try {
      const text = withPromPeriod(withPromLabels(query, opened.source.labels), periodMs);
      return pointsOf(await opened.client.queryRange(text, range), range);
    } catch (error) {
      if (error instanceof PrometheusRefusal && CAUSES[error.kind] === 'unreachable') opened.silent = error;
      throw error;
    }
  }

  delayOf({ source }: { readonly source: string | null }): number {
    return this.sourceOf(source).delayMs;
  }

  /** The source of that name (null: the first), or why there is none. */
  find(name: string | null): MetricSource | NotConfigured {
    const sources = this.settings?.sources ?? [];
    const found = name === null ? sources[0] : sources.find((one) => one.name === name);
    if (found) return found;
    const known = sources.map((one) => one.name).join(', ') || 'none';
    return new NotConfigured(
      name === null
        ? 'ConfigMap wavegate-metrics names no source'
        : `no source is called ${promString(name)} in wavegate-metrics; known: ${known}`,
    );
  }

  private sourceOf(name: string | null): MetricSource {
    const found = this.find(name);
    if (found instanceof NotConfigured) throw found;
    return found;
  }
}
