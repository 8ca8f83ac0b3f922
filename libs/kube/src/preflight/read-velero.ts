import { epochMs } from '../node-view.js';
import type { VeleroPicture } from './picture.js';
import type { RawReader } from './raw-reader.js';

const GROUP = '/apis/velero.io/v1';

interface Location {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly default?: boolean };
  readonly status?: { readonly phase?: string };
}
interface Backup {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly completionTimestamp?: string;
    readonly errors?: number;
  };
}

interface Schedule {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly paused?: boolean };
  readonly status?: { readonly phase?: string; readonly validationErrors?: readonly string[] };
}

/** Backups and where they go, if Velero's kinds are served here. */
export async function readVelero(reader: RawReader, groups: ReadonlySet<string>): Promise<VeleroPicture> {
  if (!groups.has('velero.io')) return { installed: false, locations: [], backups: [], schedules: [] };
  const locations: VeleroPicture['locations'][number][] = [];
  const backups: VeleroPicture['backups'][number][] = [];
  await reader.each<Location>(`${GROUP}/backupstoragelocations`, ({ metadata, spec, status }) =>
    locations.push({ name: metadata.name, phase: status?.phase ?? '', isDefault: spec?.default === true }),
  );
  await reader.each<Backup>(`${GROUP}/backups`, ({ metadata, status }) =>
    backups.push({
      name: metadata.name,
      phase: status?.phase ?? 'New',
      endedAt: epochMs(status?.completionTimestamp),
      errors: status?.errors ?? 0,
    }),
  );
  const schedules: VeleroPicture['schedules'][number][] = [];
  await reader.each<Schedule>(`${GROUP}/schedules`, ({ metadata, spec, status }) =>
    schedules.push({
      name: metadata.name,
      paused: spec?.paused === true,
      problem: status?.phase === 'FailedValidation' ? (status.validationErrors ?? []).join('; ') || 'refused' : '',
    }),
  );
  backups.sort((a, b) => b.endedAt - a.endedAt);
  return { installed: true, locations, backups, schedules };
}
