import { CliFailure } from './cli-failure.js';
import type { Problem } from './gen/types.gen.js';

/** The hub refused: every error as "field  what is wrong, what would be right". Keeps the problem for those who map it. */
export class ProblemFailure extends CliFailure {
  constructor(readonly problem: Problem) {
    super(problemLines(problem));
  }
}

/** RFC 9457 → lines. A refusal of the hub carries its request id, which is what its log is searched for. */
export function problemLines(problem: Problem): string[] {
  const { title, detail, status, errors = [], requestId } = problem;
  const lines = errors.map((error) => fieldLine(error));
  const head = `${title}${detail ? `: ${detail}` : ''}`;
  return [status >= 500 ? `${head} (request ${requestId})` : head, ...lines.map((line) => `  ${line}`)];
}

export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
  readonly example?: unknown;
}

/** "spec.strategy.waves  wave 3 (25 %) is smaller …, for example [5%, 25%]": nothing that the sentence already says twice. */
export function fieldLine({ pointer, detail, example }: FieldError): string {
  const field = fieldName(pointer);
  const named = field === '' || detail.startsWith(field) ? detail : `${field}  ${detail}`;
  return named + exampleWords(detail, example);
}

/** An example helps only where the sentence does not give one. */
export function exampleWords(detail: string, example: unknown): string {
  if (example === undefined || /\b(such as|for example|write)\b/.test(detail)) return '';
  return `, for example ${valueText(example)}`;
}

/** A value as it would be written in YAML's flow style. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'missing');
}

/** "/spec/strategy/waves/2" → "spec.strategy.waves[2]". */
export function fieldName(pointer: string): string {
  const steps = pointer.replace(/^\//, '').split('/').map(unescapeStep);
  return steps.reduce((name, step) => {
    if (/^\d+$/.test(step)) return `${name}[${step}]`;
    if (!/^[A-Za-z_]\w*$/.test(step)) return step === '' ? name : `${name}[${JSON.stringify(step)}]`;
    return name === '' ? step : `${name}.${step}`;
  }, '');
}

export function unescapeStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
