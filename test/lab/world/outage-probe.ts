import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as secure } from 'node:https';
import type { Lab } from './start-lab.js';

/** Four times a second, as the figures of the design were measured. */
const PERIOD_MS = 250;
const PATIENCE_MS = 1_000;
/** A connection that is kept would hide that no new one can be made. */
const ANEW = { agent: false, timeout: PATIENCE_MS } as const;

export interface Outage {
  /** Seconds since the probe began. */
  readonly fromS: number;
  readonly forS: number;
}

interface Look {
  readonly atMs: number;
  readonly ok: boolean;
}

interface Target {
  readonly name: string;
  readonly ask: () => Promise<boolean>;
}

/** A client that asks the API and an application four times a second, each time over a new connection, until told to end. */
export class OutageProbe {
  readonly #looks = new Map<string, Look[]>();
  readonly #startedAt = Date.now();
  readonly #timers: NodeJS.Timeout[];

  /** `app`: an address a person's browser would use. */
  constructor(lab: Lab, app: string) {
    const targets: readonly Target[] = [
      apiOf(lab),
      { name: 'app', ask: () => answers((taken) => plain(app, ANEW, taken)) },
    ];
    this.#timers = targets.map((target) => {
      this.#looks.set(target.name, []);
      return setInterval(() => void this.#look(target), PERIOD_MS);
    });
  }

  async #look({ name, ask }: Target): Promise<void> {
    const atMs = Date.now();
    const ok = await ask();
    this.#looks.get(name)?.push({ atMs, ok });
  }

  looks(name: 'api' | 'app'): number {
    return this.#looks.get(name)?.length ?? 0;
  }

  /** Stretches from the first refused look to the next answered one. */
  outages(name: 'api' | 'app'): readonly Outage[] {
    const looks = [...(this.#looks.get(name) ?? [])].sort((a, b) => a.atMs - b.atMs);
    const found: Outage[] = [];
    let downAt: number | undefined;
    for (const { atMs, ok } of looks) {
      if (!ok) downAt ??= atMs;
      else if (downAt !== undefined) {
        found.push({ fromS: (downAt - this.#startedAt) / 1000, forS: (atMs - downAt) / 1000 });
        downAt = undefined;
      }
    }
    return found;
  }

  seconds(name: 'api' | 'app'): number {
    return this.outages(name).reduce((sum, { forS }) => sum + forS, 0);
  }

  /** One line for the person who reads the log of a run. */
  summary(): string {
    const part = (name: 'api' | 'app'): string => {
      const pieces = this.outages(name).map(({ forS }) => forS.toFixed(1));
      return `${name} away ${this.seconds(name).toFixed(1)} s${pieces.length > 1 ? ` (${pieces.join(' + ')})` : ''}`;
    };
    return `${part('api')}, ${part('app')} of ${Math.round((Date.now() - this.#startedAt) / 1000)} s`;
  }

  end(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

function apiOf(lab: Lab): Target {
  const config = readFileSync(lab.kubeconfig, 'utf8');
  const server = /server: (\S+)/.exec(config)?.[1] ?? '';
  const ca = Buffer.from(/certificate-authority-data: (\S+)/.exec(config)?.[1] ?? '', 'base64');
  const ask = (): Promise<boolean> => answers((taken) => secure(`${server}/readyz`, { ca, ...ANEW }, taken));
  return { name: 'api', ask };
}

function answers(ask: (taken: (answer: IncomingMessage) => void) => ClientRequest): Promise<boolean> {
  return new Promise((done) => {
    const asked = ask((answer) => {
      answer.resume();
      done(answer.statusCode === 200);
    });
    // The whole exchange is bounded, not only the silence in it.
    const bound = setTimeout(() => asked.destroy(), PATIENCE_MS);
    asked.on('close', () => clearTimeout(bound));
    asked.on('error', () => done(false));
    asked.on('close', () => done(false));
    asked.end();
  });
}
