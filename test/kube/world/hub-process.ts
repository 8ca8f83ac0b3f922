import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildPrograms } from './child-programs.js';
import { eventually, GivenUp } from './eventually.js';
import { freePorts } from './free-ports.js';
import { isAlive } from './is-alive.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** A program as `make build` leaves it. Specs run what is shipped, so a missing build is said at once, in one line. */
export function builtProgram(name: 'hub' | 'agent'): string {
  const built = join(ROOT, 'apps', name, 'dist', name === 'hub' ? 'main.js' : 'wavegate-agent.mjs');
  if (!existsSync(built)) throw new Error(`${built} is missing: run \`make build\` first (make test TIERS=kube does)`);
  return join(ROOT, 'apps', name, 'bin', `wavegate-${name}`);
}

export interface JoinToken {
  readonly token: string;
  readonly caSha256: string;
}

/** One answer of the REST API. */
export interface RestAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** The real hub in a process of its own, on its embedded PostgreSQL; killed and started again on the same data. */
export class HubProcess {
  private readonly programs: ChildPrograms;
  private token: string | null = null;
  private starts = 0;

  private constructor(
    private readonly dir: string,
    private readonly ports: { readonly http: number; readonly gateway: number; readonly enrolment: number },
    private readonly env: Readonly<Record<string, string>>,
  ) {
    this.programs = new ChildPrograms(dir);
  }

  /** `dir`: the run's folder. `env`: settings beyond the addresses, kept over restarts. */
  static async start(dir: string, env: Readonly<Record<string, string>> = {}): Promise<HubProcess> {
    const home = join(dir, 'hub');
    mkdirSync(home, { recursive: true });
    // As root, PostgreSQL runs as another user, who must be able to pass.
    chmodSync(dir, 0o711);
    const [http = 0, gateway = 0, enrolment = 0] = await freePorts(3);
    const hub = new HubProcess(home, { http, gateway, enrolment }, env);
    await hub.start();
    return hub;
  }

  get gateway(): string {
    return `127.0.0.1:${this.ports.gateway}`;
  }

  get enrolment(): string {
    return `127.0.0.1:${this.ports.enrolment}`;
  }

  get running(): boolean {
    return this.programs.isRunning(this.name);
  }

  /** `crashAt`: a named crash point of this start only. */
  async start(crashAt?: string): Promise<void> {
    this.starts += 1;
    this.programs.start(this.name, builtProgram('hub'), [], {
      NODE_OPTIONS: '',
      WAVEGATE_HTTP: `127.0.0.1:${this.ports.http}`,
      WAVEGATE_GATEWAY: this.gateway,
      WAVEGATE_ENROLMENT: this.enrolment,
      WAVEGATE_DATA_DIR: join(this.dir, 'data'),
      WAVEGATE_REPLICA: 'hub-under-test',
      WAVEGATE_LEASE_S: '3',
      ...this.env,
      ...(crashAt ? { WAVEGATE_CRASH_AT: crashAt } : {}),
    });
    await eventually('the hub to be ready', async () => {
      if (!this.running) throw new GivenUp(`the hub ended:\n${this.programs.tail(this.name, 20)}`);
      return (await fetch(`${this.url}/readyz`)).status === 200;
    });
    this.token ??= this.readFirstToken();
  }

  /** SIGKILL: nothing is said to anybody, nothing is saved. */
  async kill(): Promise<void> {
    await this.programs.stop(this.name, 0);
  }

  /** Resolves when the process has ended by itself (at its crash point). */
  async ended(withinMs = 60_000): Promise<void> {
    await eventually('the hub to reach its crash point', () => !this.running, { withinMs });
    await this.programs.stop(this.name, 0);
  }

  /** The hub tidily, and with it the database, which outlives a killed hub. */
  async stop(): Promise<void> {
    if (this.running) await this.programs.stop(this.name, 20_000);
    const pidFile = join(this.dir, 'data', 'postgres', 'data', 'postmaster.pid');
    // Asked again and again: it may be on its way out by itself, or still write what names it.
    await eventually('PostgreSQL to end', () => {
      const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n')[0]) : -1;
      if (pid < 0 || !isAlive(pid)) return true;
      if (pid > 0) process.kill(pid, 'SIGINT');
      return false;
    });
    await this.programs.stopAll();
  }

  async ask<T>(method: string, path: string, body?: unknown): Promise<RestAnswer<T>> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as T };
  }

  /** The body of an answer that must be a success. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask<T>(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  joinToken(cluster: string, labels: Readonly<Record<string, string>> = {}): Promise<JoinToken> {
    return this.call('POST', '/join-tokens', { cluster, labels });
  }

  /** Everything that the hub wrote, over all its starts. */
  get log(): string {
    return Array.from({ length: this.starts }, (_, index) => {
      const file = this.programs.logFile(`hub-${index + 1}`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    }).join('');
  }

  private get name(): string {
    return `hub-${this.starts}`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  private readFirstToken(): string {
    const match = /First admin token[^\n]*\n\s+(\S+)/.exec(this.log);
    if (!match?.[1]) throw new Error(`the hub printed no admin token:\n${this.programs.tail(this.name, 20)}`);
    return match[1];
  }
}
