import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubClient } from '../../demo/hub-client.js';
import { ChildPrograms } from '../../kube/world/child-programs.js';
import { eventually, GivenUp } from '../../kube/world/eventually.js';
import { freePorts } from '../../kube/world/free-ports.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A program as it is shipped. Real processes run what was built, so a missing build is said at once, in one line. */
export function builtProgram(name: 'hub' | 'agent'): string {
  const built = join(ROOT, 'apps', name, 'dist', name === 'hub' ? 'main.js' : 'wavegate-agent.mjs');
  if (!existsSync(built)) throw new Error(`apps/${name}/dist is missing: run make build first`);
  return join(ROOT, 'apps', name, 'bin', `wavegate-${name}`);
}

/** Waits for a tidy end; whoever asked kills what is left. (No timer outlives it, so neither does jest.) */
export async function endsWithin(graceMs: number, running: () => boolean): Promise<void> {
  await eventually('a tidy end', () => !running(), { withinMs: graceMs, everyMs: 20 }).catch(() => undefined);
}

export interface HubPlace {
  /** Where this replica's logs go. */
  readonly dir: string;
  readonly name: string;
  /** Shared by replicas: the CA's files are in it. */
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** The first replica that starts on an empty database prints the admin token; the others get it from there. */
  readonly adminToken?: string;
}

/** The real hub in a process of its own on a given PostgreSQL: killed, paused, and started again at the same addresses. */
export class HubProcess {
  private readonly programs: ChildPrograms;
  private token: string | null;
  private starts = 0;

  private constructor(
    private readonly place: HubPlace,
    private readonly ports: { readonly http: number; readonly gateway: number; readonly enrolment: number },
  ) {
    this.programs = new ChildPrograms(join(place.dir, place.name));
    this.token = place.adminToken ?? null;
  }

  /** `crashAt`: a named point of this first start only (apps/hub/src/process/crash-points.ts). */
  static async start(place: HubPlace, crashAt?: string): Promise<HubProcess> {
    const [http = 0, gateway = 0, enrolment = 0] = await freePorts(3);
    const hub = new HubProcess(place, { http, gateway, enrolment });
    await hub.start(crashAt);
    return hub;
  }

  /** Told to other replicas and to the lease: never the same for two lives of the process. */
  get replica(): string {
    return `${this.place.name}-${this.starts}`;
  }

  get gateway(): string {
    return `127.0.0.1:${this.ports.gateway}`;
  }

  get enrolment(): string {
    return `127.0.0.1:${this.ports.enrolment}`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  get adminToken(): string {
    if (this.token === null) throw new Error(`hub ${this.place.name} has not told its admin token`);
    return this.token;
  }

  get client(): HubClient {
    return new HubClient(this.url, this.adminToken);
  }

  get running(): boolean {
    return this.programs.isRunning(this.replica);
  }

  async start(crashAt?: string): Promise<void> {
    this.starts += 1;
    this.programs.start(this.replica, builtProgram('hub'), [], {
      NODE_OPTIONS: '',
      WAVEGATE_HTTP: `127.0.0.1:${this.ports.http}`,
      WAVEGATE_GATEWAY: this.gateway,
      WAVEGATE_ENROLMENT: this.enrolment,
      WAVEGATE_DATA_DIR: this.place.dataDir,
      WAVEGATE_REPLICA: this.replica,
      WAVEGATE_LEASE_S: '2',
      WAVEGATE_AGENT_LOST_AFTER_S: '12',
      DATABASE_URL: this.place.databaseUrl,
      ...(crashAt === undefined ? {} : { WAVEGATE_CRASH_AT: crashAt }),
    });
    await eventually(`${this.replica} to be ready`, async () => {
      if (!this.running) throw new GivenUp(`${this.replica} ended:\n${this.programs.tail(this.replica, 20)}`);
      return (await fetch(`${this.url}/readyz`)).status === 200;
    });
    this.token ??= /First admin token[^\n]*\n\s+(\S+)/.exec(this.log)?.[1] ?? null;
  }

  /** SIGKILL: nothing is said to anybody, nothing is saved. */
  async kill(): Promise<void> {
    await this.programs.stop(this.replica, 0);
  }

  /** Resolves when the process is gone without having been asked: its crash point was reached. */
  async died(): Promise<void> {
    await eventually(`${this.replica} to reach its crash point`, () => !this.running, { everyMs: 20 });
    await this.programs.stop(this.replica, 0);
  }

  signal(signal: NodeJS.Signals): void {
    const pid = this.programs.pid(this.replica);
    if (pid === undefined) throw new Error(`${this.replica} does not run`);
    process.kill(pid, signal);
  }

  /** True while the process is stopped by SIGSTOP, whoever sent it. */
  get paused(): boolean {
    const stat = readFileSync(`/proc/${this.programs.pid(this.replica)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  }

  async stop(): Promise<void> {
    if (this.running && this.paused) this.signal('SIGCONT');
    if (this.running) this.signal('SIGTERM');
    await endsWithin(10_000, () => this.running);
    await this.programs.stopAll();
  }

  /** Everything that this hub wrote, over all its lives. */
  get log(): string {
    return Array.from({ length: this.starts }, (_, index) => {
      const file = this.programs.logFile(`${this.place.name}-${index + 1}`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    }).join('');
  }

  /** The value of a counter on /metrics by its name and one label; 0 where it was never counted. */
  async counted(metric: string, label: string, value: string): Promise<number> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    const line = page.split('\n').find((text) => text.startsWith(`${metric}{`) && text.includes(`${label}="${value}"`));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
}
