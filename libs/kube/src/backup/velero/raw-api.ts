import { createConfiguration, ServerConfiguration, type HttpMethod, type KubeConfig } from '@kubernetes/client-node';
import { REQUEST_TIMEOUT_MS } from '../../kube-access.js';

/** As many objects as one answer may hold: a namespace of 20,000 objects must not come as one piece. */
const PAGE = 500;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** An object as the API server sent it: typed clients drop the fields they do not know, which a comparison needs. */
export interface RawObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: RawMetadata;
  readonly [field: string]: unknown;
}

export interface RawMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an API server refused; `toKubeError` reads it like the typed client's own error. */
export class RawRefusal extends Error {
  override readonly name = 'RawRefusal';

  constructor(
    what: string,
    readonly code: number,
    readonly body: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {
    super(`${what} → ${code}`);
  }
}

interface Ask {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Calls by path, on the connections and with the credentials of the typed client. Throws RawRefusal on 4xx and 5xx. */
export class RawApi {
  private readonly http: ReturnType<typeof createConfiguration>;

  constructor(private readonly config: KubeConfig) {
    const server = config.getCurrentCluster()?.server ?? '';
    this.http = createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: config },
    });
  }

  get<T>(path: string): Promise<T> {
    return this.send<T>({ method: 'GET', path });
  }

  /** All items over as many pages as it takes. */
  async list<T = RawObject>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T[]> {
    const items: T[] = [];
    let next = '';
    do {
      const page = await this.send<{ items: T[]; metadata?: { continue?: string } }>({
        method: 'GET',
        path,
        query: { ...query, limit: String(PAGE), ...(next ? { continue: next } : {}) },
      });
      items.push(...page.items);
      next = page.metadata?.continue ?? '';
    } while (next);
    return items;
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.send<T>({ method: 'POST', path, body });
  }

  /** `uid`: only the object that was looked at, not another one that has taken its name meanwhile. */
  async remove(path: string, uid?: string): Promise<void> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...(uid ? { preconditions: { uid } } : {}) };
    await this.send({ method: 'DELETE', path, body });
  }

  private async send<T>({ method, path, query = {}, body }: Ask): Promise<T> {
    const context = this.http.baseServer.makeRequestContext(path, method as HttpMethod);
    context.setHeaderParam('Accept', 'application/json');
    for (const [name, value] of Object.entries(query)) context.setQueryParam(name, value);
    if (body !== undefined) {
      context.setHeaderParam('Content-Type', 'application/json');
      context.setBody(JSON.stringify(body));
    }
    await this.config.applySecurityAuthentication(context);
    context.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
    const answer = await this.http.httpApi.send(context).toPromise();
    const text = await answer.body.text();
    if (answer.httpStatusCode < 400) return JSON.parse(text) as T;
    throw new RawRefusal(`${method} ${path}`, answer.httpStatusCode, text, answer.headers);
  }
}
