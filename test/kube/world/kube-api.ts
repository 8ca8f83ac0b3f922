import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { CertificateFiles } from './pki.js';

/** An object of the API; the test world names the few fields it reads where it reads them. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Spec;
  readonly status: Status;
}

/** What a refusal says (`kind: Status`). */
export interface KubeStatus {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
  };
}

export interface KubeAnswer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  /** An object, a list or a Status. */
  readonly body: unknown;
  /** The body read as a Status; without fields when it is something else. */
  readonly status: KubeStatus;
}

export class KubeRefusal extends Error {
  override readonly name = 'KubeRefusal';
  readonly answer: KubeAnswer;

  constructor(what: string, answer: KubeAnswer) {
    super(`${what} → ${answer.code} ${answer.status.reason ?? ''} ${answer.status.message ?? ''}`);
    this.answer = answer;
  }
}

/** A bare client for the test world: exact answers with their headers, and no retries that would hide anything. */
export class KubeApi {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, caFile: string, identity: CertificateFiles) {
    this.#url = url;
    this.#agent = new Agent({
      ca: readFileSync(caFile),
      cert: readFileSync(identity.cert),
      key: readFileSync(identity.key),
      keepAlive: true,
      maxSockets: 16,
    });
  }

  /** Any answer, also a refusal. Rejects only when there was none. */
  ask(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<KubeAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    // Said outright: for DELETE, Node frames no body by itself, and the server takes it for the next request.
    const length = payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) };
    return new Promise((answered, fail) => {
      const sent = request(`${this.#url}${path}`, {
        method,
        agent: this.#agent,
        timeout: 60_000,
        headers: {
          accept: 'application/json',
          'user-agent': 'wavegate-test-world',
          'content-type': contentType,
          ...length,
        },
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer within 60 s`)));
      sent.on('error', fail);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = response.headers['content-type']?.includes('json') ?? false;
          const json: unknown = isJson ? JSON.parse(text) : text;
          const status = isJson ? (json as KubeStatus) : { message: text };
          answered({ code: response.statusCode ?? 0, headers: response.headers, body: json, status });
        });
      });
      sent.end(payload);
    });
  }

  /** The object of an accepted request; throws KubeRefusal with the API's own words otherwise. */
  async #must<T extends KubeObject>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> {
    const answer = await this.ask(method, path, body, contentType);
    if (answer.code >= 400) throw new KubeRefusal(`${method} ${path}`, answer);
    return answer.body as T;
  }

  get<T extends KubeObject = KubeObject>(path: string): Promise<T> {
    return this.#must<T>('GET', path);
  }

  async list<T extends KubeObject = KubeObject>(path: string): Promise<readonly T[]> {
    const answer = await this.ask('GET', path);
    if (answer.code >= 400) throw new KubeRefusal(`GET ${path}`, answer);
    return (answer.body as { readonly items: readonly T[] }).items;
  }

  create(path: string, object: unknown): Promise<KubeObject> {
    return this.#must('POST', path, object);
  }

  patch(path: string, change: unknown): Promise<KubeObject> {
    return this.#must('PATCH', path, change, 'application/merge-patch+json');
  }

  /** Deletes at once, as a kubelet confirms a deletion; gone already is fine. */
  async remove(path: string): Promise<void> {
    const answer = await this.ask('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
    if (answer.code >= 400 && answer.code !== 404) throw new KubeRefusal(`DELETE ${path}`, answer);
  }

  close(): void {
    this.#agent.destroy();
  }
}
