import type { KubeConfig } from '@kubernetes/client-node';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { BackupFailed, messageOf } from '../backup-failed.js';

const SILENCE_MS = 30_000;
const TRIES = 4;

/** GET by path, with the body as a stream: the typed client holds whole answers, and this must not. */
export class ApiStream {
  constructor(private readonly config: KubeConfig) {}

  /** The answer to a 200; other codes are answered by ApiRefusal. Asked again where a server says "not now". */
  async get(path: string, accept = 'application/json'): Promise<IncomingMessage> {
    for (let tried = 1; ; tried += 1) {
      try {
        const answer = await this.once(path, accept);
        if (answer.statusCode === 200) return answer;
        throw new ApiRefusal(path, answer.statusCode ?? 0, await textOf(answer));
      } catch (error) {
        if (tried === TRIES || !isPassing(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tried));
      }
    }
  }

  async json<T>(path: string, accept?: string): Promise<T> {
    return JSON.parse(await textOf(await this.get(path, accept))) as T;
  }

  private async once(path: string, accept: string): Promise<IncomingMessage> {
    const server = this.config.getCurrentCluster()?.server ?? '';
    const options: RequestOptions = { method: 'GET', headers: { accept }, timeout: SILENCE_MS };
    await this.config.applyToHTTPSOptions(options);
    const url = `${server.replace(/\/$/, '')}${path}`;
    return new Promise((resolve, reject) => {
      const ask = url.startsWith('http:') ? requestHttp : request;
      const asked = ask(url, options, resolve);
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error(`no answer in ${SILENCE_MS / 1000} s`)));
      asked.end();
    });
  }
}

/** What an API server said instead of a list. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';

  constructor(
    readonly path: string,
    readonly code: number,
    readonly body: string,
  ) {
    super(`GET ${path} → ${code}: ${statusMessage(body)}`);
  }
}

export function apiFailure(error: unknown): unknown {
  if (error instanceof BackupFailed) return error;
  if (error instanceof ApiRefusal && error.code === 401) {
    return new BackupFailed('unauthorized', 'the API server does not accept the credentials of this context (401)');
  }
  const { code } = error as NodeJS.ErrnoException;
  if (!(error instanceof ApiRefusal) && !code) return error;
  return new BackupFailed('unreachable', `the API server stopped answering: ${messageOf(error)}`, { cause: error });
}

function isPassing(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.code === 429 || (error.code >= 500 && error.code !== 501);
  return true;
}

function statusMessage(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body.slice(0, 200);
  } catch {
    return body.slice(0, 200);
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
