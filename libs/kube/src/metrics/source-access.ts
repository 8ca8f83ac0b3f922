import type { KubeAccess } from '../kube-access.js';
import { isGone, toKubeError } from '../kube-error.js';
import {
  METRICS_CONFIG_MAP,
  METRICS_KEY,
  MetricSettingsProblem,
  readMetricSettings,
  type MetricSettings,
  type MetricSource,
} from './metric-sources.js';
import { AlertmanagerClient } from './alertmanager-client.js';
import { PrometheusClient } from './prometheus-client.js';
import { PrometheusRefusal, type Credentials } from './source-http.js';

/** The admin's ConfigMap and the Secrets it names, read anew each time: tokens rotate, and the list may be shortened. */
export class SourceAccess {
  private known: MetricSettings | null = null;

  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
  ) {}

  /** Null: the cluster's admin has configured none. While no API answers, the last known. Throws MetricSettingsProblem. */
  async settings(): Promise<MetricSettings | null> {
    try {
      const where = { name: METRICS_CONFIG_MAP, namespace: this.namespace };
      const text = (await this.kube.core.readNamespacedConfigMap(where)).data?.[METRICS_KEY];
      if (text === undefined) throw new MetricSettingsProblem(`it has no key ${METRICS_KEY}`);
      this.known = readMetricSettings(text);
    } catch (error) {
      if (isGone(error)) this.known = null;
      else if (error instanceof MetricSettingsProblem || !this.known) throw error;
    }
    return this.known;
  }

  async open(source: MetricSource): Promise<PrometheusClient> {
    return new PrometheusClient(source, await this.credentials(source));
  }

  async openAlertmanager(source: MetricSource): Promise<AlertmanagerClient> {
    return new AlertmanagerClient(source, await this.credentials(source));
  }

  private async credentials({ token, tls }: MetricSource): Promise<Credentials> {
    const of = async (secret: string | undefined, key: string | null | undefined): Promise<string | null> =>
      secret && key ? this.secret(secret, key) : null;
    return {
      token: await of(token?.secret, token?.key),
      ca: await of(tls?.secret, tls?.ca),
      cert: await of(tls?.secret, tls?.cert),
      key: await of(tls?.secret, tls?.key),
    };
  }

  private async secret(name: string, key: string): Promise<string> {
    const at = `Secret ${this.namespace}/${name}`;
    try {
      const { data } = await this.kube.core.readNamespacedSecret({ name, namespace: this.namespace });
      const value = data?.[key];
      if (value === undefined) throw new PrometheusRefusal('denied', `${at} has no key ${key}`);
      return Buffer.from(value, 'base64').toString();
    } catch (error) {
      if (error instanceof PrometheusRefusal) throw error;
      const { code, message } = toKubeError(error);
      const right =
        code === 403 ? ` (the agent's Role must name it; deploy/agent/rbac.yaml names ${METRICS_CONFIG_MAP})` : '';
      throw new PrometheusRefusal('denied', `${at} cannot be read: ${code} ${message}${right}`);
    }
  }
}
