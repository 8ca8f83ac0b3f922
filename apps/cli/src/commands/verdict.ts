import { join } from 'node:path';
import {
  makeEvidence,
  plotSli,
  recompute,
  replay,
  type JudgeInput,
  type ReadSeries,
  type Replay,
  type VerdictEvidence,
} from '@wavegate/analysis';
import { describeReason, type Reason } from '@wavegate/fleet';
import type { Command } from 'commander';
import { CliFailure } from '../cli-failure.js';
import { renderReplay } from '../screens/verdict-screen.js';
import {
  isLinewise,
  problemText,
  readSeriesText,
  readTextFile,
  type LocatedProblem,
  type SeriesEntry,
} from '../series-file.js';
import { answering, type OutputFormat, type Session } from '../session.js';
import { fileNames, makeAskedFolder, writeAskedFile } from '../written-file.js';

interface JudgeOptions {
  readonly output: OutputFormat;
  readonly plot?: string;
  readonly evidence?: string;
}

/** Both commands work on files alone: no hub is asked. */
export function addVerdict(program: Command, session: Session): void {
  const verdict = program
    .command('verdict')
    .description('Verdicts: judge recorded series, recompute a stored one; without a hub');
  answering(verdict, 'judge <file>', 'Replay recorded series through the judge; a .jsonl file is judged line by line')
    .option('--plot <folder>', 'write a picture (SVG) of each SLI; not for .jsonl')
    .option('--evidence <file>', 'write what the verdict rests on, for `verdict recompute`; not for .jsonl')
    .action(async (path: string, options: JudgeOptions) => judgeFile(session, path, options));
  answering(verdict, 'recompute <file>', 'Judge stored evidence again; fails where the verdict is another').action(
    async (path: string, { output }: { output: OutputFormat }) => recomputeFile(session, path, output),
  );
}

async function judgeFile(session: Session, path: string, options: JudgeOptions): Promise<void> {
  const text = await readTextFile(path, session.world.readInput);
  const linewise = isLinewise(path, text);
  if (linewise && (options.plot ?? options.evidence)) {
    throw new CliFailure('--plot and --evidence are for a .json file: a .jsonl file holds many series.');
  }
  const name = path === '-' ? 'stdin' : path;
  const entries = readSeriesText(text, linewise);
  if (entries.length === 0)
    throw new CliFailure(`${name}:1:1  the file is empty; write one object with "slis" per line`);
  const refused = entries.flatMap((entry) => answerEntry(session, { name, linewise, options }, entry));
  if (refused.length === 0) return;
  const what = linewise ? `${refused.length} of ${entries.length} lines could not be judged.` : 'Nothing was judged.';
  throw new CliFailure([...refused.flat(), what]);
}

interface Asked {
  readonly name: string;
  readonly linewise: boolean;
  readonly options: JudgeOptions;
}

/** Answers for one object; the lines of a refusal, where it cannot be judged, are returned and told at the end. */
function answerEntry(session: Session, { name, linewise, options }: Asked, { read, notes }: SeriesEntry): string[][] {
  if ('problems' in read) {
    if (linewise) session.print(JSON.stringify({ error: read.problems[0] }));
    return [read.problems.map((problem) => problemText(name, problem))];
  }
  const replayed = replay(read.input);
  const answer = answerOf(replayed, notes);
  if (linewise) session.print(JSON.stringify(answer));
  else if (options.output === 'json') session.printJson(answer);
  else session.print(renderReplay(read.input, replayed, session.screen()));
  tellNotes(session, name, linewise ? notes.slice(0, notes.length < 3 ? 2 : 0) : notes);
  if (options.plot !== undefined) plot(session, options.plot, read, replayed);
  if (options.evidence !== undefined) keepEvidence(session, options.evidence, read, replayed);
  return [];
}

/** What was left out of many samples is read in `ignored` of the JSON; on a screen the first tell enough. */
function tellNotes(session: Session, name: string, notes: readonly LocatedProblem[]): void {
  notes.slice(0, MOST_NOTES).forEach((note) => session.tell(problemText(name, note)));
  if (notes.length > MOST_NOTES) session.tell(`${name}  … and ${notes.length - MOST_NOTES} more; -o json lists all`);
}

const MOST_NOTES = 20;

function answerOf({ verdict, final }: Replay, notes: readonly LocatedProblem[]): object {
  return {
    verdict: verdict.kind,
    period: verdict.period,
    final,
    reasons: verdict.reasons.map((reason: Reason) => ({ ...reason, text: describeReason(reason) })),
    slis: verdict.slis,
    ...(verdict.gauges ? { gauges: verdict.gauges } : {}),
    ...(notes.length > 0 ? { ignored: notes.map(({ field, detail }) => `${field} ${detail}`) } : {}),
  };
}

function plot(session: Session, folder: string, { input }: ReadSeries, { verdict }: Replay): void {
  makeAskedFolder(folder);
  const names = fileNames(input.slis.map(({ name }) => name));
  input.slis.forEach((sli, at) => {
    const file = join(folder, `${names[at]}.svg`);
    writeAskedFile(file, plotSli(sli, { verdict, periodMs: input.policy.periodMs }));
    session.tell(`${file} is written`);
  });
}

/** As the judge stood when the verdict was reached: nothing later belongs to its evidence. */
function keepEvidence(session: Session, file: string, { input }: ReadSeries, { periods, verdict }: Replay): void {
  const slis = input.slis.map((sli) => ({ ...sli, after: sli.after.slice(0, periods) }));
  const stood: JudgeInput = { ...input, slis, elapsedMs: periods * input.policy.periodMs };
  writeAskedFile(file, `${JSON.stringify(makeEvidence(stood, verdict), null, 2)}\n`);
  session.tell(`${file} is written; wavegate verdict recompute ${file} judges it again`);
}

async function recomputeFile(session: Session, path: string, output: OutputFormat): Promise<void> {
  const evidence = readEvidence(path, await readTextFile(path, session.world.readInput));
  if (evidence.incomplete !== undefined) {
    if (output === 'json') session.printJson({ same: null, incomplete: evidence.incomplete });
    throw new CliFailure([
      `${path}: incomplete evidence. The judge was given more than is kept: ${evidence.incomplete} are left out.`,
      `The stored verdict (${evidence.verdict.kind}) can be read and not judged again; a shorter window or fewer objectives are kept whole.`,
    ]);
  }
  const { verdict, differences } = recomputed(path, evidence);
  if (output === 'json') session.printJson({ same: differences.length === 0, verdict, differences });
  else if (differences.length === 0) session.print(`${evidence.verdict.kind}: the same verdict from the same samples.`);
  if (differences.length === 0) return;
  throw new CliFailure([`${path}: the stored verdict does not follow from the stored samples.`, ...differences]);
}

function readEvidence(path: string, text: string): VerdictEvidence {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliFailure(`${path}  not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const fields = (value ?? {}) as Partial<Record<keyof VerdictEvidence, unknown>>;
  if (fields.kind !== 'VerdictEvidence') {
    throw new CliFailure(
      `${path}  is not evidence of a verdict ("kind": "VerdictEvidence"); the hub exports it, \`verdict judge --evidence\` writes it`,
    );
  }
  if (fields.schema !== 1) {
    throw new CliFailure(
      `${path}  schema ${JSON.stringify(fields.schema)} is not known to this release, which reads 1`,
    );
  }
  return value as VerdictEvidence;
}

function recomputed(path: string, evidence: VerdictEvidence): ReturnType<typeof recompute> {
  try {
    return recompute(evidence);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure(`${path}  its "input" is not what a judge is given (${why}); export it again`);
  }
}
