import { isoMinute, type Finding } from '@wavegate/fleet';
import { runState, spanText } from '@wavegate/kube';
import type { RestorePreview, ScheduleState, VeleroBackup, VeleroSeen } from '@wavegate/kube';
import { table } from './table.js';

/** As many backups as a screen takes; `-o json` has all of them. */
const SHOWN = 15;

const ago = (at: number | null, now: number): string =>
  at === null || !Number.isFinite(at) ? '–' : `${spanText(now - at)} ago`;

/** Locations, Schedules, newest backups, and what is wrong with them. */
export function listLines(seen: VeleroSeen, findings: readonly Finding[], now: number): string[] {
  if (seen.look.kind !== 'found') return [seen.look.detail];
  const { site } = seen.look;
  const locations = site.locations.map(({ metadata, spec, status }) => [
    `${metadata.name}${spec.default ? ' (default)' : ''}`,
    status?.phase ?? 'not validated yet',
    ago(status?.lastValidationTime ? Date.parse(status.lastValidationTime) : null, now),
    [spec.provider, spec.objectStorage?.bucket].filter(Boolean).join(' '),
  ]);
  return [
    `Velero in namespace ${site.namespace}`,
    '',
    ...table([['LOCATION', 'PHASE', 'VALIDATED', 'STORE'], ...locations]),
    '',
    ...scheduleLines(seen.schedules, now),
    '',
    ...backupLines(seen.backups, now),
    ...(findings.length > 0 ? ['', ...findingLines(findings)] : []),
  ];
}

export function scheduleLines(schedules: readonly ScheduleState[], now: number): string[] {
  if (schedules.length === 0) return ['no Schedule: nothing is backed up by itself'];
  const rows = schedules.map(({ name, cron, namespaces, paused, problem, lastGood, lastPhase, nextAt }) => [
    name,
    cron,
    namespaces.length === 0 || namespaces.includes('*') ? 'all' : namespaces.join(','),
    lastGood ? `${ago(lastGood.at, now)}` : 'none yet',
    lastPhase || '–',
    problem ? `never: ${problem}` : paused ? 'paused' : nextAt === null ? '–' : isoMinute(nextAt),
  ]);
  return table([['SCHEDULE', 'CRON (UTC)', 'NAMESPACES', 'LAST GOOD BACKUP', 'LAST END', 'NEXT'], ...rows]);
}

export function backupLines(backups: readonly VeleroBackup[], now: number): string[] {
  if (backups.length === 0) return ['no backup yet: wavegate-agent backup velero takes one'];
  const rows = backups.slice(0, SHOWN).map((backup) => {
    const { phase, startTimestamp, totalItems, errors, warnings, expiration } = runState(backup);
    const taken = startTimestamp ? ago(Date.parse(startTimestamp), now) : '–';
    const expires = expiration ? isoMinute(Date.parse(expiration)) : '–';
    return [backup.metadata.name, phase, taken, String(totalItems), `${errors}/${warnings}`, expires];
  });
  const more = backups.length > SHOWN ? [`… ${backups.length - SHOWN} older ones: -o json`] : [];
  return [...table([['BACKUP', 'PHASE', 'TAKEN', 'ITEMS', 'ERRORS/WARNINGS', 'EXPIRES'], ...rows]), ...more];
}

function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ severity, code, message, remedy }) => [
    `${severity.toUpperCase()}  ${code}  ${message}`,
    ...(remedy ? [`       ${remedy}`] : []),
  ]);
}

/** What a restore would do, and what is not known about it. */
export function previewLines(preview: RestorePreview, now: number): string[] {
  const { backup, phase, takenAt, totalItems, rows, existing, source, whyNot } = preview;
  const head = `Backup ${backup}: ${phase}, ${ago(Date.parse(takenAt), now)}, ${totalItems} items in all`;
  const body =
    source === 'resourceList'
      ? rows.length > 0
        ? table([
            ['FROM', 'INTO', 'OBJECTS', 'KIND'],
            ...rows.map(({ from, into, objects, kind }) => [from, into, String(objects), kind]),
          ])
        : ['the backup holds nothing of these namespaces']
      : [`what is in it cannot be read from here: ${whyNot}`];
  const there = existing.map(
    (namespace) => `namespace ${namespace} exists: Velero leaves every object that it finds there as it is`,
  );
  const partial = phase === 'PartiallyFailed' ? ['some of its items are missing: it ended PartiallyFailed'] : [];
  return [head, ...partial, '', ...body, ...(there.length > 0 ? ['', ...there] : []), '', 'Nothing was changed.'];
}
