import { BackupFailed } from '../backup-failed.js';
import { ApiRefusal, type ApiStream } from './api-stream.js';
import { leftOutFor, type ApiObject } from './derived-object.js';
import { parseExactly } from './exact-json.js';
import { jsonItems, type ListFrame } from './json-items.js';
import { listPath, nameOf, type ApiKind } from './kinds.js';
import { pruneObject } from './prune-object.js';

/**
 * An API server cuts an answer off after a minute, and 500 objects may be half a gigabyte: the first page of a kind shows
 * how large its objects are, and the next ones are as many as make up some megabytes.
 */
const PAGE = { first: 25, least: 5, most: 500, bytes: 4 << 20 } as const;

export interface ExportFilter {
  /** Empty: all, and what belongs to none. */
  readonly namespaces: readonly string[];
  readonly selector: string;
}

/** One object, ready to be written; or why it is none. */
export type Exported =
  | { readonly kind: ApiKind; readonly object: ApiObject; readonly leftOut: null }
  | { readonly kind: ApiKind; readonly object: null; readonly leftOut: string };

/** All objects of a kind, page after page, one at a time in memory. */
export async function* exportObjects(api: ApiStream, kind: ApiKind, filter: ExportFilter): AsyncGenerator<Exported> {
  for (const path of pathsOf(kind, filter)) {
    for await (const text of pages(api, { kind, path, selector: filter.selector })) {
      const object = parseExactly(text) as ApiObject;
      const leftOut = leftOutFor(kind, object);
      if (leftOut !== null) yield { kind, object: null, leftOut };
      else yield { kind, object: pruneObject(kind, object), leftOut: null };
    }
  }
}

function pathsOf(kind: ApiKind, { namespaces }: ExportFilter): readonly string[] {
  if (namespaces.length === 0) return [listPath(kind, null)];
  if (kind.namespaced) return namespaces.map((namespace) => listPath(kind, namespace));
  if (kind.group !== '' || kind.resource !== 'namespaces') return [];
  const one = (name: string): string => `${listPath(kind, null)}?fieldSelector=metadata.name%3D${name}`;
  return namespaces.map(one);
}

interface Listing {
  readonly kind: ApiKind;
  readonly path: string;
  readonly selector: string;
}

async function* pages(api: ApiStream, { kind, path, selector }: Listing): AsyncGenerator<string> {
  const labels = selector && kind.resource !== 'namespaces' ? `&labelSelector=${encodeURIComponent(selector)}` : '';
  const base = `${path}${path.includes('?') ? '&' : '?'}`;
  let limit: number = PAGE.first;
  for (let token = ''; ;) {
    const rest = `${labels}${token && `&continue=${encodeURIComponent(token)}`}`;
    const answer = await page(api, kind, `${base}limit=${limit}${rest}`);
    if ('token' in answer) {
      token = answer.token;
      continue;
    }
    const seen = { objects: 0, bytes: 0 };
    const frame = yield* weighed(jsonItems(answer.body), seen);
    const { metadata } = JSON.parse(frame.text) as { metadata?: { continue?: string } };
    token = metadata?.continue ?? '';
    if (token === '') return;
    const fits = Math.floor(PAGE.bytes / (seen.bytes / Math.max(1, seen.objects) + 1));
    limit = Math.min(PAGE.most, Math.max(PAGE.least, fits));
  }
}

async function* weighed(
  items: AsyncGenerator<string, ListFrame>,
  seen: { objects: number; bytes: number },
): AsyncGenerator<string, ListFrame> {
  for (let step = await items.next(); ; step = await items.next()) {
    if (step.done) return step.value;
    seen.objects += 1;
    seen.bytes += step.value.length;
    yield step.value;
  }
}

/** A page; or, where the list grew older than etcd remembers, a token to go on with the objects as they are now. */
async function page(
  api: ApiStream,
  kind: ApiKind,
  path: string,
): Promise<{ readonly body: AsyncIterable<Uint8Array> } | { readonly token: string }> {
  try {
    return { body: (await api.get(path)) as AsyncIterable<Uint8Array> };
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    const token = error.code === 410 ? freshToken(error.body) : '';
    if (token) return { token };
    throw listFailure(kind, error);
  }
}

function freshToken(body: string): string {
  try {
    return (JSON.parse(body) as { metadata?: { continue?: string } }).metadata?.continue ?? '';
  } catch {
    return '';
  }
}

function listFailure(kind: ApiKind, error: ApiRefusal): unknown {
  const name = nameOf(kind);
  const skip = `leave it out by --skip ${name}`;
  if (error.code === 403) {
    const cure = `grant "list" on it (deploy/agent/rbac-export.yaml shows how), or ${skip}`;
    return new BackupFailed('incomplete', `these credentials may not list ${name}: ${cure}`, { cause: error });
  }
  if (error.code === 401) return error;
  if (error.code === 400) {
    return new BackupFailed('invalid', `the API server does not take the selector (${error.message})`, {
      cause: error,
    });
  }
  return new BackupFailed('incomplete', `${name} cannot be listed (${error.message}): mend it, or ${skip}`, {
    cause: error,
  });
}
