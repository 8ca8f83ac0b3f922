import type { TakenBackup } from './velero-backup.js';
import { VeleroFailure, type VeleroMeans } from './velero-means.js';
import { runState, veleroPath, type VeleroBackup } from './velero-objects.js';
import { findVelero, pickLocation } from './velero-site.js';

/** The newest Completed backup that holds the canary, whoever made it: a Schedule's as well. Throws VeleroFailure. */
export async function newestTaken(
  { api }: Pick<VeleroMeans, 'api'>,
  { canary, veleroNamespace }: { readonly canary: string; readonly veleroNamespace?: string },
): Promise<TakenBackup> {
  const look = await findVelero(api, veleroNamespace);
  if (look.kind !== 'found') throw new VeleroFailure(look.detail);
  const { site } = look;
  const known = await api.list<VeleroBackup>(veleroPath(site.namespace, 'backups'));
  const backup = known
    .filter((one) => runState(one).phase === 'Completed' && holds(one, canary))
    .sort((a, b) => runState(b).startTimestamp.localeCompare(runState(a).startTimestamp))[0];
  if (!backup) {
    const there = `${known.length} backups are there`;
    throw new VeleroFailure(`no Completed Backup holds namespace ${canary} (${there}): take one first`);
  }
  const location = pickLocation(site, backup.spec.storageLocation);
  if (location) return { site, backup, location };
  const { name } = backup.metadata;
  throw new VeleroFailure(`BackupStorageLocation ${backup.spec.storageLocation} of Backup ${name} is gone`);
}

function holds({ spec }: VeleroBackup, namespace: string): boolean {
  const { includedNamespaces = [], excludedNamespaces = [] } = spec;
  if (excludedNamespaces.includes(namespace)) return false;
  return includedNamespaces.length === 0 || includedNamespaces.includes('*') || includedNamespaces.includes(namespace);
}
