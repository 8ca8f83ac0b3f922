import { reason, type Finding } from '@wavegate/fleet';
import type { AgentClock, StepResult } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../../kube-access.js';
import { unlessFresh } from '../../fresh-server.js';
import { isPassing, toKubeError } from '../../kube-error.js';
import { RawApi, RawRefusal } from './raw-api.js';
import { takeBackup, type TakenBackup, type VeleroBackupRequest } from './velero-backup.js';
import { countOf } from './velero-end.js';
import { VeleroFailure, type VeleroMeans, type VeleroWatcher } from './velero-means.js';
import { faultsOf, proveBackup } from './velero-proof.js';
import { differenceText, restoreReceipt, veleroReceipt } from './velero-receipt.js';
import { runState } from './velero-objects.js';
import { newestTaken } from './newest-taken.js';
import { findVelero } from './velero-site.js';
import { previewRestore, restoreBackup, type RestorePreview, type VeleroRestoreRequest } from './velero-restore.js';

/** A reason is for screens: this much of it. */
const DETAIL_LIMIT = 300;
const NAMED_FAULTS = 3;

export interface BackupStepRequest extends VeleroBackupRequest {
  /** A namespace to restore for proof; '' or absent: none, and the receipt says so. */
  readonly canary?: string;
  /**
   * 1 for the first try. Later ones are named after it: a Backup or proof that ended badly must not be adopted as the
   * answer to the next try.
   */
  readonly attempt: number;
}

export function veleroMeans(kube: KubeAccess, clock: AgentClock): VeleroMeans {
  return { api: new RawApi(kube.config), clock };
}

/**
 * Order step `backupVelero`: a Completed backup with its receipt, or one reason. Throws StepInterrupted when the agent
 * stops, and whatever an API server that is away throws: the step is asked again and adopts what it began.
 */
export async function backupVelero(
  means: VeleroMeans,
  request: BackupStepRequest,
  watcher: VeleroWatcher,
): Promise<StepResult> {
  try {
    await allowedToLook(means, request);
    const taken = await takeBackup(means, { ...request, name: triedName(request) }, watcher);
    return await proven(means, { taken, request }, watcher);
  } catch (error) {
    return { kind: 'failed', reason: reason('backup_failed', { detail: detailOf(error) }) };
  }
}

function triedName({ name, attempt = 1 }: { readonly name: string; readonly attempt?: number }): string {
  return attempt > 1 ? `${name}-${attempt}` : name;
}

/** An API server that has just started refuses everybody for a moment: only then is a missing right believed. */
async function allowedToLook(
  { api, clock }: VeleroMeans,
  { veleroNamespace }: { readonly veleroNamespace?: string },
): Promise<void> {
  await unlessFresh(clock, () => findVelero(api, veleroNamespace));
}

/** What ends the step, in words; throws again what asking again may mend. */
function detailOf(error: unknown): string {
  if (error instanceof VeleroFailure) return error.message.slice(0, DETAIL_LIMIT);
  const refusal = toKubeError(error);
  if (!(error instanceof RawRefusal) || isPassing(refusal)) throw error;
  return `the API server refused ${error.message}: ${refusal.message}`.slice(0, DETAIL_LIMIT);
}

async function proven(
  means: VeleroMeans,
  { taken, request }: { readonly taken: TakenBackup; readonly request: BackupStepRequest },
  watcher: VeleroWatcher,
): Promise<StepResult> {
  const { canary } = request;
  if (!canary) return { kind: 'succeeded', receipt: veleroReceipt(taken, null) };
  const proof = await proveBackup(
    means,
    {
      canary,
      backup: taken.backup,
      veleroNamespace: taken.site.namespace,
      location: taken.location,
      seed: `${request.orderId ?? ''}/${request.attempt}`,
    },
    watcher,
  );
  const faults = faultsOf(proof);
  if (faults.length === 0) return { kind: 'succeeded', receipt: veleroReceipt(taken, proof) };
  throw new VeleroFailure(faultText(canary, faults.map(differenceText)));
}

/** The restore drill: the newest Completed backup that holds the canary is proven again, as it lies in its store. */
export async function proveLatest(
  means: VeleroMeans,
  request: BackupStepRequest,
  watcher: VeleroWatcher,
): Promise<StepResult> {
  try {
    await allowedToLook(means, request);
    if (!request.canary) {
      throw new VeleroFailure('a drill restores one namespace: name it in the plan (backup.velero.canary)');
    }
    const taken = await newestTaken(means, { ...request, canary: request.canary });
    const result = await proven(means, { taken, request }, watcher);
    if (result.kind === 'failed' || !result.receipt) return result;
    return { ...result, receipt: { ...result.receipt, provenAt: means.clock.now() } };
  } catch (error) {
    return { kind: 'failed', reason: reason('backup_failed', { detail: detailOf(error) }) };
  }
}

/** "the restore of namespace shop is not what was backed up: …" */
export function faultText(canary: string, faults: readonly string[]): string {
  const more = faults.length > NAMED_FAULTS ? `; and ${faults.length - NAMED_FAULTS} more` : '';
  const named = faults.slice(0, NAMED_FAULTS).join('; ');
  return `the restore of namespace ${canary} is not what is there: ${named}${more}`;
}

export interface RestoreStepRequest extends VeleroRestoreRequest {
  readonly preview: boolean;
  /** As for a backup; absent: 1. */
  readonly attempt?: number;
}

/** Order step `restoreVelero`. A preview changes nothing and tells by findings what would come. */
export async function restoreVelero(
  means: VeleroMeans,
  request: RestoreStepRequest,
  watcher: VeleroWatcher,
): Promise<StepResult> {
  try {
    await allowedToLook(means, request);
    if (request.preview) {
      return { kind: 'succeeded', findings: previewFindings(await previewRestore(means, request)) };
    }
    const restore = await restoreBackup(means, { ...request, name: triedName(request) }, watcher);
    const { doneItems, warnings } = runState(restore);
    const receipt = await restoreReceipt(means, request, restore);
    const finding: Finding = {
      code: 'velero_restored',
      severity: warnings > 0 ? 'warn' : 'info',
      object: request.name,
      message: `Restore ${request.name} is Completed: ${countOf(doneItems, 'item')}, ${countOf(warnings, 'warning')}`,
      remedy: warnings > 0 ? `velero restore describe ${request.name} --details names what was left as it was` : '',
      owner: '',
    };
    return { kind: 'succeeded', findings: [finding], receipt };
  } catch (error) {
    return { kind: 'failed', reason: reason('restore_failed', { detail: detailOf(error) }) };
  }
}

/** One finding per namespace and kind, and one for everything that a person should know before. */
export function previewFindings(preview: RestorePreview): Finding[] {
  const about = { severity: 'info', owner: '' } as const;
  const rows = preview.rows.map(({ from, into, kind, objects }) => ({
    ...about,
    code: 'velero_would_restore',
    object: `${from}:${into}`,
    message: `${objects} ${kind} of ${from} would be restored into ${into}`,
    remedy: '',
  }));
  const counted = `only the count is known: ${preview.totalItems} items in the whole backup (${preview.whyNot})`;
  const existing = preview.existing.map((namespace) => ({
    ...about,
    severity: 'warn' as const,
    code: 'velero_target_exists',
    object: namespace,
    message: `namespace ${namespace} exists: Velero leaves every object that it finds there as it is`,
    remedy: 'restore into a new namespace, or remove first what is to be replaced',
  }));
  const partial: Finding = {
    ...about,
    severity: 'warn',
    code: 'velero_backup_partial',
    object: preview.backup,
    message: `Backup ${preview.backup} ended PartiallyFailed: some of its items are missing`,
    remedy: `velero backup describe ${preview.backup} --details names them; restore an older Completed one if it can serve`,
  };
  return [
    ...(preview.phase === 'PartiallyFailed' ? [partial] : []),
    ...existing,
    ...rows,
    ...(preview.source === 'status'
      ? [{ ...about, code: 'velero_would_restore', object: preview.backup, message: counted, remedy: '' }]
      : []),
  ];
}
