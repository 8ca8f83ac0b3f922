import type { Receipt } from '@wavegate/fleet';
import { countOf } from './velero-end.js';
import { spanText } from '../../go-duration.js';
import { faultsOf, type VeleroProof } from './velero-proof.js';
import type { ProofDifference } from './proof-compare.js';
import type { RawObject } from './raw-api.js';
import { runState, THERE_BEFORE, veleroPath, type VeleroBackup, type VeleroRestore } from './velero-objects.js';
import type { TakenBackup } from './velero-backup.js';
import type { VeleroMeans } from './velero-means.js';
import type { VeleroRestoreRequest } from './velero-restore.js';

/** A receipt is small: so many of the harmless differences are named in it. */
const SHOWN = 3;

/** What a Completed backup proves, and what its restore proved. `verified` is `restore` only after a proof. */
export function veleroReceipt({ backup, location }: TakenBackup, proof: VeleroProof | null): Receipt {
  const { totalItems: items, startTimestamp, warnings, expiration } = runState(backup);
  return {
    backup: 'velero',
    node: '',
    path: backup.metadata.name,
    sha256: '',
    revision: 0,
    totalKeys: items,
    sizeBytes: 0,
    takenAt: Date.parse(startTimestamp),
    verified: proof ? 'restore' : 'status',
    checks: [
      `BackupStorageLocation ${location.metadata.namespace}/${location.metadata.name} is Available`,
      `Backup ${backup.metadata.name} is Completed: ${countOf(items, 'item')}, ${countOf(warnings, 'warning')}` +
        (expiration ? `, kept until ${expiration}` : ''),
      ...(proof ? proofChecks(proof) : ['not restored for proof: no canary namespace was named']),
    ],
  };
}

/**
 * What a restore into the cluster itself proves: that it works, where everything of it came back and nothing was there
 * before that could be mistaken for it. It is not compared object by object, and the receipt says so.
 */
export async function restoreReceipt(
  { api, clock }: VeleroMeans,
  { backup: name, namespaceMapping }: Pick<VeleroRestoreRequest, 'backup' | 'namespaceMapping'>,
  restore: VeleroRestore,
): Promise<Receipt> {
  const { doneItems, totalItems, warnings } = runState(restore);
  const old = await olderThan({ api }, restore, Object.values(namespaceMapping));
  const backup = await api.get<VeleroBackup>(veleroPath(restore.metadata.namespace ?? '', 'backups', name));
  const isWhole = old.length === 0 && doneItems === totalItems;
  const where = Object.entries(namespaceMapping).map(([from, into]) => `${from} into ${into}`);
  const ended = `Restore ${restore.metadata.name} is Completed: ${where.join(', ')}`;
  return {
    ...{ backup: 'velero', node: '', path: name, sha256: '', revision: 0, totalKeys: doneItems, sizeBytes: 0 },
    ...{ takenAt: Date.parse(runState(backup).startTimestamp), provenAt: clock.now() },
    verified: isWhole ? 'restore' : 'status',
    checks: [
      `${ended}, ${doneItems} of ${countOf(totalItems, 'item')}, ${countOf(warnings, 'warning')}`,
      'not compared object by object, and volumes were not looked into',
      ...(old.length > 0
        ? [`no proof: ${old.join(', ')} was there before, and what Velero finds it leaves as it is`]
        : []),
      ...(doneItems === totalItems ? [] : ['no proof: not every item came back']),
    ],
  };
}

/**
 * Namespaces that the restore did not make itself, as was noted on it. On one that somebody else made, by the stamps of
 * the API server.
 */
async function olderThan(
  { api }: Pick<VeleroMeans, 'api'>,
  { metadata: { creationTimestamp: begun = '', annotations = {} } }: VeleroRestore,
  namespaces: readonly string[],
): Promise<readonly string[]> {
  const noted = annotations[THERE_BEFORE];
  if (noted !== undefined) return noted.split(',').filter(Boolean);
  const there = await api.list<RawObject>('/api/v1/namespaces');
  return there
    .filter(({ metadata: { name, creationTimestamp: made = '' } }) => {
      return namespaces.includes(name) && !(Date.parse(made) >= Date.parse(begun));
    })
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** What the proof says, a sentence each. */
export function proofChecks(proof: VeleroProof): string[] {
  const harmless = proof.differences.filter(({ explained }) => explained);
  const more = harmless.length > SHOWN ? `; and ${harmless.length - SHOWN} more` : '';
  return [
    `namespace ${proof.canary} was restored into ${proof.scratch} in ${spanText(proof.restoreMs)}: ` +
      `${proof.compared} objects of ${proof.kinds.length} kinds compared, ${faultsOf(proof).length} differ`,
    ...(harmless.length > 0
      ? [`no fault of the backup: ${harmless.slice(0, SHOWN).map(differenceText).join('; ')}${more}`]
      : []),
    ...proof.unproven.map((what) => `not proven: ${what}`),
    ...proof.left.map((what) => `could not be removed: ${what}`),
  ];
}

/** "deployments.apps/web: spec.replicas differs (changed since the backup)" */
export function differenceText({ object, field, what, explained }: ProofDifference): string {
  const said = what === 'differs' ? `${object}: ${field} differs` : `${object} is ${what}`;
  return explained ? `${said} (${explained})` : said;
}
