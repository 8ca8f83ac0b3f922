import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Series } from '@wavegate/fleet';
import type { AgentLog } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';

/** Seconds that are remembered: a baseline of an hour and the longest judged phase of a day's plan fit many times over. */
const KEPT_S = 6 * 3600;
const ANSWER_MS = 1_000;

/** Of one second: not asked, all answered, or how many of the two did not. */
const UNKNOWN = 0;
const GOOD = 1;
/** GOOD + 1: one of two bad; GOOD + 2: both. */

const REQUESTS = [
  // Told by every API server to anybody.
  { path: '/readyz', connection: 'new' },
  // A read through authentication, authorization and etcd: the one object that the agent's rights name.
  { path: '/api/v1/namespaces/kube-system', connection: 'reused' },
] as const;

export interface ProbeMeans {
  readonly kube: KubeAccess;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: AgentLog;
}

/** What is remembered of a stretch of time. */
interface Look {
  readonly seconds: number;
  readonly asked: number;
  /** Requests that were not answered, and seconds in which there was one. */
  readonly bad: number;
  readonly disrupted: number;
}

/**
 * Asks the API server once a second, on a new connection and on a reused one, and remembers what it said. The minutes in
 * which an API server restarts are those in which its own metrics have gaps: here they are measured.
 *
 *   a second asked and answered      2 events, 0 bad
 *   one of the two not answered      2 events, 1 bad
 *   nobody answers                   2 events, 2 bad
 *   the agent itself did not run     no sample
 */
export class ApiProbe {
  private readonly seconds = new Uint8Array(KEPT_S);
  private readonly times = new Float64Array(KEPT_S);
  private options: Promise<RequestOptions> | null = null;
  private reused: HttpAgent | null = null;
  private timer: NodeJS.Timeout | null = null;
  private disrupted: { readonly since: number; seconds: number; fresh: number; kept: number } | null = null;
  private disruptedSeconds = 0;

  constructor(private readonly means: ProbeMeans) {}

  /** Seconds since the start in which at least one of the two requests was not answered. */
  get disruptionSeconds(): number {
    return this.disruptedSeconds;
  }

  start(): void {
    this.timer ??= setInterval(() => void this.look(), 1_000);
    this.timer.unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.reused?.destroy();
  }

  /** Pairs [bad, total] of so many periods from an instant on; null where not half of the period was asked. */
  series(from: number, periods: number, periodMs: number): Series {
    return Array.from({ length: periods }, (_, n) => this.period(from + n * periodMs, periodMs));
  }

  /** Of so many periods from an instant on, the seconds in which not all was answered; null where not half of it was asked. */
  disruption(from: number, periods: number, periodMs: number): readonly (number | null)[] {
    return Array.from({ length: periods }, (_, n) => {
      const { seconds, asked, disrupted } = this.remembered(from + n * periodMs, periodMs);
      // Seconds and periods have different edges: a share of what was asked, as long as the period.
      return asked * 2 >= seconds ? ((disrupted / asked) * periodMs) / 1000 : null;
    });
  }

  private period(from: number, periodMs: number): readonly [number, number] | null {
    const { seconds, asked, bad } = this.remembered(from, periodMs);
    return asked * 2 >= seconds ? [bad, asked * REQUESTS.length] : null;
  }

  private remembered(from: number, periodMs: number): Look {
    const first = Math.floor(from / 1000);
    const last = Math.max(first, Math.ceil((from + periodMs) / 1000) - 1);
    let [bad, asked, disrupted] = [0, 0, 0];
    for (let second = first; second <= last; second += 1) {
      const slot = second % KEPT_S;
      const state = this.times[slot] === second ? (this.seconds[slot] ?? UNKNOWN) : UNKNOWN;
      if (state === UNKNOWN) continue;
      asked += 1;
      bad += state - GOOD;
      disrupted += state > GOOD ? 1 : 0;
    }
    return { seconds: last - first + 1, asked, bad, disrupted };
  }

  /** One second's look. Never rejects. */
  async look(): Promise<void> {
    const second = Math.floor(this.means.now() / 1000);
    const answers = await Promise.all(REQUESTS.map((request) => this.ask(request).catch(() => false)));
    const slot = second % KEPT_S;
    this.times[slot] = second;
    this.seconds[slot] = GOOD + answers.filter((answered) => !answered).length;
    this.tell(second, answers);
  }

  private tell(second: number, [fresh = false, kept = false]: readonly boolean[]): void {
    const { log } = this.means;
    if (fresh && kept) {
      if (!this.disrupted) return;
      const { since, seconds, fresh: onNew, kept: onReused } = this.disrupted;
      this.disrupted = null;
      log.info('API server answers again', {
        disruptionSeconds: seconds,
        since,
        newConnections: onNew,
        reusedConnections: onReused,
      });
      return;
    }
    this.disruptedSeconds += 1;
    if (!this.disrupted)
      log.info('API server does not answer every request', { newConnection: fresh, reusedConnection: kept });
    this.disrupted ??= { since: second * 1000, seconds: 0, fresh: 0, kept: 0 };
    this.disrupted.seconds += 1;
    this.disrupted.fresh += fresh ? 0 : 1;
    this.disrupted.kept += kept ? 0 : 1;
  }

  private async ask({ path, connection }: (typeof REQUESTS)[number]): Promise<boolean> {
    const { kube } = this.means;
    const server = new URL(kube.config.getCurrentCluster()?.server ?? 'http://127.0.0.1:1');
    const plain = server.protocol === 'http:';
    const options = await (this.options ??= this.prepare());
    this.reused ??= plain
      ? new HttpAgent({ keepAlive: true, maxSockets: 1 })
      : new HttpsAgent({ keepAlive: true, maxSockets: 1 });
    const url = new URL(`${server.href.replace(/\/$/, '')}${path}`);
    return new Promise((done) => {
      const send = plain ? httpRequest : httpsRequest;
      // `agent: false` is a connection of its own, closed after the answer.
      const agent = connection === 'reused' ? (this.reused ?? false) : false;
      const sent = send(url, { ...options, agent, signal: AbortSignal.timeout(ANSWER_MS) }, (response) => {
        response.resume();
        response.on('end', () => done(response.statusCode === 200));
        response.on('error', () => done(false));
      });
      sent.on('error', () => done(false));
      sent.end();
    });
  }

  /** Credentials are read again after each minute: tokens of service accounts rotate. */
  private async prepare(): Promise<RequestOptions> {
    const forget = setTimeout(() => (this.options = null), 60_000);
    forget.unref();
    const options: RequestOptions & SecureContextOptions = {};
    await this.means.kube.config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase } = options;
    // Made once: a context for each new connection would parse the certificates every second.
    const secureContext = createSecureContext({ ca, cert, key, pfx, passphrase });
    return {
      ...options,
      ...{ secureContext },
      headers: { ...options.headers, 'user-agent': 'wavegate-agent/probe', accept: 'application/json' },
    };
  }
}
