import { otherServers } from './other-servers.js';
import type { DeprecatedRequest, EndpointPicture, MetricsPicture } from './picture.js';
import type { RawReader } from './raw-reader.js';

const WEEK_S = 604_800;
/** Several megabytes each, of servers that this machine may not reach at all. */
const OTHERS_MS = 10_000;

export interface PlaneMetrics {
  readonly metrics: MetricsPicture;
  /** Addresses of the plane whose counters could not be read from here, with why. */
  readonly unread: readonly string[];
}

/**
 * The counters of every API server that can be reached: each counts only what it was asked itself, since its own start,
 * and names no client. The one of the kubeconfig may be one of the others behind another address: a process is known by
 * the moment of its start.
 */
export async function readMetrics(reader: RawReader, others: readonly EndpointPicture[]): Promise<PlaneMetrics> {
  const { hostname, port } = reader.server;
  const first = await readOne(reader, `${hostname}:${port || (reader.server.protocol === 'http:' ? 80 : 443)}`);
  const read = await Promise.all(
    otherServers(reader.server, others).map(async ({ at, origin }) => {
      try {
        return await readOne(reader, at, origin);
      } catch (error) {
        return `${at} (${(error as Error).message})`;
      }
    }),
  );
  const seen = read.filter((one) => typeof one !== 'string');
  const hidden = seen.some(({ start }) => start !== '' && start === first.start);
  return {
    metrics: merged(hidden ? seen : [first, ...seen]),
    unread: read.filter((one) => typeof one === 'string'),
  };
}

interface OneServer {
  /** As the server wrote it: two processes that started in the same moment are not told apart by less. */
  readonly start: string;
  readonly metrics: MetricsPicture;
}

async function readOne(reader: RawReader, at: string, origin?: string): Promise<OneServer> {
  const reading = new MetricsReading(at);
  const ask = origin === undefined ? {} : { origin, timeoutMs: OTHERS_MS };
  await reader.lines('/metrics', (line) => reading.take(line), ask);
  return { start: reading.start, metrics: reading.end() };
}

/** All of them speak of one etcd, and of requests of their own. */
function merged(servers: readonly OneServer[]): MetricsPicture {
  const all = servers.map(({ metrics }) => metrics);
  const same = Map.groupBy(
    all.flatMap(({ deprecated }) => deprecated),
    keyOf,
  );
  const deprecated = [...same.values()].flatMap((each): DeprecatedRequest[] => {
    const [first] = each;
    const at = each.flatMap((one) => one.at);
    return first ? [{ ...first, at, requests: at.reduce((sum, { requests }) => sum + requests, 0) }] : [];
  });
  const starts = all.map(({ since }) => since).filter((since) => since > 0);
  return {
    since: starts.length > 0 ? Math.min(...starts) : 0,
    deprecated: deprecated.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    etcdBytes: Math.max(0, ...all.map(({ etcdBytes }) => etcdBytes)),
    shortClientCertificates: all.reduce((sum, one) => sum + one.shortClientCertificates, 0),
  };
}

/** What one API server says. */
export class MetricsReading {
  private readonly requests = new Map<string, number>();
  private readonly deprecated: Omit<DeprecatedRequest, 'requests' | 'at'>[] = [];
  start = '';
  private since = 0;
  private etcdBytes = 0;
  private shortClientCertificates = 0;

  /** host:port, for a person. */
  constructor(private readonly server: string) {}

  take(line: string): void {
    if (line.startsWith('#') || line === '') return;
    if (line.startsWith('apiserver_request_total{')) this.countRequest(line);
    else if (line.startsWith('apiserver_requested_deprecated_apis{')) this.noteDeprecated(line);
    else if (line.startsWith('process_start_time_seconds ')) this.noteStart(line);
    else if (/^apiserver_storage_size_bytes\{|^etcd_db_total_size_in_bytes\{/.test(line)) {
      this.etcdBytes = Math.max(this.etcdBytes, valueOf(line));
    } else if (line.startsWith('apiserver_client_certificate_expiration_seconds_bucket{')) this.noteCertificate(line);
  }

  end(): MetricsPicture {
    const { since, etcdBytes, shortClientCertificates, server } = this;
    const deprecated = this.deprecated
      .map((one): DeprecatedRequest => {
        const requests = this.requests.get(keyOf(one)) ?? 0;
        return { ...one, requests, at: [{ server, since, requests }] };
      })
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return { since, etcdBytes, shortClientCertificates, deprecated };
  }

  private noteStart(line: string): void {
    this.start = line.slice(line.lastIndexOf(' ') + 1);
    this.since = valueOf(line) * 1000;
  }

  private countRequest(line: string): void {
    const labels = labelsOf(line);
    const key = keyOf({ group: '', version: '', resource: '', subresource: '', ...labels });
    this.requests.set(key, (this.requests.get(key) ?? 0) + valueOf(line));
  }

  private noteDeprecated(line: string): void {
    if (valueOf(line) === 0) return;
    const {
      group = '',
      version = '',
      resource = '',
      subresource = '',
      removed_release: removedIn = '',
    } = labelsOf(line);
    this.deprecated.push({ group, version, resource, subresource, removedIn });
  }

  /** Buckets are cumulative: the one that ends at a week holds all shorter ones. */
  private noteCertificate(line: string): void {
    if (Number(labelsOf(line).le) === WEEK_S) this.shortClientCertificates = valueOf(line);
  }
}

type Named = Pick<DeprecatedRequest, 'group' | 'version' | 'resource' | 'subresource'>;

const keyOf = ({ group, version, resource, subresource }: Named): string =>
  `${group}/${version}/${resource}/${subresource}`;

function labelsOf(line: string): Record<string, string | undefined> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of line.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
  return labels;
}

function valueOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(' ') + 1)) || 0;
}
