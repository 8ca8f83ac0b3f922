import { durationMs, isoMinute } from '@wavegate/fleet';
import { BEFORE, isBlind, type Check, type Found } from '../check.js';
import type { VeleroPicture } from '../picture.js';
import type { PreflightContext } from '../preflight-context.js';

const DAY_MS = 86_400_000;

/** What there is to go back to. */
export const backups: Check = {
  id: 'backups',
  phases: BEFORE,
  needs: [],
  wants: {
    velero: [
      ...(['velero_missing', 'velero_storage_unavailable', 'velero_backup_old', 'velero_backup_failed'] as const),
      ...(['velero_schedule_paused', 'velero_schedule_invalid'] as const),
    ],
  },
  codes: [
    {
      code: 'velero_missing',
      title: 'The plan asks for Velero, and it is not here',
      meaning:
        '`backup.velero` is set, and the cluster does not serve Velero’s kinds: the backup gate could never pass.',
      remedy: 'Install Velero, or take `backup.velero` out of the plan for this cluster.',
    },
    {
      code: 'velero_storage_unavailable',
      title: 'A backup storage location is not available',
      meaning:
        'Velero cannot reach where backups go. It blocks where the plan asks for a Velero backup and the location is the default one (or the only one); otherwise it is a warning.',
      remedy: 'Mend credentials, bucket or network: `velero backup-location get`.',
    },
    {
      code: 'velero_backup_old',
      title: 'The last good Velero backup is old',
      meaning:
        'The newest backup that is Completed without errors is older than the plan allows, or than a day where it says nothing; or there is none.',
      remedy: 'Make one now: `velero backup create …`.',
    },
    {
      code: 'velero_backup_failed',
      title: 'The last Velero backup did not succeed',
      meaning:
        'It ended Failed, FailedValidation or PartiallyFailed. PartiallyFailed is not success: something is missing in it.',
      remedy: 'Read its log (`velero backup logs …`) and make another.',
    },
    {
      code: 'velero_schedule_paused',
      title: 'A Velero Schedule is paused',
      meaning: 'It takes no backups until somebody lets it go on; what it protects grows old unnoticed.',
      remedy: 'Let it go on (`velero schedule unpause NAME`), or delete it.',
    },
    {
      code: 'velero_schedule_invalid',
      title: 'Velero refuses a Schedule',
      meaning: 'Its status is FailedValidation: it never runs, although it is there.',
      remedy: 'Correct its spec by what the message says (`velero schedule describe NAME`).',
    },
    {
      code: 'etcd_receipt_old',
      title: 'The last proven etcd snapshot is old',
      meaning:
        'The newest snapshot that was restored for proof is older than `backup.etcd.maxAge`. A fresh one is taken right before the first control-plane step in any case.',
      remedy: 'Nothing before an upgrade; for its own sake, schedule backups.',
    },
  ],
  run(picture, context) {
    const { velero } = picture;
    const wanted = context.spec.backup.velero;
    const receipts = receiptFindings(context);
    if (isBlind(picture, 'velero')) return receipts;
    if (velero.installed)
      return [
        ...locationFindings(velero, wanted !== undefined),
        ...backupFindings(velero, context),
        ...scheduleFindings(velero),
        ...receipts,
      ];
    if (!wanted) return receipts;
    const message = 'the plan asks for a Velero backup, and Velero is not installed here';
    const remedy = 'install Velero, or take backup.velero out of the plan';
    return [{ code: 'velero_missing', object: 'velero', message, remedy }, ...receipts];
  },
};

function locationFindings({ locations }: VeleroPicture, wanted: boolean): Found[] {
  return locations
    .filter(({ phase }) => phase !== 'Available')
    .map(({ name, phase, isDefault }): Found => {
      const severity = wanted && (isDefault || locations.length === 1) ? 'block' : 'warn';
      const message = `Velero's storage location ${name} is ${phase || 'not yet validated'}`;
      const remedy = 'mend its credentials, bucket or network (velero backup-location get)';
      return { code: 'velero_storage_unavailable', object: name, severity, message, remedy };
    });
}

function backupFindings({ backups: all }: VeleroPicture, { spec, at }: PreflightContext): Found[] {
  const found: Found[] = [];
  const good = all.find(({ phase, errors }) => phase === 'Completed' && errors === 0);
  const maxAge = spec.backup.velero ? durationMs(spec.backup.velero.maxAge) : DAY_MS;
  if (!good || at - good.endedAt > maxAge) {
    const message = good
      ? `the last good Velero backup, ${good.name}, ended ${isoMinute(good.endedAt)}`
      : 'there is no good Velero backup';
    const remedy = 'make one now (velero backup create)';
    found.push({ code: 'velero_backup_old', object: good?.name ?? 'velero', message, remedy });
  }
  const [last] = all.filter(({ endedAt, phase }) => endedAt > 0 || /Failed/.test(phase));
  if (last && /Failed/.test(last.phase)) {
    const message = `the last Velero backup, ${last.name}, is ${last.phase} (${last.errors} errors)`;
    const remedy = `read velero backup logs ${last.name}, and make another`;
    found.push({ code: 'velero_backup_failed', object: last.name, message, remedy });
  }
  return found;
}

function scheduleFindings({ schedules }: VeleroPicture): Found[] {
  return schedules.flatMap(({ name, paused, problem }): Found[] => {
    if (problem !== '') {
      const message = `Velero's Schedule ${name} never runs: ${problem}`;
      return [{ code: 'velero_schedule_invalid', object: name, message, remedy: 'correct its spec' }];
    }
    if (!paused) return [];
    const message = `Velero's Schedule ${name} is paused: it takes no backups`;
    const remedy = `velero schedule unpause ${name}, or delete it`;
    return [{ code: 'velero_schedule_paused', object: name, message, remedy }];
  });
}

function receiptFindings({ receiptAt, spec, at }: PreflightContext): Found[] {
  if (receiptAt === null || at - receiptAt <= durationMs(spec.backup.etcd.maxAge)) return [];
  const message = `the last etcd snapshot that was restored for proof is of ${isoMinute(receiptAt)}`;
  return [
    {
      code: 'etcd_receipt_old',
      object: 'etcd',
      message,
      remedy: 'nothing: a fresh one is taken before the first step',
    },
  ];
}
