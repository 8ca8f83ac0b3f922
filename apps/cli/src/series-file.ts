import { readFileSync } from 'node:fs';
import { readSeries, type ReadSeries, type SeriesProblem } from '@wavegate/analysis';
import { CliFailure } from './cli-failure.js';
import { jsonPlaces } from './json-places.js';
import { fieldName } from './problem-failure.js';

/** One object of a file of series: what it says, or why it cannot be judged. */
export interface SeriesEntry {
  /** 1-based line of the file that the object begins in. */
  readonly line: number;
  readonly read: ReadSeries | { readonly problems: readonly LocatedProblem[] };
  readonly notes: readonly LocatedProblem[];
}

/** A problem with its place: "month.json:12:9  slis[0].after[3]  is [7, 3]: …". */
export interface LocatedProblem {
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly detail: string;
}

/** Reads a file, "-" for stdin, without a byte order mark; what cannot be opened is told in a line. */
export async function readTextFile(path: string, readInput: () => Promise<string>): Promise<string> {
  if (path === '-') return unmarked(await readInput());
  try {
    return unmarked(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CliFailure(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Editors on Windows begin a file with it; JSON does not know it. */
const unmarked = (text: string): string => text.replace(/^\uFEFF/, '');

/** Whether each line is an object of its own: by the file's name, or, as on stdin, by what is in it. */
export function isLinewise(path: string, text: string): boolean {
  if (/\.(jsonl|ndjson)$/i.test(path)) return true;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 1 && isObject(lines[0] ?? '') && !isObject(text);
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A `.json` file holds one object, however it is broken into lines; a `.jsonl` file one in each line that is not empty. */
export function readSeriesText(text: string, linewise: boolean): readonly SeriesEntry[] {
  if (!linewise) return [readEntry(text, 1)];
  return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [readEntry(line, at + 1)]));
}

function readEntry(text: string, line: number): SeriesEntry {
  const value = parseJson(text, line);
  if ('problem' in value) return { line, read: { problems: [value.problem] }, notes: [] };
  const read = readSeries(value.value);
  if ('problems' in read) return { line, read: { problems: located(text, line, read.problems) }, notes: [] };
  return { line, read, notes: located(text, line, read.notes) };
}

function parseJson(text: string, line: number): { value: unknown } | { problem: LocatedProblem } {
  if (text.trim() === '') {
    const detail = 'the file is empty; write { "periodSeconds": 60, "slis": […] }';
    return { problem: { line, column: 1, field: '', detail } };
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = Number(/position (\d+)/.exec(message)?.[1] ?? offendingOffset(text));
    const before = text.slice(0, offset).split('\n');
    const place = { line: line + before.length - 1, column: (before.at(-1)?.length ?? 0) + 1 };
    const hint = /\bNaN\b|Infinity/.test(text)
      ? '; JSON has no NaN or Infinity, write null where there is no sample'
      : '';
    return { problem: { ...place, field: '', detail: `not valid JSON: ${message.replaceAll(/\s+/g, ' ')}${hint}` } };
  }
}

/** V8 does not always say where: the shortest beginning that cannot be gone on with ends in the letter that is wrong. */
function offendingOffset(text: string): number {
  let [fine, wrong] = [0, text.length];
  while (wrong - fine > 1) {
    const middle = (fine + wrong) >> 1;
    if (canGoOn(text.slice(0, middle))) fine = middle;
    else wrong = middle;
  }
  return canGoOn(text) ? text.length : fine;
}

function canGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    return /Unexpected end|Unterminated/.test(message) || message.includes(`position ${beginning.length}`);
  }
}

/** Lines and columns, in one pass over the text for all of them. */
function located(text: string, first: number, problems: readonly SeriesProblem[]): LocatedProblem[] {
  if (problems.length === 0) return [];
  const offsets = jsonPlaces(
    text,
    problems.map(({ path }) => path),
  );
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return problems.map(({ path, detail }, at) => {
    const offset = offsets[at] ?? 0;
    const line = lineOf(starts, offset);
    const pointer = path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
    const column = offset - (starts[line] ?? 0) + 1;
    return { line: first + line, column, field: fieldName(`/${pointer}`), detail };
  });
}

/** Index of the last line that starts at or before the offset. */
function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

export function problemText(name: string, { line, column, field, detail }: LocatedProblem): string {
  return `${name}:${line}:${column}  ${field === '' ? '' : `${field} `}${detail}`;
}
