import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { MetricSource } from './metric-sources.js';

/** Bounds of one question. */
export const QUERY_TIMEOUT_MS = 10_000;
export const MOST_BYTES = 1 << 20;
export const MOST_SERIES = 2_000;
/** Longer ones are posted: proxies refuse long lines. */
const LONGEST_LINE = 1_500;

export type RefusalKind =
  /** No answer: no such host, refused, broken off. */
  | 'unreachable'
  | 'timedOut'
  /** 401, 403: the token or the certificate. */
  | 'denied'
  | 'badQuery'
  | 'tooLarge'
  | 'tooManySeries'
  /** An answer, but not the kind that was asked for. */
  | 'wrongShape'
  /** Any other refusal. */
  | 'failed';

/** Why a question has no answer. The message never carries a credential. */
export class PrometheusRefusal extends Error {
  override readonly name = 'PrometheusRefusal';

  constructor(
    readonly kind: RefusalKind,
    message: string,
  ) {
    super(message);
  }
}

export interface Credentials {
  readonly token: string | null;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** What proxies and gateways say, and servers that know no types of errors. */
const BY_STATUS: Readonly<Record<number, RefusalKind>> = {
  ...{ 400: 'badQuery', 401: 'denied', 403: 'denied', 422: 'badQuery' },
  ...{ 200: 'wrongShape', 502: 'unreachable', 503: 'unreachable', 504: 'unreachable' },
};

export const refusalKind = (code: number): RefusalKind => BY_STATUS[code] ?? 'failed';

/** What is sent: a query as a form (posted where it is long), a document, or a deletion. */
export type SourceRequest = { readonly form: string } | { readonly json: unknown } | { readonly remove: true };

interface Sent {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly search: string;
  readonly body: string | null;
  readonly type: string;
}

function sentOf(request: SourceRequest): Sent {
  if ('remove' in request) return { method: 'DELETE', search: '', body: null, type: '' };
  if ('json' in request) {
    return { method: 'POST', search: '', body: JSON.stringify(request.json), type: 'application/json' };
  }
  const { form } = request;
  if (form.length <= LONGEST_LINE) return { method: 'GET', search: form, body: null, type: '' };
  return { method: 'POST', search: '', body: form, type: 'application/x-www-form-urlencoded' };
}

/** One request to an allowed source, within the bounds. No redirects are followed. Throws PrometheusRefusal. */
export async function askSource(
  source: MetricSource,
  credentials: Credentials,
  path: string,
  request: SourceRequest,
): Promise<{ readonly code: number; readonly body: string }> {
  const { name, url, tenant } = source;
  const signal = AbortSignal.timeout(QUERY_TIMEOUT_MS);
  try {
    const response = await open(new URL(`${url}${path}`), sentOf(request), { credentials, tenant, signal });
    return { code: response.statusCode ?? 0, body: await bounded(response) };
  } catch (error) {
    if (error instanceof PrometheusRefusal) throw error;
    const { code, message, name: kind } = error as NodeJS.ErrnoException;
    // An answer that is broken off in its middle by our own clock looks like one that the other side broke off.
    const late = signal.aborted || kind === 'AbortError' || kind === 'TimeoutError';
    const why = late ? `no answer in ${QUERY_TIMEOUT_MS / 1000} s` : (code ?? message);
    throw new PrometheusRefusal(late ? 'timedOut' : 'unreachable', `${name} at ${url}: ${why}`);
  }
}

function open(
  url: URL,
  { method, search, body, type }: Sent,
  how: { readonly credentials: Credentials; readonly tenant: string; readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const { credentials, tenant, signal } = how;
  const { token, ca, cert, key } = credentials;
  const headers: Record<string, string | number> = {
    ...{ accept: 'application/json', 'user-agent': 'wavegate-agent' },
    ...(token === null ? {} : { authorization: `Bearer ${token.trim()}` }),
    ...(tenant === '' ? {} : { 'x-scope-orgid': tenant }),
    ...(body === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
  };
  const options: RequestOptions & { ca?: string; cert?: string; key?: string } = {
    ...{ method, headers, signal },
    ...(ca === null ? {} : { ca }),
    ...(cert === null || key === null ? {} : { cert, key }),
  };
  if (search !== '') url.search = search;
  return new Promise((answered, refused) => {
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const sent = send(url, options, answered);
    sent.on('error', refused);
    sent.end(body ?? undefined);
  });
}

/** Read only as far as allowed: what is larger is not wanted, whoever sent it. */
async function bounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MOST_BYTES) {
      response.destroy();
      throw new PrometheusRefusal('tooLarge', `the answer is larger than ${MOST_BYTES >> 20} MiB`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
