import { canonicalText } from './canonical.js';

/** One thing wrong with a plan: where, what, and what would be right. */
export interface PlanProblem {
  /** JSON pointer (RFC 6901): "/spec/strategy/waves/2"; '' = the whole document. */
  readonly pointer: string;
  /** snake_case, stable: scripts and screens go by it. */
  readonly code: string;
  /** One sentence that names the field, the value and what would be right. */
  readonly detail: string;
  /** A value that would be accepted there. */
  readonly example?: unknown;
}

export type PlanPath = readonly (string | number)[];

export function pointerOf(path: PlanPath): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** As a person would say it: `spec.strategy.waves[2]`, `spec.gates.soak["env=prod"]`. */
export function fieldOf(path: PlanPath): string {
  if (path.length === 0) return 'the plan';
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[A-Za-z_]\w*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** A value in a sentence: short, on one line, never an error of its own. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  try {
    const text = canonicalText(value);
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
  } catch {
    return `a ${typeof value}`;
  }
}
