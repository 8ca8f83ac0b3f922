import type { SilenceMatcher } from '@wavegate/fleet';
import type { MetricSource } from './metric-sources.js';
import { askSource, PrometheusRefusal, refusalKind, type Credentials, type SourceRequest } from './source-http.js';

/** A silence as API v2 takes it. With the id of one that stands, Alertmanager renews that one. */
export interface WantedSilence {
  readonly id?: string;
  readonly matchers: readonly SilenceMatcher[];
  /** ISO 8601. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

/** As it answers: every silence of the last days, those that are over among them. */
export interface SeenSilence extends WantedSilence {
  readonly id: string;
  readonly status: { readonly state: 'active' | 'pending' | 'expired' };
}

/** API v2 of an allowed Alertmanager. Throws PrometheusRefusal. */
export class AlertmanagerClient {
  constructor(
    private readonly source: MetricSource,
    private readonly credentials: Credentials,
  ) {}

  /** That it answers, as an Alertmanager does, to us. */
  async ready(): Promise<void> {
    const { cluster } = (await this.ask('/api/v2/status', { form: '' })) as { cluster?: unknown };
    if (cluster === undefined) throw notAlertmanager();
  }

  /** Those that can be of this cluster: with the labels that the admin has given this Alertmanager. */
  async silences(): Promise<readonly SeenSilence[]> {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(this.source.labels))
      form.append('filter', `${name}=${JSON.stringify(value)}`);
    const seen = await this.ask('/api/v2/silences', { form: form.toString() });
    if (!Array.isArray(seen)) throw notAlertmanager();
    return seen as SeenSilence[];
  }

  async put(silence: WantedSilence): Promise<void> {
    await this.ask('/api/v2/silences', { json: silence });
  }

  async expire(id: string): Promise<void> {
    await this.ask(`/api/v2/silence/${encodeURIComponent(id)}`, { remove: true });
  }

  private async ask(path: string, request: SourceRequest): Promise<unknown> {
    const { code, body } = await askSource(this.source, this.credentials, path, request);
    const words = body.slice(0, 200).replace(/\s+/g, ' ');
    if (code !== 200) throw new PrometheusRefusal(refusalKind(code), `${code} ${words}`.trim());
    try {
      return body === '' ? null : JSON.parse(body);
    } catch {
      throw notAlertmanager();
    }
  }
}

const notAlertmanager = (): PrometheusRefusal =>
  new PrometheusRefusal('wrongShape', 'the answer is not that of an Alertmanager with API v2');
