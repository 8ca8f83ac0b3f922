import { planJsonSchema, readPlan, type PlanProblem } from '@wavegate/fleet';
import type { Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { readPlanFile, type PlanFile } from '../plan-file.js';
import { ProblemFailure } from '../problem-failure.js';
import { renderDrainPreview } from '../screens/drain-preview-screen.js';
import { renderPreview } from '../screens/preview-screen.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';
import { addSimulate } from './plan-simulate.js';

type Body = Record<string, unknown>;

export function addPlan(program: Command, session: Session): void {
  const plan = program.command('plan').description('Plans: validate, preview, drain-preview, apply');
  addValidate(plan, session);
  addSimulate(plan, session);
  addPreview(plan, session);
  addDrainPreview(plan, session);
  answering(plan, 'apply <file>', 'Store the plan; nothing starts yet').action(
    async (path: string, { output }: { output: OutputFormat }) => {
      const file = await soundPlan(path, session);
      const stored = await inFile(file, ask(api.createPlan({ client: session.client(), body: file.value as Body })));
      if (output === 'json') return session.printJson(stored);
      session.print(`plan/${stored.name} is stored: ${stored.digest}`);
      session.tell(`Nothing has started. Next: wavegate rollout start ${stored.name}`);
    },
  );
  plan
    .command('schema')
    .description('The JSON Schema of a plan, for editors')
    .action(() => session.printJson(planJsonSchema()));
}

interface PreviewOptions {
  readonly output: OutputFormat;
  readonly preflight?: true;
}

function addPreview(plan: Command, session: Session): void {
  answering(plan, 'preview <file>', 'What the plan would do to the fleet as it is now; changes nothing')
    .option('--preflight', 'also let every connected agent look for what would block; changes nothing either')
    .action(async (path: string, { output, preflight }: PreviewOptions) => {
      const file = await soundPlan(path, session);
      const query = preflight ? { query: { preflight: 'true' as const } } : {};
      const asked = api.previewPlan({ client: session.client(), body: file.value as Body, ...query });
      const preview = await inFile(file, ask(asked));
      if (output === 'json') session.printJson(preview);
      else session.print(renderPreview(preview, session.screen()));
    });
}

function addDrainPreview(plan: Command, session: Session): void {
  plan
    .command('drain-preview [file]')
    .description('Which workloads would block the drains, by owner, over every connected cluster; changes nothing')
    .option('-f, --file <file>', 'the plan; "-" reads stdin')
    .addOption(outputOption(['table', 'json', 'csv']))
    .action(async (given: string | undefined, { file: named, output }: { file?: string; output: OutputFormat }) => {
      const path = given ?? named;
      if (path === undefined)
        throw new CliFailure('Name the plan: wavegate plan drain-preview -f plan.yaml', EXIT.usage);
      const file = await soundPlan(path, session);
      const request = { client: session.client(), body: file.value as Body };
      if (output === 'csv') {
        // The client's types know the JSON answer only; asked for CSV, the hub answers text.
        const csv: unknown = await inFile(
          file,
          ask(api.previewDrains({ ...request, headers: { Accept: 'text/csv' }, parseAs: 'text' })),
        );
        return session.print(String(csv).trimEnd());
      }
      const preview = await inFile(file, ask(api.previewDrains(request)));
      if (output === 'json') session.printJson(preview);
      else session.print(renderDrainPreview(preview, session.screen()));
    });
}

interface ValidateOptions {
  readonly output: OutputFormat;
  readonly offline?: true;
}

function addValidate(plan: Command, session: Session): void {
  answering(plan, 'validate <file>', 'Check a plan: by itself, and against the fleet where a hub is configured')
    .option('--offline', 'without the hub')
    .action(async (path: string, { output, offline }: ValidateOptions) => {
      const file = await readPlanFile(path, session.world.readInput);
      const read = readPlan(file.value);
      if ('problems' in read) return refuse(session, file, read.problems, output);
      const client = offline ? null : session.clientIfAny();
      const found = client ? await fleetProblems(ask(api.validatePlan({ client, body: file.value as Body }))) : [];
      if (found.length > 0) return refuse(session, file, found, output);
      const { digest, plan: valid } = read;
      if (output === 'json') return session.printJson({ valid: true, name: valid.metadata.name, digest });
      const whom = client ? 'and fits the fleet' : 'by itself; it was not compared with a fleet';
      session.print(`${file.path} is valid ${whom}. ${valid.metadata.name} ${digest.slice(0, 12)}`);
    });
}

/** The findings are the answer of `validate`, so they go to stdout; the exit code still says failure. */
function refuse(session: Session, file: PlanFile, problems: readonly PlanProblem[], output: OutputFormat): never {
  if (output === 'json') session.printJson({ valid: false, errors: problems });
  else problems.forEach((problem) => session.print(file.line(problem)));
  throw new CliFailure(`${counted(problems.length)}. Nothing was stored.`);
}

async function fleetProblems(asked: Promise<unknown>): Promise<readonly PlanProblem[]> {
  try {
    await asked;
    return [];
  } catch (error) {
    if (error instanceof ProblemFailure && error.problem.errors?.length) return error.problem.errors;
    throw error;
  }
}

/** Refused before it is sent where the plan alone shows what is wrong: the same words, with line and column. */
async function soundPlan(path: string, session: Session): Promise<PlanFile> {
  const file = await readPlanFile(path, session.world.readInput);
  const read = readPlan(file.value);
  if ('problems' in read) throw refused(file, read.problems);
  return file;
}

/** What the hub finds wrong with a plan, told by its place in the file. */
async function inFile<T>(file: PlanFile, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ProblemFailure && error.problem.errors?.length) throw refused(file, error.problem.errors);
    throw error;
  }
}

function refused(file: PlanFile, problems: readonly PlanProblem[]): CliFailure {
  return new CliFailure([
    ...problems.map((problem) => file.line(problem)),
    `${counted(problems.length)}. Nothing was stored.`,
  ]);
}

function counted(errors: number): string {
  return `${errors} error${errors === 1 ? '' : 's'}`;
}
