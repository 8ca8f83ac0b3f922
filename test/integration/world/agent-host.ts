import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Labels, Reason } from '@wavegate/fleet';
import { specOf, type ClusterSpec, type ClusterState, type FaultPlan } from '@wavegate/simulator';
import { ChildPrograms } from '../../kube/world/child-programs.js';
import { eventually } from '../../kube/world/eventually.js';
import { builtProgram, endsWithin, type HubProcess } from './hub-process.js';

/** One line of the host's log: of an agent, with `cluster` being the local name unless an order names its id. */
export interface HostLine {
  readonly level: string;
  readonly msg: string;
  readonly cluster?: string;
  readonly error?: string;
  readonly generation?: number;
  readonly [field: string]: unknown;
}

/** What a host runs for one cluster. */
export interface Member {
  readonly spec: ClusterSpec;
  readonly join: string | null;
}

export interface JoinToken {
  readonly id: string;
  readonly token: string;
  readonly caSha256: string;
}

/** Several hundred times as fast as life, small, and healthy unless told. */
export function smallCluster(name: string, own: Partial<ClusterSpec> = {}): ClusterSpec {
  const labels = { env: 'test' };
  const spec = specOf({ seed: 'catastrophe', speed: 300 }, name, { labels, version: '1.34.4', faults: {} });
  return { ...spec, workers: 2, podsPerWorker: 2, ...own };
}

export function joinToken(hub: HubProcess, cluster: string, labels: Labels = { env: 'test' }): Promise<JoinToken> {
  return hub.client.post<JoinToken>('/join-tokens', { cluster, labels, approved: true });
}

export interface HostPlace {
  readonly dir: string;
  readonly name: string;
  readonly hub: HubProcess;
  readonly caSha256: string;
}

/** `wavegate-agent simulate` in a process of its own: real agents, each with its own certificate and stream. */
export class AgentHost {
  private readonly programs: ChildPrograms;
  private starts = 0;

  private constructor(
    private readonly place: HostPlace,
    private members: readonly Member[],
  ) {
    this.programs = new ChildPrograms(join(place.dir, place.name));
  }

  /** Fetches a token for each cluster and starts their agents. */
  static async join(dir: string, name: string, hub: HubProcess, specs: readonly ClusterSpec[]): Promise<AgentHost> {
    const members: Member[] = [];
    let caSha256 = '';
    for (const spec of specs) {
      const made = await joinToken(hub, spec.name, spec.labels);
      caSha256 = made.caSha256;
      members.push({ spec, join: made.token });
    }
    return AgentHost.start({ dir, name, hub, caSha256 }, members);
  }

  /** Agents with the tokens as they are given, or with identities that lie in `stateDir` already. */
  static start(place: HostPlace, members: readonly Member[]): AgentHost {
    const host = new AgentHost(place, members);
    host.writeFleet();
    host.start();
    return host;
  }

  /** Identities, journals and clusters: what outlives the process. */
  get stateDir(): string {
    return join(this.place.dir, this.place.name, 'state');
  }

  get running(): boolean {
    return this.programs.isRunning(this.life);
  }

  start(): void {
    this.starts += 1;
    this.programs.start(this.life, builtProgram('agent'), ['simulate', '--fleet', this.fleetFile], {
      NODE_OPTIONS: '',
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.programs.stop(this.life, 0);
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await endsWithin(5_000, () => this.running);
    await this.programs.stopAll();
  }

  /** From now on; faults that are not named stay. Heeded by a host whose agent has connected: it hears SIGHUP by then. */
  inflict(name: string, faults: FaultPlan): void {
    this.members = this.members.map((member) =>
      member.spec.name === name ? { ...member, spec: { ...member.spec, faults } } : member,
    );
    this.writeFleet();
    this.signal('SIGHUP');
  }

  /** What a snapshot of this state would hold: its files may be replaced while they are copied, then once more. */
  async copyState(from: string, to: string): Promise<void> {
    await eventually(`a copy of ${from}`, () => {
      rmSync(to, { recursive: true, force: true });
      cpSync(join(this.stateDir, from), to, { recursive: true });
      return true;
    });
  }

  private signal(signal: NodeJS.Signals): void {
    const pid = this.programs.pid(this.life);
    if (pid !== undefined) process.kill(pid, signal);
  }

  /** The cluster as its file says: every effect that any life of its agent ever had on it is in there. */
  cluster(name: string): ClusterState {
    return JSON.parse(readFileSync(join(this.stateDir, name, 'cluster.json'), 'utf8')) as ClusterState;
  }

  get clusters(): readonly ClusterState[] {
    return this.members.map(({ spec }) => this.cluster(spec.name));
  }

  /** The lines it logged, over all its lives; a line cut short by a kill is left out. */
  get log(): readonly HostLine[] {
    const files = Array.from({ length: this.starts }, (_, index) => this.programs.logFile(`agents-${index + 1}`));
    return files
      .flatMap((file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as HostLine];
        } catch {
          return [];
        }
      });
  }

  /** Lines of one agent at one level. */
  said(cluster: string, level: string): readonly HostLine[] {
    return this.log.filter((line) => line.cluster === cluster && line.level === level);
  }

  /** Generations of the streams that this agent was given, oldest first. */
  generations(cluster: string): readonly number[] {
    return this.log
      .filter((line) => line.cluster === cluster && line.msg === 'connected')
      .flatMap(({ generation }) => generation ?? []);
  }

  private get life(): string {
    return `agents-${this.starts}`;
  }

  private get fleetFile(): string {
    return join(this.place.dir, this.place.name, 'fleet.json');
  }

  private writeFleet(): void {
    const { hub, caSha256 } = this.place;
    const { gateway, enrolment } = hub;
    const { stateDir, members: clusters } = this;
    writeFileSync(this.fleetFile, JSON.stringify({ hub: { gateway, enrolment, caSha256 }, stateDir, clusters }));
  }
}

/** What a cluster's outcome says when it ended; the REST view. */
export interface SeenOutcome {
  readonly kind: string;
  readonly text: string;
  readonly reason: Reason | null;
  readonly cordoned: readonly string[];
  readonly standing: Readonly<Record<string, string>>;
}
