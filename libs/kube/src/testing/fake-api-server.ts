import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** An answer other than the usual one. */
export interface Refusal {
  readonly code: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Place {
  /** "/api/v1/pods": group, version and resource, without the namespace. */
  readonly collection: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
}

interface Watcher {
  readonly collection: string;
  readonly matches: (object: FakeObject) => boolean;
  readonly response: ServerResponse;
}

const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/;

/**
 * As much of an API server as the agent's calls meet: objects with versions, compare-and-swap, selectors, watches, and
 * evictions that answer as they are told. The client, its errors and its connections are the real ones.
 */
export class FakeApiServer {
  readonly requests: string[] = [];
  /** What an eviction is answered; null grants it. Called once per request. */
  onEvict: (pod: FakeObject) => Refusal | null = () => null;
  /** What any other request is answered instead of the usual; null lets it pass. */
  onRequest: (method: string, path: string) => Refusal | null = () => null;
  /** How long an evicted pod terminates before it is gone. */
  goneAfterMs = 5;
  private readonly objects = new Map<string, FakeObject>();
  private readonly watchers = new Set<Watcher>();
  private readonly server: Server;
  private version = 100;
  private down = false;

  constructor() {
    this.server = createServer((request, response) => void this.take(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Breaks every connection, and refuses each request until `comeBack`. */
  goAway(): void {
    this.down = true;
    this.server.closeAllConnections();
  }

  comeBack(): void {
    this.down = false;
  }

  put(collection: string, object: FakeObject): FakeObject {
    const known = this.objects.get(keyOf(collection, object));
    const uid = object.metadata.uid ?? `uid-${object.metadata.name}`;
    const stored = { ...object, metadata: { uid, ...object.metadata, resourceVersion: String((this.version += 1)) } };
    this.objects.set(keyOf(collection, object), stored);
    this.tell(collection, known ? 'MODIFIED' : 'ADDED', stored);
    return stored;
  }

  get(collection: string, name: string, namespace = ''): FakeObject | null {
    return this.objects.get(`${collection}|${namespace}|${name}`) ?? null;
  }

  all(collection: string): FakeObject[] {
    return [...this.objects].filter(([key]) => key.startsWith(`${collection}|`)).map(([, object]) => object);
  }

  remove(collection: string, object: FakeObject): void {
    if (this.objects.delete(keyOf(collection, object))) this.tell(collection, 'DELETED', object);
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.down) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as FakeObject) : null;
    const method = request.method ?? 'GET';
    this.requests.push(`${method} ${url.pathname}`);
    const told = this.onRequest(method, url.pathname);
    const place = placeOf(url.pathname);
    if (told) return answer(response, told);
    if (!place) return answer(response, { code: 404 });
    if (url.searchParams.get('watch') === 'true') return this.watch(place, url.searchParams, response);
    answer(response, this.carryOut(method, place, url.searchParams, body));
  }

  private carryOut(method: string, place: Place, query: URLSearchParams, body: FakeObject | null): Refusal {
    const { collection, namespace, name, subresource } = place;
    const known = name === null ? null : this.get(collection, name, namespace ?? '');
    if (subresource === 'eviction') return known ? this.evict(collection, known) : { code: 404 };
    if (method === 'POST' && body) {
      const named = { ...body, metadata: { ...body.metadata, ...(namespace ? { namespace } : {}) } };
      if (this.objects.has(keyOf(collection, named))) return { code: 409, body: { reason: 'AlreadyExists' } };
      return { code: 201, body: this.put(collection, named) };
    }
    if (name === null) return { code: 200, body: this.list(place, query) };
    if (!known) return { code: 404, body: { reason: 'NotFound' } };
    if (method === 'GET') return { code: 200, body: known };
    if (method === 'DELETE') return (this.remove(collection, known), { code: 200, body: { status: 'Success' } });
    const wanted = body?.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== known.metadata.resourceVersion)
      return { code: 409, body: { reason: 'Conflict' } };
    const next = method === 'PATCH' ? (merge(known, body) as FakeObject) : body;
    return {
      code: 200,
      body: this.put(collection, {
        ...(next ?? known),
        metadata: { ...(next ?? known).metadata, uid: known.metadata.uid },
      }),
    };
  }

  private evict(collection: string, pod: FakeObject): Refusal {
    const refusal = this.onEvict(pod);
    if (refusal) return refusal;
    this.put(collection, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date().toISOString() } });
    setTimeout(() => this.remove(collection, pod), this.goneAfterMs);
    return { code: 201, body: { status: 'Success', code: 201 } };
  }

  private list(place: Place, query: URLSearchParams): object {
    const items = this.all(place.collection).filter((object) => matcher(place, query)(object));
    return { items, metadata: { resourceVersion: String(this.version) } };
  }

  private watch(place: Place, query: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watcher = { collection: place.collection, matches: matcher(place, query), response };
    this.watchers.add(watcher);
    response.on('close', () => this.watchers.delete(watcher));
    // What changed between the list and this watch.
    const from = Number(query.get('resourceVersion') ?? 0);
    for (const object of this.all(place.collection)) {
      const isNews = Number(object.metadata.resourceVersion) > from && watcher.matches(object);
      if (isNews) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    }
  }

  private tell(collection: string, type: string, object: FakeObject): void {
    for (const watcher of this.watchers) {
      if (watcher.collection !== collection || !watcher.matches(object)) continue;
      watcher.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  }
}

function placeOf(path: string): Place | null {
  if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) {
    return { collection: '/api/v1/namespaces', namespace: null, name: path.split('/').at(-1) ?? '', subresource: null };
  }
  const [, group, namespace, resource, name, subresource] = PATH.exec(path) ?? [];
  if (group === undefined || resource === undefined) return null;
  const [inNamespace, named, below] = [namespace ?? null, name ?? null, subresource ?? null];
  return { collection: `${group}/${resource}`, namespace: inNamespace, name: named, subresource: below };
}

function keyOf(collection: string, { metadata }: FakeObject): string {
  return `${collection}|${metadata.namespace ?? ''}|${metadata.name}`;
}

function matcher(place: Place, query: URLSearchParams): (object: FakeObject) => boolean {
  const labels = pairs(query.get('labelSelector'));
  const node = pairs(query.get('fieldSelector')).find(([field]) => field === 'spec.nodeName')?.[1];
  return (object) => {
    const { namespace, labels: own = {} } = object.metadata;
    if (place.namespace !== null && namespace !== place.namespace) return false;
    if (node !== undefined && (object.spec as { nodeName?: string } | undefined)?.nodeName !== node) return false;
    return labels.every(([key, value]) => own[key] === value);
  };
}

function pairs(selector: string | null): [string, string][] {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => term.split('=') as [string, string]);
}

/** JSON merge patch, RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(typeof target === 'object' ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

function answer(response: ServerResponse, { code, body = {}, headers = {} }: Refusal): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
