import type { MetricSource } from './metric-sources.js';
import {
  askSource,
  MOST_SERIES,
  PrometheusRefusal,
  QUERY_TIMEOUT_MS,
  refusalKind,
  type Credentials,
  type RefusalKind,
} from './source-http.js';

export { PrometheusRefusal, type Credentials, type RefusalKind } from './source-http.js';

export interface MatrixSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Epoch seconds and the value as text. */
  readonly values: readonly (readonly [number, string])[];
}

export interface Range {
  /** Epoch ms of the first and the last point. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}

interface Envelope {
  readonly status?: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
}

/** The HTTP API of one allowed source: Prometheus, or Thanos and Mimir, which answer alike. No redirects are followed. */
export class PrometheusClient {
  constructor(
    private readonly source: MetricSource,
    private readonly credentials: Credentials,
  ) {}

  async queryRange(query: string, { from, to, stepMs }: Range): Promise<readonly MatrixSeries[]> {
    const times = { start: String(from / 1000), end: String(to / 1000), step: String(stepMs / 1000) };
    const data = await this.api('/api/v1/query_range', { query, ...times, ...LIMITS });
    const { resultType, result } = data as { resultType?: string; result?: unknown };
    if (resultType !== 'matrix' || !Array.isArray(result)) throw wrongShape('a matrix', resultType);
    if (result.length > MOST_SERIES) throw new PrometheusRefusal('tooManySeries', `more than ${MOST_SERIES} series`);
    return result as MatrixSeries[];
  }

  /** An instant query: what is there now. The type of the result is the caller's to judge. */
  async query(query: string): Promise<{ readonly resultType: string; readonly result: readonly InstantSample[] }> {
    const data = await this.api('/api/v1/query', { query, ...LIMITS });
    const { resultType = '', result } = data as { resultType?: string; result?: unknown };
    return { resultType, result: resultType === 'vector' && Array.isArray(result) ? (result as InstantSample[]) : [] };
  }

  /** Whether the query can be parsed; the answer of the parser otherwise. */
  async parseProblem(query: string): Promise<string | null> {
    try {
      await this.api('/api/v1/query', { query, limit: '1' });
      return null;
    } catch (error) {
      if (error instanceof PrometheusRefusal && error.kind === 'badQuery') return error.message;
      throw error;
    }
  }

  async alerts(): Promise<readonly SeenAlert[]> {
    const { alerts } = (await this.api('/api/v1/alerts', {})) as { alerts?: unknown };
    if (!Array.isArray(alerts)) throw wrongShape('a list of alerts', typeof alerts);
    return alerts as SeenAlert[];
  }

  /** Any path of the API; `data` of the answer. */
  async api(path: string, params: Readonly<Record<string, string>>): Promise<unknown> {
    const { code, body } = await askSource(this.source, this.credentials, path, {
      form: new URLSearchParams(params).toString(),
    });
    const envelope = envelopeOf(body);
    if (code === 200 && envelope?.status === 'success') return envelope.data;
    const words = envelope?.error ?? body.slice(0, 200).replace(/\s+/g, ' ');
    throw new PrometheusRefusal(kindOf(code, envelope), `${code} ${words}`.trim());
  }
}

const LIMITS = { timeout: `${QUERY_TIMEOUT_MS / 1000}s`, limit: String(MOST_SERIES + 1) };

export interface InstantSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface SeenAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  /** ISO 8601. */
  readonly activeAt: string;
}

function envelopeOf(body: string): Envelope | null {
  try {
    return JSON.parse(body) as Envelope;
  } catch {
    return null;
  }
}

const BY_TYPE: Readonly<Record<string, RefusalKind>> = { bad_data: 'badQuery', timeout: 'timedOut' };
function kindOf(code: number, envelope: Envelope | null): RefusalKind {
  return BY_TYPE[envelope?.errorType ?? ''] ?? refusalKind(code);
}

function wrongShape(wanted: string, got: string | undefined): PrometheusRefusal {
  return new PrometheusRefusal('wrongShape', `expected ${wanted}, got ${got ?? 'something else'}`);
}
