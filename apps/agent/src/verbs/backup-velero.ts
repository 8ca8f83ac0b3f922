import { backupSpec, createSchedule, faultsOf, judgeVelero, pickLocation, previewRestore } from '@wavegate/kube';
import { countOf, readCron } from '@wavegate/kube';
import { proofChecks, proveBackup, readBackup, readyVelero, restoreBackup, runState, seeVelero } from '@wavegate/kube';
import { differenceText, takeBackup, VeleroFailure, veleroReceipt, type TakenBackup } from '@wavegate/kube';
import type { VeleroMeans, VeleroProof, VeleroWatcher } from '@wavegate/kube';
import { Command } from 'commander';
import { EXIT, ProgramFailure, usage } from '../program-failure.js';
import { checkedName, contentOptions, readContent, readMapping, readTime } from './backup-velero-options.js';
import { show, veleroOptions, withVelero } from './backup-velero-options.js';
import type { ContentOptions, VeleroOptions } from './backup-velero-options.js';
import { listLines, previewLines, scheduleLines } from './backup-velero-tables.js';

const EXAMPLES = `
Examples:
  wavegate-agent backup velero list                                  what is there, how old, what is wrong with it
  wavegate-agent backup velero --namespaces shop --ttl 72h --dry-run show what would be asked for; changes nothing
  wavegate-agent backup velero --namespaces shop --prove shop        back up, and prove it by a restore
  wavegate-agent backup velero prove nightly-20261121 --canary shop  prove a backup that is there (a restore drill)
  wavegate-agent backup velero restore nightly-20261121 --into shop:shop-restored --preview

A proof restores one namespace into a scratch namespace in which nothing runs (no replicas, no pods by quota, no load
balancers, no ingress class, no volumes), compares it with the living one object by object, and removes it again.

Options of a backup: --namespaces, --selector, --ttl, --location, --name, --prove, --dry-run; see backup velero take --help

Exit codes: 0 Completed (and proven where asked) · 1 not: one line says why · 2 wrong usage · 4 no API server`;

/** `backup velero …`: everything about backups that Velero takes. */
export function backupVeleroCommand(): Command {
  return new Command('velero')
    .description('backups that the Velero of the cluster takes: taken, proven, restored, scheduled, listed')
    .addCommand(takeCommand(), { isDefault: true })
    .addCommand(listCommand())
    .addCommand(proveCommand())
    .addCommand(restoreCommand())
    .addCommand(scheduleCommand())
    .addHelpText('after', EXAMPLES);
}

/** The default, and not the group's own action: a group would take the options of its members for its own. */
function takeCommand(): Command {
  return contentOptions(new Command('take'))
    .description('backs up and waits for the end; what "backup velero" does without another word')
    .option('--name <name>', 'of the backup; one of that name that asks for the same is adopted (default: by time)')
    .option('--prove <namespace>', 'restore this namespace into a scratch one and compare it object by object')
    .option('--timeout <time>', 'give up waiting after this time; Velero goes on', '4h')
    .option('--dry-run', 'only look whether it could be done, and show what would be asked for')
    .allowExcessArguments(false)
    .action((options: BackupOptions) => takeOne(options));
}

interface BackupOptions extends ContentOptions {
  readonly name?: string;
  readonly prove?: string;
  readonly timeout: string;
  readonly dryRun?: boolean;
}

function takeOne(options: BackupOptions): Promise<void> {
  const name = checkedName(options.name ?? `wavegate-${momentName()}`);
  const request = { ...readContent(options), name, timeoutMs: readTime('--timeout', options.timeout) };
  return withVelero(options, async (means, watcher) => {
    if (options.dryRun) {
      const { site, location } = await readyVelero(means, request);
      const spec = backupSpec(request, location);
      const lines = [
        `${site.namespace}/${name} would be created:`,
        JSON.stringify(spec, null, 2),
        'Nothing was changed.',
      ];
      return show(options, { name, namespace: site.namespace, spec }, () => lines);
    }
    const taken = await takeBackup(means, request, watcher);
    const proof = options.prove ? await prove(means, { taken, canary: options.prove }, watcher) : null;
    const receipt = veleroReceipt(taken, proof);
    show(options, receipt, () => [`Backup ${name} is good.`, ...(receipt.checks ?? []).map((check) => `  ${check}`)]);
  });
}

/** Throws a failure that names the first differences; all of them are on stderr before it. */
async function prove(
  means: VeleroMeans,
  { taken, canary }: { readonly taken: TakenBackup; readonly canary: string },
  watcher: VeleroWatcher,
): Promise<VeleroProof> {
  const { backup, site, location } = taken;
  const seed = `cli/${means.clock.now()}`; // each call is a proof of its own
  const proof = await proveBackup(means, { canary, backup, veleroNamespace: site.namespace, location, seed }, watcher);
  const faults = faultsOf(proof);
  if (faults.length === 0) return proof;
  process.stderr.write(
    `\n${[...proofChecks(proof), ...faults.map(differenceText)].map((line) => `  ${line}`).join('\n')}\n`,
  );
  const count = countOf(faults.length, 'difference');
  throw new ProgramFailure(
    `Backup ${backup.metadata.name} is not proven: ${count} in namespace ${canary}`,
    EXIT.failure,
  );
}

function listCommand(): Command {
  return veleroOptions(new Command('list'))
    .description('storage locations, Schedules with their last and next run, backups, and what is wrong; read-only')
    .action((options: VeleroOptions) =>
      withVelero(options, async (means) => {
        const seen = await seeVelero(means, options.veleroNamespace);
        const now = means.clock.now();
        const findings = judgeVelero(seen, { maxAgeMs: null, wanted: true }, now);
        show(options, { ...seen, findings }, () => listLines(seen, findings, now));
        if (seen.look.kind !== 'found') throw new ProgramFailure('there is no Velero to use', EXIT.failure);
      }),
    );
}

interface RestoreOptions extends VeleroOptions {
  readonly into: string;
  readonly preview?: boolean;
  readonly name?: string;
}

function restoreCommand(): Command {
  return veleroOptions(new Command('restore'))
    .description('restores namespaces of a backup; objects that exist in the target are left as they are')
    .argument('<backup>', 'name of the Velero backup')
    .requiredOption(
      '--into <from:to,…>',
      'namespace in the backup and namespace to restore it into (shop:shop for itself)',
    )
    .option('--preview', 'only say what would be restored')
    .option('--name <name>', 'of the Restore; one of that name that asks for the same is adopted (default: by time)')
    .action((backup: string, options: RestoreOptions) => restoreOne(backup, options));
}

function restoreOne(backup: string, options: RestoreOptions): Promise<void> {
  const name = checkedName(options.name ?? `wavegate-restore-${momentName()}`);
  const { veleroNamespace } = options;
  const request = {
    ...{ name, backup, namespaceMapping: readMapping(options.into) },
    ...(veleroNamespace ? { veleroNamespace } : {}),
  };
  return withVelero(options, async (means, watcher) => {
    if (options.preview) {
      const preview = await previewRestore(means, request);
      return show(options, preview, () => previewLines(preview, means.clock.now()));
    }
    const restore = await restoreBackup(means, request, watcher);
    const { doneItems, warnings } = runState(restore);
    const hint = warnings > 0 ? [`  velero restore describe ${name} --details names the warnings`] : [];
    const line = `Restore ${name} is Completed: ${countOf(doneItems, 'item')}, ${countOf(warnings, 'warning')}.`;
    show(options, { name, backup, items: doneItems, warnings }, () => [line, ...hint]);
  });
}

interface ProveOptions extends VeleroOptions {
  readonly canary: string;
}

function proveCommand(): Command {
  return veleroOptions(new Command('prove'))
    .description('a restore drill: restores one namespace of a backup into a scratch one, compares, removes it')
    .argument('<backup>', 'name of the Velero backup')
    .requiredOption('--canary <namespace>', 'the namespace to restore for proof')
    .action((name: string, options: ProveOptions) =>
      withVelero(options, async (means, watcher) => {
        const taken = await takenBackup(means, name, options.veleroNamespace);
        const proof = await prove(means, { taken, canary: options.canary }, watcher);
        const receipt = veleroReceipt(taken, proof);
        show(options, receipt, () => [`Backup ${name} is proven.`, ...proofChecks(proof).map((check) => `  ${check}`)]);
      }),
    );
}

/** A backup that is there and Completed; anything else proves nothing. */
async function takenBackup(means: VeleroMeans, name: string, veleroNamespace?: string): Promise<TakenBackup> {
  const { look } = await seeVelero(means, veleroNamespace);
  if (look.kind !== 'found') throw new VeleroFailure(look.detail);
  const backup = await readBackup(means, look.site.namespace, name);
  const { phase } = runState(backup);
  if (phase !== 'Completed') throw new VeleroFailure(`Backup ${name} is ${phase}: only a Completed one can be proven`);
  const location = pickLocation(look.site, backup.spec.storageLocation);
  if (!location)
    throw new VeleroFailure(`BackupStorageLocation ${backup.spec.storageLocation} of Backup ${name} is gone`);
  return { site: look.site, backup, location };
}

interface ScheduleOptions extends ContentOptions {
  readonly cron: string;
}

function scheduleCommand(): Command {
  return contentOptions(new Command('schedule'))
    .description('creates a Velero Schedule: the same backup again and again, by cron (UTC)')
    .argument('<name>', 'of the Schedule; its backups are named after it')
    .requiredOption('--cron <fields>', 'minute hour day month weekday, for example "0 1 * * *", or @daily')
    .action((name: string, options: ScheduleOptions) => {
      const request = { ...readContent(options), name: checkedName(name), cron: options.cron };
      const read = readCron(request.cron);
      if ('problem' in read) throw usage(`--cron: ${read.problem}`);
      return withVelero(options, async (means) => {
        const made = await createSchedule(means, request);
        show(options, made, () => scheduleLines([made], means.clock.now()));
      });
    });
}

/** "20261121-101500", UTC. */
function momentName(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}
