import { isSelectorProblem, parseSelector } from '@wavegate/fleet';
import { isConflict, toKubeError } from '../../kube-error.js';
import { toGoDuration } from '../../go-duration.js';
import { badEnd } from './velero-end.js';
import { followRun } from './velero-follow.js';
import { VeleroFailure, type VeleroMeans, type VeleroWatcher } from './velero-means.js';
import {
  LABELS,
  runState,
  veleroPath,
  type BackupSpec,
  type StorageLocation,
  type VeleroBackup,
} from './velero-objects.js';
import { toLabelSelector } from './velero-selector.js';
import { findVelero, locationProblem, pickLocation, type VeleroSite } from './velero-site.js';

/** Velero's own bound for the operations of its plugins; a backup that takes longer is lost anyway. */
export const BACKUP_TIMEOUT_MS = 4 * 3_600_000;

export interface VeleroBackupRequest {
  /** The backup is adopted by this name after a restart: derive it. At most 50 characters. */
  readonly name: string;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Kubernetes' label selector; '' = all. */
  readonly selector: string;
  /** 0: as long as Velero keeps backups by itself (30 days unless its server says otherwise). */
  readonly ttlMs: number;
  /** BackupStorageLocation; absent: the default one. */
  readonly location?: string;
  /** Absent: found. */
  readonly veleroNamespace?: string;
  /** Written on the object, so that it can be told who asked for it. */
  readonly orderId?: string;
  /** Absent: BACKUP_TIMEOUT_MS. */
  readonly timeoutMs?: number;
}

/** A backup that ended Completed, where it is kept. */
export interface TakenBackup {
  readonly site: VeleroSite;
  readonly location: StorageLocation;
  readonly backup: VeleroBackup;
}

/** Velero and a storage location that can take a backup now. Throws VeleroFailure with the one reason why not. */
export async function readyVelero(
  { api, clock }: VeleroMeans,
  wanted: Pick<VeleroBackupRequest, 'location' | 'veleroNamespace'>,
): Promise<{ readonly site: VeleroSite; readonly location: StorageLocation }> {
  const look = await findVelero(api, wanted.veleroNamespace);
  if (look.kind !== 'found') throw new VeleroFailure(look.detail);
  const location = pickLocation(look.site, wanted.location);
  if (!location) {
    const known = look.site.locations.map(({ metadata }) => metadata.name).join(', ');
    const what = wanted.location ? `no BackupStorageLocation ${wanted.location}` : 'no default BackupStorageLocation';
    throw new VeleroFailure(`Velero in ${look.site.namespace} has ${what}; it has ${known}`);
  }
  const problem = locationProblem(location, clock.now());
  if (problem) throw new VeleroFailure(problem.detail);
  return { site: look.site, location };
}

/**
 * Creates the Backup, or adopts the one of that name that asks for the same, and waits for its end. Only Completed with
 * at least one item counts. Throws VeleroFailure for everything that asking again would not mend.
 */
export async function takeBackup(
  means: VeleroMeans,
  request: VeleroBackupRequest,
  watcher: VeleroWatcher,
): Promise<TakenBackup> {
  const { site, location } = await readyVelero(means, request);
  const spec = backupSpec(request, location);
  await refuseUnknownNamespaces(means, request.namespaces);
  await createOrAdopt(means, { ...site, spec, request });
  const backup = await followRun<VeleroBackup>(means, {
    plural: 'backups',
    namespace: site.namespace,
    name: request.name,
    backup: request.name,
    location,
    timeoutMs: request.timeoutMs ?? BACKUP_TIMEOUT_MS,
    watcher,
  });
  await refuseBadBackup(means, site.namespace, backup);
  return { site, location, backup };
}

/** The object that a request asks for. Throws VeleroFailure on a selector that cannot be read. */
export function backupSpec(
  { namespaces, selector, ttlMs }: Pick<VeleroBackupRequest, 'namespaces' | 'selector' | 'ttlMs'>,
  location: StorageLocation,
): BackupSpec {
  const read = parseSelector(selector);
  if (isSelectorProblem(read)) throw new VeleroFailure(`label selector "${selector}": ${read.problem}`);
  const labelSelector = toLabelSelector(read);
  return {
    includedNamespaces: namespaces.length > 0 ? [...namespaces].sort() : ['*'],
    storageLocation: location.metadata.name,
    ...(labelSelector ? { labelSelector } : {}),
    ...(ttlMs > 0 ? { ttl: toGoDuration(ttlMs) } : {}),
  };
}

async function createOrAdopt(
  { api }: VeleroMeans,
  wanted: { readonly namespace: string; readonly spec: BackupSpec; readonly request: VeleroBackupRequest },
): Promise<void> {
  const { namespace, spec, request } = wanted;
  const labels = request.orderId ? { [LABELS.order]: request.orderId } : {};
  const body = { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: request.name, labels }, spec };
  try {
    await api.create(veleroPath(namespace, 'backups'), body);
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `Backup ${request.name}`);
    const there = await api.get<VeleroBackup>(veleroPath(namespace, 'backups', request.name));
    if (asksForTheSame(there.spec, spec)) return;
    throw new VeleroFailure(`a Backup ${request.name} is there already and takes something else: choose another name`);
  }
}

/** The server fills what was left out, so only what we set is compared. */
function asksForTheSame(there: BackupSpec, wanted: BackupSpec): boolean {
  const text = ({ includedNamespaces, labelSelector, storageLocation }: BackupSpec): string =>
    JSON.stringify([
      [...(includedNamespaces?.length ? includedNamespaces : ['*'])].sort(),
      labelSelector,
      storageLocation,
    ]);
  return text(there) === text(wanted) && (wanted.ttl === undefined || wanted.ttl === there.ttl);
}

/** Velero would write an empty backup and call it Completed. */
async function refuseUnknownNamespaces({ api }: VeleroMeans, namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    await api.get(`/api/v1/namespaces/${namespace}`).catch((error: unknown) => {
      const { code } = toKubeError(error);
      if (code === 404) throw new VeleroFailure(`there is no namespace ${namespace} to back up`);
      if (code !== 403) throw error; // without the right to look, the count of items tells later
    });
  }
}

/** Throws VeleroFailure unless the backup ended Completed and holds something. */
export async function refuseBadBackup(means: VeleroMeans, namespace: string, backup: VeleroBackup): Promise<void> {
  const { name } = backup.metadata;
  const bad = await badEnd(means, { plural: 'backups', namespace, name, object: backup });
  if (bad) throw new VeleroFailure(bad);
  // A namespace that is named is always in its backup, also when nothing of it was selected.
  const named = (backup.spec.includedNamespaces ?? []).filter((namespace) => namespace !== '*');
  if (runState(backup).totalItems > named.length) return;
  throw new VeleroFailure(`Backup ${name} is Completed and empty: no object matched its namespaces and selector`);
}

/** A refusal that asking again would not mend, as a sentence; anything else as it was. */
export function refusedBy(error: unknown, what: string): unknown {
  const { code, message } = toKubeError(error);
  return code >= 400 && code < 500 && code !== 429 && code !== 401
    ? new VeleroFailure(`the API server refused ${what}: ${code} ${message}`.slice(0, 400))
    : error;
}
