import { toKubeError } from '../../kube-error.js';
import { fromGoDuration, spanText } from '../../go-duration.js';
import type { RawApi } from './raw-api.js';
import { VELERO_API, veleroPath, type StorageLocation } from './velero-objects.js';

/** Where `velero install` puts it, and the only place that the agent's own rights reach. */
const USUAL_NAMESPACE = 'velero';
/** The server's default; a location may name its own. */
const DEFAULT_VALIDATION_MS = 60_000;
/** A validation asks the store and may wait for it: this much later than three turns means that nobody validates. */
const SILENCE_SLACK_MS = 20_000;

/** Velero as it is found in a cluster. */
export interface VeleroSite {
  readonly namespace: string;
  readonly locations: readonly StorageLocation[];
}

/** `absent`: not installed, which is no fault. `broken`: installed and of no use as it stands. */
export type VeleroLook =
  | { readonly kind: 'found'; readonly site: VeleroSite }
  | { readonly kind: 'absent' | 'broken'; readonly detail: string };

/**
 * Finds Velero by its API and its BackupStorageLocations; no name of a namespace is taken for granted, unless the
 * caller's rights end at the usual one. Throws while the API server does not answer.
 */
export async function findVelero(api: RawApi, namespace?: string): Promise<VeleroLook> {
  try {
    await api.get(VELERO_API);
  } catch (error) {
    if (toKubeError(error).code !== 404) throw error;
    const detail = 'Velero is not installed in this cluster: its API velero.io/v1 is not there';
    return { kind: 'absent', detail };
  }
  const locations = await listLocations(api, namespace);
  const namespaces = [...new Set(locations.map(({ metadata }) => metadata.namespace ?? ''))].sort();
  const chosen = namespaces.length > 1 && namespaces.includes(USUAL_NAMESPACE) ? USUAL_NAMESPACE : namespaces[0];
  if (chosen === undefined) {
    const where = namespace ? ` in namespace ${namespace}` : '';
    const detail = `Velero has no BackupStorageLocation${where}: it would not know where to store a backup; create one`;
    return { kind: 'broken', detail };
  }
  if (namespaces.length > 1 && chosen !== USUAL_NAMESPACE) {
    const detail = `Velero is found in ${namespaces.join(' and ')}: say which one with --velero-namespace`;
    return { kind: 'broken', detail };
  }
  const site = { namespace: chosen, locations: locations.filter(({ metadata }) => metadata.namespace === chosen) };
  return { kind: 'found', site };
}

async function listLocations(api: RawApi, namespace: string | undefined): Promise<StorageLocation[]> {
  if (namespace) return api.list<StorageLocation>(veleroPath(namespace, 'backupstoragelocations'));
  try {
    return await api.list<StorageLocation>(`${VELERO_API}/backupstoragelocations`);
  } catch (error) {
    if (toKubeError(error).code !== 403) throw error;
    return api.list<StorageLocation>(veleroPath(USUAL_NAMESPACE, 'backupstoragelocations'));
  }
}

/** The named location, else the default one as Velero itself picks it; null where there is none such. */
export function pickLocation({ locations }: VeleroSite, name?: string): StorageLocation | null {
  const named = (wanted: string) => locations.find(({ metadata }) => metadata.name === wanted);
  if (name) return named(name) ?? null;
  return locations.find(({ spec }) => spec.default) ?? named('default') ?? null;
}

/** Reads one location again. */
export function readLocation(api: RawApi, { metadata }: StorageLocation): Promise<StorageLocation> {
  return api.get<StorageLocation>(veleroPath(metadata.namespace ?? '', 'backupstoragelocations', metadata.name));
}

export type LocationProblem = 'unavailable' | 'silent' | 'readOnly';

/**
 * Why this location cannot take a backup now (epoch ms), or null. Velero writes the time of each validation, which
 * makes it the heartbeat of the server: a location that says Available and is no longer looked at proves nothing.
 */
export function locationProblem(
  location: StorageLocation,
  now: number,
): { readonly problem: LocationProblem; readonly detail: string } | null {
  const { phase = '', message = '', lastValidationTime } = location.status ?? {};
  const name = `BackupStorageLocation ${location.metadata.namespace}/${location.metadata.name}`;
  const seen = lastValidationTime ? Date.parse(lastValidationTime) : NaN;
  if (isSilent(location, now)) {
    const how = Number.isNaN(seen) ? 'was never validated' : `was last validated ${spanText(now - seen)} ago`;
    const detail = `${name} ${how}: the Velero server does not run, or hangs on its store`;
    return { problem: 'silent', detail };
  }
  if (phase === 'Unavailable') {
    return { problem: 'unavailable', detail: `${name} is Unavailable: ${firstLine(message) || 'Velero says no more'}` };
  }
  if (location.spec.accessMode === 'ReadOnly') {
    return { problem: 'readOnly', detail: `${name} is ReadOnly: it can be restored from and takes no backup` };
  }
  return null;
}

/** How long a server that works may leave this location alone, in ms. Infinity: its owner has switched validation off. */
export function patienceOf({ spec }: StorageLocation): number {
  const everyMs = fromGoDuration(spec.validationFrequency ?? '') ?? DEFAULT_VALIDATION_MS;
  return everyMs === 0 ? Infinity : 3 * everyMs + SILENCE_SLACK_MS;
}

function isSilent(location: StorageLocation, now: number): boolean {
  const { metadata, status } = location;
  const heard = Date.parse(status?.lastValidationTime ?? metadata.creationTimestamp ?? '');
  return now - heard > patienceOf(location);
}

const HEAD = 70;
const TAIL = 150;

/** The first line, without what gRPC puts before it. Go writes the cause last, so the middle is what goes. */
export function firstLine(text: string): string {
  const line = (text.trim().split('\n')[0] ?? '').replaceAll(/rpc error: code = \w+ desc = /g, '');
  const own = line.replace(/^BackupStorageLocation "[^"]*" is unavailable: /, '');
  return own.length > HEAD + TAIL ? `${own.slice(0, HEAD)} … ${own.slice(-TAIL)}` : own;
}
