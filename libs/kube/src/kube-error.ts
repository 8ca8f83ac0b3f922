/** What an API server's refusal says, in one shape, whether the client threw an ApiException or a plain error. */
export interface KubeError {
  /** HTTP status; 0 when no server answered. */
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly { readonly reason: string; readonly message: string }[];
  /** From Retry-After; null where the server sent none. */
  readonly retryAfterMs: number | null;
}

export function toKubeError(error: unknown): KubeError {
  const thrown = (error ?? {}) as {
    code?: unknown;
    body?: unknown;
    headers?: Record<string, string>;
    message?: unknown;
  };
  const status = parseStatus(thrown.body);
  return {
    code: httpCode(thrown.code),
    reason: status.reason ?? '',
    message: status.message ?? String(thrown.message ?? error),
    causes: (status.details?.causes ?? []).map(({ reason = '', message = '' }) => ({ reason, message })),
    retryAfterMs: retryAfterOf(thrown.headers),
  };
}

/** An abort by timeout carries a number, too: 23, of the DOM. Nobody answered then. */
function httpCode(code: unknown): number {
  return typeof code === 'number' && code >= 100 ? code : 0;
}

/** Retry-After in seconds; servers send no dates here. */
function retryAfterOf(headers: Readonly<Record<string, string>> | undefined): number | null {
  const seconds = Number(headers?.['retry-after'] ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

interface StatusBody {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function parseStatus(body: unknown): StatusBody {
  if (typeof body === 'object' && body !== null) return body;
  if (typeof body !== 'string') return {};
  try {
    return JSON.parse(body) as StatusBody;
  } catch {
    return { message: body.slice(0, 300) };
  }
}

/**
 * No answer, or one that says "not now": a server that restarts, a proxy without a server behind it, flow control.
 * Nothing is wrong with what was asked, and asking again is right.
 */
export function isPassing(refusal: KubeError): boolean {
  return refusal.code === 0 || refusal.code === 429 || (refusal.code >= 500 && refusal.code !== 501);
}

export function isGone(error: unknown): boolean {
  return toKubeError(error).code === 404;
}

/** 409: another resourceVersion, another UID, or a name that exists. */
export function isConflict(error: unknown): boolean {
  return toKubeError(error).code === 409;
}
