import { isConflict } from '../../kube-error.js';
import { nextRun, readCron } from './cron-next.js';
import { backupSpec, readyVelero, refusedBy, type VeleroBackupRequest } from './velero-backup.js';
import { VeleroFailure, type VeleroMeans } from './velero-means.js';
import { LABELS, runState, veleroPath, type VeleroBackup, type VeleroSchedule } from './velero-objects.js';

/** One Schedule and what became of it. Times are epoch ms; null: never, or not known. */
export interface ScheduleState {
  readonly name: string;
  readonly cron: string;
  readonly namespaces: readonly string[];
  readonly paused: boolean;
  /** Velero's own refusal of it; '' while it is Enabled. */
  readonly problem: string;
  readonly lastStartedAt: number | null;
  /** The newest backup of it that is Completed. */
  readonly lastGood: { readonly name: string; readonly at: number } | null;
  /** Ends of the newest backup, whatever they are; '' without one. */
  readonly lastPhase: string;
  readonly nextAt: number | null;
}

export async function listSchedules({ api, clock }: VeleroMeans, namespace: string): Promise<ScheduleState[]> {
  const [schedules, backups] = [
    await api.list<VeleroSchedule>(veleroPath(namespace, 'schedules')),
    await listBackups({ api }, namespace),
  ];
  return schedules
    .map((schedule) => stateOf(schedule, backups, clock.now()))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Newest first; those that nobody has begun come before all others. */
export async function listBackups({ api }: Pick<VeleroMeans, 'api'>, namespace: string): Promise<VeleroBackup[]> {
  const backups = await api.list<VeleroBackup>(veleroPath(namespace, 'backups'));
  return backups.sort((a, b) => startedAt(b) - startedAt(a));
}

/** Epoch ms; the end of time for a backup that waits. */
export function startedAt({ status }: VeleroBackup): number {
  return status?.startTimestamp ? Date.parse(status.startTimestamp) : Infinity;
}

/** `backups`: newest first. */
export function stateOf(schedule: VeleroSchedule, backups: readonly VeleroBackup[], now: number): ScheduleState {
  const { name } = schedule.metadata;
  const { schedule: cron, template, paused = false } = schedule.spec;
  const { phase, lastBackup, validationErrors = [] } = { ...schedule.status };
  const own = backups.filter((one) => one.metadata.labels?.[LABELS.schedule] === name);
  const refused = phase === 'FailedValidation';
  return {
    ...{ name, cron, paused },
    namespaces: template.includedNamespaces ?? [],
    problem: refused ? validationErrors.join('; ') || phase : '',
    lastStartedAt: lastBackup ? Date.parse(lastBackup) : null,
    lastGood: newestGood(own),
    lastPhase: own[0] ? runState(own[0]).phase : '',
    nextAt: paused || refused ? null : nextRun(cron, now),
  };
}

function newestGood(backups: readonly VeleroBackup[]): ScheduleState['lastGood'] {
  const good = backups.find((one) => runState(one).phase === 'Completed');
  return good ? { name: good.metadata.name, at: startedAt(good) } : null;
}

export interface ScheduleRequest extends Pick<
  VeleroBackupRequest,
  'name' | 'namespaces' | 'selector' | 'ttlMs' | 'location' | 'veleroNamespace'
> {
  readonly cron: string;
}

/** Creates a Schedule. Throws VeleroFailure on a cron that cannot be read, and where the name is taken by another one. */
export async function createSchedule(means: VeleroMeans, request: ScheduleRequest): Promise<ScheduleState> {
  const read = readCron(request.cron);
  if ('problem' in read) throw new VeleroFailure(read.problem);
  const { site, location } = await readyVelero(means, request);
  const template = backupSpec(request, location);
  const spec = { schedule: request.cron, template };
  const path = veleroPath(site.namespace, 'schedules');
  const metadata = { name: request.name };
  try {
    const made = await means.api.create<VeleroSchedule>(path, {
      apiVersion: 'velero.io/v1',
      kind: 'Schedule',
      metadata,
      spec,
    });
    return stateOf(made, [], means.clock.now());
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `Schedule ${request.name}`);
    throw new VeleroFailure(`a Schedule ${request.name} is there already: choose another name, or change that one`);
  }
}
