import type { Finding } from '@wavegate/fleet';
import { spanText } from '../../go-duration.js';
import type { VeleroMeans } from './velero-means.js';
import { runState, type VeleroBackup } from './velero-objects.js';
import { listBackups, listSchedules, startedAt, type ScheduleState } from './velero-schedule.js';
import { findVelero, locationProblem, type VeleroLook } from './velero-site.js';

export interface VeleroTerms {
  /** The newest Completed backup may be as old as this, in ms; null: any age. */
  readonly maxAgeMs: number | null;
  /** False: a cluster without Velero is no finding. */
  readonly wanted: boolean;
}

/** What a person should know about Velero before they rely on it: pure once it was looked at. */
export interface VeleroSeen {
  readonly look: VeleroLook;
  readonly schedules: readonly ScheduleState[];
  /** Newest first. */
  readonly backups: readonly VeleroBackup[];
}

/** For the preflight: looks, and judges. Throws while the API server does not answer. */
export async function veleroFindings(means: VeleroMeans, terms: VeleroTerms): Promise<Finding[]> {
  return judgeVelero(await seeVelero(means), terms, means.clock.now());
}

export async function seeVelero(means: VeleroMeans, namespace?: string): Promise<VeleroSeen> {
  const look = await findVelero(means.api, namespace);
  if (look.kind !== 'found') return { look, schedules: [], backups: [] };
  const schedules = await listSchedules(means, look.site.namespace);
  return { look, schedules, backups: await listBackups(means, look.site.namespace) };
}

export function judgeVelero({ look, schedules, backups }: VeleroSeen, terms: VeleroTerms, now: number): Finding[] {
  if (look.kind !== 'found') return look.kind === 'absent' && !terms.wanted ? [] : [missing(look.detail)];
  const locations = look.site.locations.flatMap((location) => {
    const found = locationProblem(location, now);
    if (!found || found.problem === 'readOnly') return [];
    const object = `${location.metadata.namespace}/${location.metadata.name}`;
    const remedy =
      found.problem === 'silent'
        ? `look at the Velero server: kubectl -n ${look.site.namespace} get pods, and its log`
        : 'mend the object store or its credentials; until then every backup fails';
    return [finding('velero_storage_unavailable', object, { severity: 'block', message: found.detail, remedy })];
  });
  return [...locations, ...ageFindings(backups, terms, now), ...schedules.flatMap(scheduleFindings)];
}

function missing(detail: string): Finding {
  const remedy = 'install Velero with a BackupStorageLocation, or leave backup.velero out of the plan';
  return finding('velero_missing', 'velero', { severity: 'block', message: detail, remedy });
}

function failedFindings(backups: readonly VeleroBackup[]): Finding[] {
  const last = backups.find((one) => runState(one).completionTimestamp !== '');
  if (!last) return [];
  const { phase, errors } = runState(last);
  if (phase === 'Completed') return [];
  const { name } = last.metadata;
  const message = `the newest backup, ${name}, ended ${phase} with ${errors} errors`;
  const remedy = `velero backup describe ${name} --details names what is missing`;
  return [finding('velero_backup_failed', name, { severity: 'warn', message, remedy })];
}

function ageFindings(backups: readonly VeleroBackup[], { maxAgeMs }: VeleroTerms, now: number): Finding[] {
  const good = backups.find((one) => runState(one).phase === 'Completed');
  const failed = failedFindings(backups);
  const ageMs = good ? now - startedAt(good) : Infinity;
  if (maxAgeMs === null || ageMs <= maxAgeMs) return failed;
  const message = good
    ? `the newest good backup, ${good.metadata.name}, is ${spanText(ageMs)} old; the plan allows ${spanText(maxAgeMs)}`
    : 'Velero has no Completed backup at all';
  const remedy = 'wavegate-agent backup velero takes one now; a Schedule keeps it fresh';
  return [
    ...failed,
    finding('velero_backup_old', good?.metadata.name ?? 'velero', { severity: 'warn', message, remedy }),
  ];
}

function scheduleFindings({ name, paused, problem }: ScheduleState): Finding[] {
  if (problem) {
    const message = `Schedule ${name} never runs: ${problem}`;
    return [finding('velero_schedule_invalid', name, { severity: 'warn', message, remedy: 'correct its spec' })];
  }
  if (!paused) return [];
  const message = `Schedule ${name} is paused: it takes no backups`;
  return [
    finding('velero_schedule_paused', name, { severity: 'warn', message, remedy: `velero schedule unpause ${name}` }),
  ];
}

function finding(code: string, object: string, rest: Pick<Finding, 'severity' | 'message' | 'remedy'>): Finding {
  return { code, object, owner: '', ...rest };
}
