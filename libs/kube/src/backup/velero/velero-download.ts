import { gunzipSync } from 'node:zlib';
import { isGone } from '../../kube-error.js';
import type { VeleroMeans } from './velero-means.js';
import { veleroPath } from './velero-objects.js';

const POLL_MS = 500;
/** For the server to sign the URL, and again for the store to answer. */
const PATIENCE_MS = 10_000;
const LIMIT_BYTES = 32 << 20;

export type DownloadKind = 'BackupResourceList' | 'BackupResults' | 'RestoreResults';

interface DownloadRequest {
  readonly status?: { readonly phase?: string; readonly downloadURL?: string };
}

/** A file of the store, or one sentence that says why it could not be read. */
export type Downloaded = { readonly json: unknown } | { readonly whyNot: string };

/**
 * Reads what Velero keeps beside a backup: its server signs a URL of the store, which we fetch. A store that is only
 * reached from inside the cluster gives `whyNot`: callers say so and do with less.
 */
export async function download(
  means: VeleroMeans,
  namespace: string,
  target: { readonly kind: DownloadKind; readonly name: string },
): Promise<Downloaded> {
  const name = `wavegate-${target.kind.toLowerCase()}-${means.clock.now().toString(36)}-${target.name}`.slice(0, 253);
  const path = veleroPath(namespace, 'downloadrequests', name);
  try {
    await means.api.create(veleroPath(namespace, 'downloadrequests'), {
      apiVersion: 'velero.io/v1',
      kind: 'DownloadRequest',
      metadata: { name },
      spec: { target },
    });
    const url = await signedUrl(means, path);
    return url ? await fetchJson(url) : { whyNot: 'Velero did not sign a URL of its store in time' };
  } catch (error) {
    return { whyNot: whyNot(error) };
  } finally {
    await means.api.remove(path).catch((error: unknown) => {
      if (!isGone(error)) return; // Velero removes it by itself, ten minutes later
    });
  }
}

async function signedUrl({ api, clock }: VeleroMeans, path: string): Promise<string | null> {
  const until = clock.now() + PATIENCE_MS;
  while (clock.now() < until) {
    const { status } = await api.get<DownloadRequest>(path);
    if (status?.phase === 'Processed' && status.downloadURL) return status.downloadURL;
    await clock.sleep(POLL_MS);
  }
  return null;
}

async function fetchJson(url: string): Promise<Downloaded> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) return { whyNot: `the object store answered ${answer.status}` };
  const bytes = Buffer.from(await answer.arrayBuffer());
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = packed ? gunzipSync(bytes, { maxOutputLength: LIMIT_BYTES }) : bytes;
  return { json: JSON.parse(text.toString('utf8')) as unknown };
}

function whyNot(error: unknown): string {
  const { cause, message } = error as { readonly cause?: { readonly code?: string }; readonly message?: string };
  return `the object store is not reached from here (${cause?.code ?? message ?? String(error)})`;
}

/** `kubernetes group/version/kind → namespace/name` of everything in a backup. */
export type ResourceList = Readonly<Record<string, readonly string[]>>;

/** What went wrong with single items, the first few of them, as Velero put it. */
export function firstErrors(results: unknown, count: number): string[] {
  const { errors } = (results ?? {}) as { readonly errors?: Readonly<Record<string, unknown>> };
  const groups = errors as
    | {
        readonly velero?: readonly string[];
        readonly cluster?: readonly string[];
        readonly namespaces?: Readonly<Record<string, readonly string[]>>;
      }
    | undefined;
  const perNamespace = Object.entries(groups?.namespaces ?? {}).flatMap(([namespace, texts]) =>
    texts.map((text) => `${namespace}: ${text}`),
  );
  return [...(groups?.velero ?? []), ...(groups?.cluster ?? []), ...perNamespace].slice(0, count);
}
