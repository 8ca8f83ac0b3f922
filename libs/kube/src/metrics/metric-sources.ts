import { isPromLabel } from '@wavegate/fleet';
import { parse } from 'yaml';

export const METRICS_CONFIG_MAP = 'wavegate-metrics';
export const METRICS_KEY = 'metrics';

/** A Secret of the agent's namespace, and a key in it. */
export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

/** A place that may be asked. Nothing else is ever fetched. */
export interface MetricSource {
  readonly name: string;
  /** http(s)://host[:port][/prefix], without the trailing slash. */
  readonly url: string;
  readonly token: SecretKey | null;
  readonly tls: {
    readonly secret: string;
    /** Keys of the Secret; null: not given. Certificate and key go together. */
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
  } | null;
  /** Labels that tell this cluster's series from others in the same store; empty for a Prometheus of its own. */
  readonly labels: Readonly<Record<string, string>>;
  /** X-Scope-OrgID of Mimir and Cortex; '' = none. */
  readonly tenant: string;
  /** How long samples take to arrive, ms: what is missing for less is late, not gone. */
  readonly delayMs: number;
}

export interface MetricSettings {
  readonly sources: readonly MetricSource[];
  /** Where silences may be made; its labels are those that only this cluster's alerts have. */
  readonly alertmanagers: readonly MetricSource[];
}

/** The ConfigMap cannot be understood; the message says where and what would be right. */
export class MetricSettingsProblem extends Error {
  override readonly name = 'MetricSettingsProblem';
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What the cluster's admin allows to be asked: ConfigMap `wavegate-metrics`, key `metrics`, YAML:
 *
 *     sources:
 *       - name: cluster
 *         url: https://prometheus-k8s.monitoring.svc:9090
 *         token: { secret: wavegate-metrics, key: token }
 *         tls: { secret: wavegate-metrics, ca: ca.crt, cert: tls.crt, key: tls.key }
 *         labels: { cluster: prd-fra-2 }     # Thanos, Mimir: which of their clusters is this one
 *         tenant: platform                   # Mimir
 *         delay: 30s
 *     alertmanagers:                         # where the agent may silence alerts of the node under work
 *       - name: cluster
 *         url: http://alertmanager-main.monitoring.svc:9093
 *         labels: {}                         # of its own; a shared one: the labels that tell this cluster's alerts
 *
 * The first of a list is the one that is asked where a plan names none. Throws MetricSettingsProblem.
 */
export function readMetricSettings(text: string): MetricSettings {
  const document = parsed(text);
  only(document, ['sources', 'alertmanagers'], 'the document');
  const { sources, alertmanagers } = document;
  if (alertmanagers === undefined || sources !== undefined) filledList(sources, 'sources', 'url');
  if (alertmanagers !== undefined) filledList(alertmanagers, 'alertmanagers', 'url: …, labels');
  return {
    sources: listOf(sources, (source, n) => readSource(source, `sources[${n}]`)),
    alertmanagers: listOf(alertmanagers, (source, n) => readAlertmanager(source, `alertmanagers[${n}]`)),
  };
}

function filledList(value: unknown, what: string, rest: string): void {
  if (Array.isArray(value) && value.length > 0) return;
  throw new MetricSettingsProblem(
    `${what} is not a list of at least one source; write ${what}: [{ name: cluster, ${rest}: … }]`,
  );
}

function listOf(value: unknown, read: (one: unknown, n: number) => MetricSource): readonly MetricSource[] {
  const all = Array.isArray(value) ? value.map(read) : [];
  const twice = all.find(({ name }, n) => all.findIndex((one) => one.name === name) !== n);
  if (twice) throw new MetricSettingsProblem(`two sources are called "${twice.name}"; give one another name`);
  return all;
}

function parsed(text: string): Fields {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new MetricSettingsProblem(`it is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  return fields(value, 'the document');
}

function fields(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new MetricSettingsProblem(`${where} is not a map of fields`);
}

function only(given: Fields, known: readonly string[], where: string): void {
  const strange = Object.keys(given).find((field) => !known.includes(field));
  if (strange === undefined) return;
  throw new MetricSettingsProblem(`${where} has the field "${strange}"; known are ${known.join(', ')}`);
}

function text(value: unknown, where: string, usual: string): string {
  if (value === undefined) return usual;
  if (typeof value === 'string' && value !== '') return value;
  throw new MetricSettingsProblem(`${where} is not a text`);
}

function readSource(value: unknown, where: string): MetricSource {
  const given = fields(value, where);
  only(given, ['name', 'url', 'token', 'tls', 'labels', 'tenant', 'delay'], where);
  const name = text(given.name, `${where}.name`, '');
  if (name === '') throw new MetricSettingsProblem(`${where}.name is missing; write a name such as cluster`);
  return {
    ...{ name, url: readUrl(given.url, `${where}.url`), tenant: text(given.tenant, `${where}.tenant`, '') },
    token: readToken(given.token, `${where}.token`),
    tls: readTls(given.tls, `${where}.tls`),
    labels: readLabels(given.labels, `${where}.labels`),
    delayMs: readDelay(given.delay, `${where}.delay`),
  };
}

/** A silence that is not told from other clusters' would hide theirs: whoever allows it says which alerts are this one's. */
function readAlertmanager(value: unknown, where: string): MetricSource {
  const given = fields(value, where);
  only(given, ['name', 'url', 'token', 'tls', 'labels', 'tenant'], where);
  if (given.labels === undefined) {
    throw new MetricSettingsProblem(
      `${where}.labels is missing; write the labels that only this cluster's alerts have, or {} where no other cluster's alerts go there`,
    );
  }
  return readSource(given, where);
}

function readUrl(value: unknown, where: string): string {
  const right = 'write for example http://prometheus-k8s.monitoring.svc:9090';
  const written = text(value, where, '');
  if (!URL.canParse(written)) throw new MetricSettingsProblem(`${where} is "${written}", which is no URL; ${right}`);
  const url = new URL(written);
  if (!['http:', 'https:'].includes(url.protocol))
    throw new MetricSettingsProblem(`${where} is not http or https; ${right}`);
  if (url.username || url.password || url.search || url.hash) {
    throw new MetricSettingsProblem(
      `${where} carries a password, a query or a fragment; tokens belong into a Secret; ${right}`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function readToken(value: unknown, where: string): SecretKey | null {
  if (value === undefined) return null;
  const given = fields(value, where);
  only(given, ['secret', 'key'], where);
  return {
    secret: text(given.secret, `${where}.secret`, METRICS_CONFIG_MAP),
    key: text(given.key, `${where}.key`, 'token'),
  };
}

function readTls(value: unknown, where: string): MetricSource['tls'] {
  if (value === undefined) return null;
  const given = fields(value, where);
  only(given, ['secret', 'ca', 'cert', 'key'], where);
  const key = (name: 'ca' | 'cert' | 'key'): string | null => text(given[name], `${where}.${name}`, '') || null;
  const tls = {
    secret: text(given.secret, `${where}.secret`, METRICS_CONFIG_MAP),
    ca: key('ca'),
    cert: key('cert'),
    key: key('key'),
  };
  if ((tls.cert === null) !== (tls.key === null))
    throw new MetricSettingsProblem(`${where} has one of cert and key; mTLS needs both`);
  return tls;
}

function readLabels(value: unknown, where: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  return Object.fromEntries(
    Object.entries(fields(value, where)).map(([name, label]) => {
      if (!isPromLabel(name)) throw new MetricSettingsProblem(`${where}: "${name}" is not the name of a label`);
      return [name, text(label, `${where}.${name}`, '')];
    }),
  );
}

function readDelay(value: unknown, where: string): number {
  if (value === undefined) return 0;
  const match = /^(\d+)(s|m)$/.exec(String(value));
  if (!match) throw new MetricSettingsProblem(`${where} is not a duration; write for example 30s`);
  return Number(match[1]) * (match[2] === 'm' ? 60_000 : 1000);
}
