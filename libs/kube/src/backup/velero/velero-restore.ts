import { isConflict, isGone } from '../../kube-error.js';
import { download, type ResourceList } from './velero-download.js';
import { refusedBy } from './velero-backup.js';
import { badEnd } from './velero-end.js';
import { followRun } from './velero-follow.js';
import { VeleroFailure, type VeleroMeans, type VeleroWatcher } from './velero-means.js';
import { LABELS, runState, THERE_BEFORE, veleroPath, type VeleroBackup, type VeleroRestore } from './velero-objects.js';
import type { RawObject } from './raw-api.js';
import { findVelero, locationProblem, type VeleroSite } from './velero-site.js';

const RESTORE_TIMEOUT_MS = 4 * 3_600_000;

export interface VeleroRestoreRequest {
  /** The restore is adopted by this name after a restart: derive it. */
  readonly name: string;
  readonly backup: string;
  /** Only these namespaces are restored; into themselves where both are the same name. */
  readonly namespaceMapping: Readonly<Record<string, string>>;
  readonly veleroNamespace?: string;
  readonly orderId?: string;
  readonly timeoutMs?: number;
}

/** A backup that can be restored from now, as its store and Velero say. */
export interface RestoreSource {
  readonly site: VeleroSite;
  readonly backup: VeleroBackup;
}

/** Finds the backup and refuses what cannot come to a good end. Throws VeleroFailure with what would be right. */
export async function restoreSource(
  { api, clock }: VeleroMeans,
  request: Pick<VeleroRestoreRequest, 'backup' | 'veleroNamespace' | 'namespaceMapping'>,
): Promise<RestoreSource> {
  const look = await findVelero(api, request.veleroNamespace);
  if (look.kind !== 'found') throw new VeleroFailure(look.detail);
  const { site } = look;
  const backup = await readBackup({ api }, site.namespace, request.backup);
  const { phase } = runState(backup);
  // A partial backup may be the only one there is; what it lacks is said beforehand, and a person has named it.
  if (phase !== 'Completed' && phase !== 'PartiallyFailed') {
    throw new VeleroFailure(`Backup ${request.backup} is ${phase}: only an ended one can be restored from`);
  }
  const location = site.locations.find(({ metadata }) => metadata.name === backup.spec.storageLocation);
  const problem = location ? locationProblem(location, clock.now()) : null;
  if (problem && problem.problem !== 'readOnly') throw new VeleroFailure(problem.detail);
  refuseForeignNamespaces(backup, Object.keys(request.namespaceMapping));
  return { site, backup };
}

export async function readBackup(
  { api }: Pick<VeleroMeans, 'api'>,
  namespace: string,
  name: string,
): Promise<VeleroBackup> {
  try {
    return await api.get<VeleroBackup>(veleroPath(namespace, 'backups', name));
  } catch (error) {
    if (!isGone(error)) throw error;
    const known = await api.list<VeleroBackup>(veleroPath(namespace, 'backups'));
    const newest = known
      .sort((a, b) => runState(b).startTimestamp.localeCompare(runState(a).startTimestamp))
      .slice(0, 3)
      .map(({ metadata }) => metadata.name);
    const there = newest.length > 0 ? `the newest are ${newest.join(', ')}` : 'there is none at all';
    throw new VeleroFailure(`Velero knows no Backup ${name}: ${there}`);
  }
}

function refuseForeignNamespaces({ metadata, spec }: VeleroBackup, wanted: readonly string[]): void {
  if (wanted.length === 0) {
    throw new VeleroFailure('say which namespace to restore, and into which: for example shop:shop-restored');
  }
  const { includedNamespaces = [] } = spec;
  if (includedNamespaces.length === 0 || includedNamespaces.includes('*')) return;
  const foreign = wanted.filter((one) => !includedNamespaces.includes(one));
  if (foreign.length === 0) return;
  const has = includedNamespaces.join(', ');
  throw new VeleroFailure(`Backup ${metadata.name} does not hold namespace ${foreign.join(', ')}; it holds ${has}`);
}

/** Restores and waits for the end. Only Completed with at least one item counts; throws VeleroFailure otherwise. */
export async function restoreBackup(
  means: VeleroMeans,
  request: VeleroRestoreRequest,
  watcher: VeleroWatcher,
): Promise<VeleroRestore> {
  const { site, backup } = await restoreSource(means, request);
  const { namespace } = site;
  const { name } = request;
  await createOrAdopt(means, namespace, request);
  const location = site.locations.find(({ metadata }) => metadata.name === backup.spec.storageLocation) ?? null;
  const timeoutMs = request.timeoutMs ?? RESTORE_TIMEOUT_MS;
  const restore = await followRun<VeleroRestore>(means, {
    ...{ plural: 'restores', namespace, name, backup: request.backup, location, timeoutMs, watcher },
  });
  const bad = await badEnd(means, { plural: 'restores', namespace, name, object: restore });
  if (bad) throw new VeleroFailure(bad);
  if (runState(restore).doneItems > 0) return restore;
  throw new VeleroFailure(`Restore ${name} is Completed and restored nothing: the backup holds none of its namespaces`);
}

async function createOrAdopt(means: VeleroMeans, namespace: string, request: VeleroRestoreRequest): Promise<void> {
  const mapping = Object.entries(request.namespaceMapping);
  const spec = {
    backupName: request.backup,
    includedNamespaces: mapping.map(([from]) => from).sort(),
    namespaceMapping: Object.fromEntries(mapping.filter(([from, into]) => from !== into)),
  };
  const labels = request.orderId ? { [LABELS.order]: request.orderId } : {};
  const { api } = means;
  const before = await existingOf(
    means,
    mapping.map(([, into]) => into),
  );
  const metadata = { name: request.name, labels, annotations: { [THERE_BEFORE]: before.join(',') } };
  try {
    const body = { apiVersion: 'velero.io/v1', kind: 'Restore', metadata, spec };
    await api.create(veleroPath(namespace, 'restores'), body);
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `Restore ${request.name}`);
    const there = await api.get<VeleroRestore>(veleroPath(namespace, 'restores', request.name));
    const text = ({ backupName, namespaceMapping = {} }: VeleroRestore['spec']): string =>
      JSON.stringify([backupName, Object.entries(namespaceMapping).sort()]);
    if (text(there.spec) === text(spec)) return;
    throw new VeleroFailure(`a Restore ${request.name} is there already and restores something else`);
  }
}

export interface PreviewRow {
  readonly from: string;
  readonly into: string;
  /** "apps/v1/Deployment" */
  readonly kind: string;
  readonly objects: number;
}

/** What a restore would do. */
export interface RestorePreview {
  readonly backup: string;
  readonly phase: string;
  readonly takenAt: string;
  /** `resourceList`: from the list that Velero keeps beside the backup; `status`: only its count of items is known. */
  readonly source: 'resourceList' | 'status';
  /** Why the list could not be read; '' with the list. */
  readonly whyNot: string;
  readonly totalItems: number;
  readonly rows: readonly PreviewRow[];
  /** Target namespaces that exist: Velero leaves every object that it finds there as it is. */
  readonly existing: readonly string[];
}

/** Changes nothing. Throws VeleroFailure where the restore itself would be refused. */
export async function previewRestore(
  means: VeleroMeans,
  request: Pick<VeleroRestoreRequest, 'backup' | 'veleroNamespace' | 'namespaceMapping'>,
): Promise<RestorePreview> {
  const { site, backup } = await restoreSource(means, request);
  const list = await download(means, site.namespace, { kind: 'BackupResourceList', name: request.backup });
  const { phase, startTimestamp, totalItems } = runState(backup);
  const { namespaceMapping } = request;
  const existing = await existingOf(means, Object.values(namespaceMapping));
  const about = { backup: request.backup, phase, takenAt: startTimestamp, totalItems, existing };
  if ('whyNot' in list) return { ...about, source: 'status', whyNot: list.whyNot, rows: [] };
  const rows = previewRows(list.json as ResourceList, namespaceMapping);
  return { ...about, source: 'resourceList', whyNot: '', rows };
}

/** Sorted by namespace, then kind. */
export function previewRows(list: ResourceList, mapping: Readonly<Record<string, string>>): PreviewRow[] {
  const rows = Object.entries(list).flatMap(([kind, names]) =>
    Object.entries(mapping).map(([from, into]) => ({
      ...{ from, into, kind },
      objects: names.filter((name) => name.startsWith(`${from}/`)).length,
    })),
  );
  const key = ({ from, kind }: PreviewRow): string => `${from} ${kind}`;
  return rows.filter(({ objects }) => objects > 0).sort((a, b) => key(a).localeCompare(key(b)));
}

/** Listed, since the agent may list namespaces, and get only few of them. */
async function existingOf({ api }: Pick<VeleroMeans, 'api'>, namespaces: readonly string[]): Promise<string[]> {
  const there = new Set((await api.list<RawObject>('/api/v1/namespaces')).map(({ metadata }) => metadata.name));
  return [...new Set(namespaces)].filter((name) => there.has(name)).sort();
}
