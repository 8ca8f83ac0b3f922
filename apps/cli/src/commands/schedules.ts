import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Schedule } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { renderSchedules } from '../screens/schedule-table.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';

interface Answering {
  readonly output: OutputFormat;
}

interface CreateOptions extends Answering {
  readonly kind: 'preflight' | 'backup' | 'restore';
  readonly args: Record<string, unknown>;
  readonly selector?: string;
  readonly rrule: string;
  readonly at: string;
  readonly timeZone?: string;
  readonly plan?: string;
}

/** Orders that come again by themselves: nightly preflights, backups, the restore drill. */
export function addSchedules(program: Command, session: Session): void {
  const schedules = program
    .command('schedules')
    .alias('schedule')
    .description('Orders that come again by themselves: create, list, delete');
  addCreate(schedules, session);
  schedules
    .command('list')
    .alias('ls')
    .description('By name, with their last and next run')
    .addOption(outputOption(['table', 'json', 'name']))
    .action(async ({ output }: Answering) => {
      const list = await ask(api.listSchedules({ client: session.client() }));
      if (output === 'json') return session.printJson(list);
      if (output === 'name') return list.items.forEach(({ name }) => session.print(`schedule/${name}`));
      session.print(renderSchedules(list.items, session.screen()));
    });
  schedules
    .command('delete <name>')
    .description('No further runs; what runs, runs on')
    .action(async (schedule: string) => {
      await ask(api.deleteSchedule({ client: session.client(), path: { schedule } }));
      session.tell(`${schedule} is deleted.`);
    });
}

function addCreate(schedules: Command, session: Session): void {
  answering(schedules, 'create <name>', 'One order for each cluster that the selector finds, again and again')
    .addOption(
      new Option('--kind <kind>', 'what is done').choices(['preflight', 'backup', 'restore']).makeOptionMandatory(),
    )
    .option('--args <json>', 'its arguments, as the API takes them: {"what":"etcd"}', json, {})
    .option('-l, --selector <selector>', 'label selector of the clusters; all unless told')
    .option('--rrule <rule>', 'days by RFC 5545, for example FREQ=WEEKLY;BYDAY=SU', 'FREQ=DAILY')
    .requiredOption('--at <time>', 'time of day, for example 03:00')
    .option('--time-zone <zone>', 'IANA name, for example Europe/Berlin; UTC unless told')
    .option('--plan <plan>', 'take the policies of this stored plan (name or digest)')
    .action(async (name: string, how: CreateOptions) => {
      const { kind, args, rrule, at: start, selector, timeZone, plan } = how;
      const body = {
        ...{ name, kind, args, rrule, start },
        ...(selector === undefined ? {} : { selector }),
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(plan === undefined ? {} : { plan }),
      };
      show(session, how.output, await ask(api.createSchedule({ client: session.client(), body })));
    });
}

function show(session: Session, output: OutputFormat, schedule: Schedule): void {
  if (output === 'json') session.printJson(schedule);
  else session.print(renderSchedules([schedule], session.screen()));
}

function json(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, with what would be right.
  }
  throw new InvalidArgumentError('Write a JSON object, for example {"what":"etcd"}.');
}
