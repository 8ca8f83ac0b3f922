import { afterAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../program.js';
import type { Surroundings } from '../surroundings.js';
import { NOW } from './sample-rollout.js';

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | null;
  readonly lastEventId: string | null;
}

/** A route's answer: a value (200), a Response, or something thrown, as when nobody listens. Called per request. */
export type Answers = Readonly<Record<string, (sent: Sent) => unknown>>;

export interface FakeWorld {
  readonly sent: Sent[];
  readonly interrupt: () => void;
  readonly home: string;
  run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

export interface FakeWorldOptions {
  readonly answers?: Answers;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly input?: string;
  /** Called instead of waiting. */
  readonly onSleep?: (world: FakeWorld) => unknown;
}

export const HUB = { WAVEGATE_URL: 'http://hub.test', WAVEGATE_TOKEN: 'secret' };

const homes: string[] = [];
afterAll(() => homes.forEach((home) => rmSync(home, { recursive: true, force: true })));

/** Whole command lines against a hub that is a table of answers; time stands still. */
export function fakeWorld(options: FakeWorldOptions = {}): FakeWorld {
  const { answers = {}, env = HUB, isTTY = false, input = '', onSleep } = options;
  const sent: Sent[] = [];
  const interrupted = new AbortController();
  const home = mkdtempSync(join(tmpdir(), 'wavegate-cli-'));
  homes.push(home);
  const fake: FakeWorld = {
    sent,
    home,
    interrupt: () => interrupted.abort(),
    run: async (...args) => {
      const text = { out: '', err: '' };
      const stream = (name: 'out' | 'err') => ({
        ...{ isTTY, columns: 120, rows: 40 },
        write: (more: string) => void (text[name] += more),
      });
      const world: Surroundings = {
        env: { XDG_CONFIG_HOME: home, TZ: 'UTC', ...env },
        out: stream('out'),
        err: stream('err'),
        fetch: async (request, init) => answer(answers, await seen(new Request(request, init), sent)),
        interrupted: interrupted.signal,
        now: () => NOW,
        sleep: async () => void onSleep?.(fake),
        readInput: async () => input,
      };
      const code = await runCommandLine(args, world);
      return { code, ...text };
    },
  };
  return fake;
}

async function seen(request: Request, sent: Sent[]): Promise<Sent> {
  const url = new URL(request.url);
  const text = await request.text();
  const one = {
    method: request.method,
    path: decodeURIComponent(url.pathname + url.search).replace('/api/v1', ''),
    body: text === '' ? null : (JSON.parse(text) as unknown),
    authorization: request.headers.get('authorization'),
    lastEventId: request.headers.get('last-event-id'),
  };
  sent.push(one);
  return one;
}

function answer(answers: Answers, sent: Sent): Response {
  const route = answers[`${sent.method} ${sent.path}`] ?? answers[`${sent.method} ${sent.path.split('?')[0]}`];
  if (!route) return problem(404, `no answer for ${sent.method} ${sent.path}`);
  const value = route(sent);
  return value instanceof Response ? value : Response.json(value);
}

/** An RFC 9457 refusal as the hub sends it. */
export function problem(status: number, title: string, more: Readonly<Record<string, unknown>> = {}): Response {
  const body = { type: 'https://wavegate.dev/problems/test', title, status, requestId: 'r-1', ...more };
  return Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } });
}
