import { readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document, type Pair } from 'yaml';
import { CliFailure } from './cli-failure.js';
import { withObjectiveFiles } from './objective-files.js';
import { exampleWords, fieldName, unescapeStep, valueText, type FieldError } from './problem-failure.js';

/** A problem's code decides whether the key or the value is pointed at. */
type PlanError = FieldError & { readonly code?: string };

/** A plan as it stands in a file, and where in the file each of its fields is. */
export interface PlanFile {
  readonly path: string;
  /** The parsed document, as readPlan and the API take it. */
  readonly value: unknown;
  /** "bad.yaml:9:13  spec.strategy.waves  [5%, 50%]: …" */
  line(error: PlanError): string;
}

/** Reads YAML or JSON (which is YAML). A file that is neither is refused line by line. */
export async function readPlanFile(path: string, readInput: () => Promise<string>): Promise<PlanFile> {
  const text = path === '-' ? await readInput() : readText(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const name = path === '-' ? 'stdin' : path;
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new CliFailure(document.errors.map((error) => `${place(error.pos[0])}  not valid YAML: ${error.message}`));
  }
  const value = withObjectiveFiles(document.toJS(), path);
  return {
    path: name,
    value,
    line: (error) => `${place(offsetOf(document, error))}  ${problemText(document, error)}`,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliFailure(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The fleet's sentences mostly name field and value themselves; where one does not, both are put before it. */
function problemText(document: Document, { pointer, detail, example }: FieldError): string {
  const field = fieldName(pointer);
  if (field === '' || detail.startsWith(field)) return detail + exampleWords(detail, example);
  const node = document.getIn(stepsOf(pointer), true);
  const value = isNode(node) ? `${shortened(valueText(node.toJS(document)))}: ` : '';
  return `${field}  ${value}${detail}${exampleWords(detail, example)}`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The field's value; its key where the key is what is wrong; and where the field is missing, what it is missing from. */
function offsetOf(document: Document, { pointer, code }: PlanError): number {
  const steps = stepsOf(pointer);
  const key = pairAt(document, steps)?.key;
  const wrongKey = code === 'unknown_field' || code === 'wrong_key';
  if (wrongKey && isNode(key)) return startOf(key);
  const value = document.getIn(steps, true);
  return isNode(value) ? startOf(value) : parentOffset(document, steps);
}

function parentOffset(document: Document, steps: readonly string[]): number {
  for (let depth = steps.length - 1; depth > 0; depth -= 1) {
    const key = pairAt(document, steps.slice(0, depth))?.key;
    if (isNode(key)) return startOf(key);
  }
  return document.contents ? startOf(document.contents) : 0;
}

function pairAt(document: Document, steps: readonly string[]): Pair | undefined {
  const parent = steps.length <= 1 ? document.contents : document.getIn(steps.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  return parent.items.find(({ key }) => isScalar(key) && String(key.value) === steps.at(-1));
}

function startOf(node: { readonly range?: readonly number[] | null }): number {
  return node.range?.[0] ?? 0;
}

function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .filter((step) => step !== '')
    .map(unescapeStep);
}
