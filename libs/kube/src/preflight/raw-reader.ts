import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { KubeAccess } from '../kube-access.js';
import { continueOf, eachItem } from './list-page.js';
import { PageRoom } from './page-room.js';

/** Bound of one page or page-sized answer: longer than a verb's, since a page of 500 pods may come over a slow line. */
const TIMEOUT_MS = 15_000;
/** Requests at once: a look at a cluster must not be a burst of load on it. */
const SOCKETS = 6;

/** An API server's refusal, or no answer at all (`code` 0). */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused';

  constructor(
    readonly path: string,
    /** HTTP status; 0 when no server answered. */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export interface RawAnswer {
  readonly code: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
  readonly body?: unknown;
  /** Another address of the same API ("https://10.0.0.5:6443"), verified against the same CA. */
  readonly origin?: string;
  readonly timeoutMs?: number;
}

/** A page that was asked for, and may not be here yet. */
interface OpenPage {
  readonly of: string;
  readonly response: Promise<IncomingMessage>;
}

/** Metadata only, several times smaller than the objects. */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const PAGE = 250;

/**
 * Reads the API as plain JSON over connections that stay open. The generated client turns every object into classes
 * first: for 5,000 pods that costs four times the time and three times the memory (measured), and it hides headers.
 */
export class RawReader {
  private prepared: Promise<RequestOptions> | null = null;

  constructor(
    private readonly kube: KubeAccess,
    private readonly say: (what: string) => void = () => {},
  ) {}

  get server(): URL {
    return new URL(this.kube.config.getCurrentCluster()?.server ?? 'http://127.0.0.1:1');
  }

  async json<T>(path: string, ask: Ask = {}): Promise<T> {
    const { code, body } = await this.answer(path, ask);
    if (code >= 400) throw new ReadRefused(path, code, statusMessage(body));
    return JSON.parse(body) as T;
  }

  /** Null where there is no such thing. */
  async jsonOrNull<T>(path: string): Promise<T | null> {
    try {
      return await this.json<T>(path);
    } catch (error) {
      if (error instanceof ReadRefused && error.code === 404) return null;
      throw error;
    }
  }

  /**
   * Every object of a list, a page at a time: nothing but the page is held here. Objects come without `managedFields`,
   * unless only metadata was asked for. While a page is still coming in, the server already makes the next one.
   */
  async each<T>(
    path: string,
    look: (item: T) => void,
    { limit = PAGE, accept }: { limit?: number; accept?: string } = {},
  ) {
    const ask = accept ? { accept } : {};
    const open = (next: string): OpenPage => {
      const query = `limit=${limit}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
      const of = `${path}${path.includes('?') ? '&' : '?'}${query}`;
      const response = this.open(of, ask);
      // Looked at when its turn comes; a failure before that must not be one that nobody hears.
      response.catch(() => undefined);
      return { of, response };
    };
    const room = new PageRoom();
    for (let page: OpenPage | null = open(''); page !== null;) {
      const ahead: { page: OpenPage | null } = { page: null };
      room.empty((first) => {
        const next = continueOf(first) ?? '';
        ahead.page ??= next === '' ? null : open(next);
      });
      const body = await this.pageBody(page, ask, room);
      const next: string = readPage(page.of, body, look, accept === METADATA_ONLY);
      page = next === '' ? null : (ahead.page ?? open(next));
    }
  }

  /** As `json` reads: with one more try. */
  private async pageBody({ of, response }: OpenPage, ask: Ask, room: PageRoom): Promise<Buffer> {
    const read = async (answer: IncomingMessage): Promise<Buffer> => {
      await whole(of, () => room.fill(answer));
      const code = answer.statusCode ?? 0;
      if (code >= 400) throw new ReadRefused(of, code, statusMessage(room.bytes().toString()));
      return room.bytes();
    };
    try {
      return await read(await response);
    } catch (error) {
      if (!(error instanceof ReadRefused) || error.code !== 0) throw error;
      return read(await this.open(of, ask));
    }
  }

  /** Any answer, also a refusal; throws only where there is none, and not before a second try. */
  async answer(path: string, ask: Ask = {}): Promise<RawAnswer> {
    try {
      return await this.answerOnce(path, ask);
    } catch (error) {
      // A busy server cuts long answers off. Nothing we send changes anything, so asking again is safe.
      if (!(error instanceof ReadRefused) || ask.origin !== undefined) throw error;
      return this.answerOnce(path, ask);
    }
  }

  private async answerOnce(path: string, ask: Ask): Promise<RawAnswer> {
    const response = await this.open(path, ask);
    const room = new PageRoom();
    await whole(path, () => room.fill(response));
    return { code: response.statusCode ?? 0, body: room.bytes().toString(), headers: response.headers };
  }

  /** A long text, line by line: an API server's metrics are several megabytes. */
  async lines(path: string, look: (line: string) => void, ask: Ask = {}): Promise<void> {
    const response = await this.open(path, { ...ask, accept: 'text/plain' });
    if ((response.statusCode ?? 0) >= 400) {
      response.resume();
      throw new ReadRefused(path, response.statusCode ?? 0, `${response.statusCode}`);
    }
    let rest = '';
    response.setEncoding('utf8');
    await whole(path, async () => {
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        lines.forEach(look);
      }
    });
    if (rest !== '') look(rest);
  }

  private async open(path: string, ask: Ask): Promise<IncomingMessage> {
    this.say(path);
    const options = await (this.prepared ??= this.prepare());
    const url = new URL(ask.origin ?? this.server.href);
    const base = url.pathname.replace(/\/$/, '');
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const text = ask.body === undefined ? '' : JSON.stringify(ask.body);
    const headers = {
      ...options.headers,
      accept: ask.accept ?? 'application/json',
      'user-agent': 'wavegate-agent/preflight',
      ...(text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const timeoutMs = ask.timeoutMs ?? TIMEOUT_MS;
    return new Promise((answered, refused) => {
      const fail = (error: Error): void => refused(new ReadRefused(path, 0, messageOf(error)));
      const how = { ...options, method: ask.method ?? 'GET', path: `${base}${path}`, headers };
      const at = {
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port || (url.protocol === 'http:' ? 80 : 443),
      };
      const sent = send({ ...how, ...at, signal: AbortSignal.timeout(timeoutMs) }, answered);
      sent.on('error', fail);
      sent.end(text);
    });
  }

  private async prepare(): Promise<RequestOptions> {
    const options: RequestOptions = {};
    await this.kube.config.applyToHTTPSOptions(options);
    // A proxy's agent is kept; the plain one would make a TLS handshake for every request.
    if (this.kube.config.getCurrentCluster()?.proxyUrl) return options;
    const alive = { keepAlive: true, maxSockets: SOCKETS };
    options.agent = this.server.protocol === 'http:' ? new HttpAgent(alive) : new HttpsAgent(alive);
    return options;
  }

  close(): void {
    const prepared = this.prepared;
    this.prepared = null;
    void prepared?.then(({ agent }) => (agent instanceof HttpAgent ? agent.destroy() : undefined));
  }
}

/** Throws ReadRefused with code 0 for what is no list: half an answer that a proxy called whole. */
function readPage<T>(path: string, body: Buffer, look: (item: T) => void, asItIs: boolean): string {
  try {
    if (!asItIs) return eachItem(body, look as (item: unknown) => void);
    const page = JSON.parse(body.toString()) as { items?: readonly T[]; metadata?: { continue?: string } };
    page.items?.forEach(look);
    return page.metadata?.continue ?? '';
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ReadRefused(path, 0, `not a list: ${error.message}`);
  }
}

/** A connection that ends in the middle of an answer is no answer. */
async function whole(path: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    throw new ReadRefused(path, 0, messageOf(error as Error));
  }
}

function statusMessage(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

function messageOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  return code ?? error.message;
}
