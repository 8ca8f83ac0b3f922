import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEMO_BURN, type FleetMember } from '@wavegate/simulator';
import { ChildProgram } from './child-program.js';
import { eventually } from './eventually.js';
import { HubClient } from './hub-client.js';

interface JoinToken {
  readonly token: string;
  readonly caSha256: string;
}

interface HostedCluster {
  readonly spec: { readonly name: string; readonly faults: object };
  readonly offline?: boolean;
}

/** The demo's processes: one hub with its own PostgreSQL, and a few hosts of simulated clusters with real agents. */
export class DemoWorld {
  readonly hosts: ChildProgram[] = [];
  client!: HubClient;
  adminToken = '';
  private hubProgram!: ChildProgram;
  private readonly hostClusters: (readonly FleetMember[])[] = [];

  private constructor(
    readonly folder: string,
    private readonly ports: { readonly http: number; readonly gateway: number; readonly enrolment: number },
    private readonly root: string,
    private readonly onTrouble: (message: string) => void,
  ) {}

  static async make(root: string, onTrouble: (message: string) => void): Promise<DemoWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), 'wavegate-demo-'));
    await chmod(folder, 0o755);
    const [http, gateway, enrolment] = await Promise.all([freePort(), freePort(), freePort()]);
    return new DemoWorld(folder, { http, gateway, enrolment }, root, onTrouble);
  }

  get hubUrl(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  /** Starts the hub and resolves with its admin client once it is ready. The token is printed at the first start only. */
  async startHub(): Promise<void> {
    const { http, gateway, enrolment } = this.ports;
    this.hubProgram ??= this.program('hub', [path.join(this.root, 'apps/hub/bin/wavegate-hub')], {
      WAVEGATE_HTTP: `127.0.0.1:${http}`,
      WAVEGATE_GATEWAY: `127.0.0.1:${gateway}`,
      WAVEGATE_ENROLMENT: `127.0.0.1:${enrolment}`,
      WAVEGATE_DATA_DIR: path.join(this.folder, 'hub'),
      // A killed process of agents must be back by then, on a machine with other work too.
      WAVEGATE_AGENT_LOST_AFTER_S: '45',
      WAVEGATE_LEASE_S: '3',
    });
    let token = '';
    this.hubProgram.start((line) => {
      token = /^\s{4}([0-9a-f]{12}\.[\w-]{43})$/.exec(line)?.[1] ?? token;
    });
    await eventually('the hub to be ready', 60_000, async () => {
      const response = await fetch(`${this.hubUrl}/readyz`);
      return response.ok ? true : null;
    });
    if (this.adminToken) return;
    this.adminToken = await eventually('the first admin token', 5_000, () => Promise.resolve(token || null));
    this.client = new HubClient(this.hubUrl, this.adminToken);
  }

  killHub(): Promise<void> {
    return this.hubProgram.kill();
  }

  /** Joins the clusters and starts a host for them; `name` is the host's. */
  async startHost(name: string, members: readonly FleetMember[]): Promise<void> {
    const index = this.hosts.length;
    const file = path.join(this.folder, `${name}.json`);
    const stateDir = path.join(this.folder, name);
    await mkdir(stateDir, { recursive: true });
    const clusters = [];
    for (const { spec } of members) {
      const wanted = { cluster: spec.name, labels: spec.labels };
      const { token, caSha256 } = await this.client.post<JoinToken>('/join-tokens', wanted);
      clusters.push({ spec, join: token, caSha256 });
    }
    this.hostClusters[index] = members;
    await this.writeFleet(file, stateDir, clusters);
    const host = this.program(
      name,
      [path.join(this.root, 'apps/agent/bin/wavegate-agent'), 'simulate', '--fleet', file],
      {},
    );
    this.hosts.push(host);
    host.start();
  }

  /** From here on the cluster's users are hurt once its node canary runs the new version. */
  async giveBurn(clusterName: string): Promise<void> {
    await this.change(clusterName, ({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, faults: { ...spec.faults, ...DEMO_BURN } },
    }));
  }

  /** The cluster's agent is not there any more; the others of its host are. */
  async silence(clusterName: string): Promise<void> {
    await this.change(clusterName, (cluster) => ({ ...cluster, offline: true }));
  }

  /** The host reads its fleet file again on SIGHUP. */
  private async change(clusterName: string, change: (cluster: HostedCluster) => HostedCluster): Promise<void> {
    const host = this.hosts[this.hostOf(clusterName)];
    if (!host) throw new Error(`no host has ${clusterName}`);
    const file = path.join(this.folder, `${host.name}.json`);
    const fleet = JSON.parse(await readFile(file, 'utf8')) as { readonly clusters: readonly HostedCluster[] };
    const clusters = fleet.clusters.map((one) => (one.spec.name === clusterName ? change(one) : one));
    await writeFile(file, JSON.stringify({ ...fleet, clusters }));
    host.signal('SIGHUP');
  }

  hostOf(clusterName: string): number {
    return this.hostClusters.findIndex((members) => members.some(({ spec }) => spec.name === clusterName));
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
    await this.hubProgram?.stop(15_000);
  }

  private async writeFleet(
    file: string,
    stateDir: string,
    clusters: readonly { readonly caSha256: string }[],
  ): Promise<void> {
    const { gateway, enrolment } = this.ports;
    const hub = {
      gateway: `127.0.0.1:${gateway}`,
      enrolment: `127.0.0.1:${enrolment}`,
      caSha256: clusters[0]?.caSha256,
    };
    await writeFile(file, JSON.stringify({ hub, stateDir, clusters }));
  }

  private program(name: string, command: readonly string[], env: Readonly<Record<string, string>>): ChildProgram {
    return new ChildProgram(name, command, env, path.join(this.folder, `${name}.log`), this.onTrouble);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
