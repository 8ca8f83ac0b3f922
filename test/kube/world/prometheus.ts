import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildPrograms } from './child-programs.js';
import { eventually } from './eventually.js';
import { freePorts } from './free-ports.js';
import { programPath, PROMETHEUS_VERSION } from './obtained-programs.js';
import type { RealCluster } from './real-cluster.js';
import type { Shop } from './shop.js';

export interface Watched {
  readonly cluster: RealCluster;
  readonly shop: Shop;
  /** Its API server and etcd as well: several megabytes a scrape, of which requests, latencies and disk times are kept. */
  readonly apiServer?: boolean;
}

const EVERY = '500ms';
/** Name and bucket: only what the library asks for, of latencies only its buckets. */
const LATENCIES = [
  'apiserver_request_sli_duration_seconds_count;',
  'apiserver_request_sli_duration_seconds_bucket;(1|5|30)([.]0)?',
  'apiserver_current_inflight_requests;',
  'process_resident_memory_bytes;',
].join('|');

/** A real Prometheus. Series of several clusters in one are told apart by the label `cluster`, as in a Thanos or Mimir. */
export class Prometheus {
  readonly #programs: ChildPrograms;
  readonly #config: string;

  private constructor(
    readonly dir: string,
    readonly port: number,
  ) {
    this.#programs = new ChildPrograms(dir);
    this.#config = join(dir, 'prometheus.yml');
  }

  static async start(
    dir: string,
    name: string,
    watched: readonly Watched[],
    rules: readonly object[] = [],
  ): Promise<Prometheus> {
    const [port = 0] = await freePorts(1);
    const made = new Prometheus(join(dir, `prometheus-${name}`), port);
    mkdirSync(made.dir, { recursive: true });
    // JSON is YAML.
    writeFileSync(join(made.dir, 'rules.yml'), JSON.stringify({ groups: [{ name: 'test', interval: '1s', rules }] }));
    writeFileSync(made.#config, JSON.stringify(configOf(made.dir, watched)));
    await made.start();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#programs.start('prometheus', programPath('prometheus', PROMETHEUS_VERSION), [
      `--config.file=${this.#config}`,
      `--storage.tsdb.path=${join(this.dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      '--log.level=warn',
    ]);
    await eventually('Prometheus to be ready', async () => (await fetch(`${this.url}/-/ready`)).status === 200);
  }

  async stop(): Promise<void> {
    await this.#programs.stop('prometheus', 2_000);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#programs.stopAll();
  }

  /** How an instant query is answered: "success", or the parser's words. */
  async parsed(query: string): Promise<string> {
    const body = new URLSearchParams({ query });
    const answer = (await (await fetch(`${this.url}/api/v1/query`, { method: 'POST', body })).json()) as {
      status: string;
      error?: string;
    };
    return answer.error ?? answer.status;
  }

  /** The first value of an instant query; null where there is none. */
  async value(query: string): Promise<number | null> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await answer.json()) as { data?: { result: { value: [number, string] }[] } };
    const text = data?.result[0]?.value[1];
    return text === undefined ? null : Number(text);
  }
}

function configOf(dir: string, watched: readonly Watched[]): object {
  const jobs = watched.flatMap(({ cluster, shop, apiServer }) => {
    const labels = { cluster: cluster.name };
    const shopJob = { job_name: `shop-${cluster.name}`, static_configs: [{ targets: [shop.target], labels }] };
    const serverJob = {
      job_name: `apiserver-${cluster.name}`,
      scheme: 'https',
      // On a busy machine a page of its metrics takes longer than a second.
      scrape_interval: '2s',
      scrape_timeout: '2s',
      authorization: { credentials: cluster.adminToken },
      tls_config: { ca_file: cluster.caFile },
      static_configs: [{ targets: [new URL(cluster.url).host], labels: { ...labels, job: 'apiserver' } }],
      metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'apiserver_request_total', action: 'keep' }],
    };
    // Apart and seldom: thousands of series more must not make the ones that verdicts rest on come late.
    const seldom = { scrape_interval: '10s', scrape_timeout: '10s' };
    const latencyJob = {
      ...{ ...serverJob, ...seldom, job_name: `latencies-${cluster.name}` },
      metric_relabel_configs: [{ source_labels: ['__name__', 'le'], regex: LATENCIES, action: 'keep' }],
    };
    const { cert, key } = cluster.files.etcdClient;
    const etcdJob = {
      ...{ job_name: `etcd-${cluster.name}`, scheme: 'https', ...seldom },
      tls_config: { ca_file: cluster.caFile, cert_file: cert, key_file: key },
      static_configs: [{ targets: [`127.0.0.1:${cluster.files.ports.etcd}`], labels: { ...labels, job: 'etcd' } }],
      metric_relabel_configs: [
        { source_labels: ['__name__'], regex: 'etcd_(disk_backend_commit_.*|mvcc_db_total_.*)', action: 'keep' },
      ],
    };
    return apiServer ? [shopJob, serverJob, latencyJob, etcdJob] : [shopJob];
  });
  return {
    global: { scrape_interval: EVERY, evaluation_interval: '1s' },
    rule_files: [join(dir, 'rules.yml')],
    scrape_configs: jobs,
  };
}

/** What the cluster's admin writes so that the agent may ask: the ConfigMap `wavegate-metrics`. */
export async function allowMetrics(cluster: RealCluster, source: object, beside: object = {}): Promise<void> {
  const metrics = JSON.stringify({ sources: [{ name: 'cluster', ...source }], ...beside });
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'wavegate-metrics' }, data: { metrics } };
  await cluster.api.create('/api/v1/namespaces/wavegate/configmaps', map);
}
