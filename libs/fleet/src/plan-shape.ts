import type { z } from 'zod';
import { nearestName } from './nearest-name.js';
import { longForm, planSchemaAt, type JsonSchema } from './plan-json-schema.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';

type Issue = z.core.$ZodIssue;

interface Right {
  /** "write …": the rest of the sentence. */
  readonly words: string;
  readonly example?: unknown;
}

/** What each pattern of the plan's schema means to a person. */
const PATTERNS: Readonly<Record<string, Right>> = {
  '^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$': { words: 'the name of a namespace such as shop', example: 'shop' },
  '^\\d{1,3}(\\.\\d+)?%$': { words: 'a percentage in quotes such as "5%"', example: '5%' },
  '^\\d+(ms|s|m|h|d)$': { words: 'a duration such as 30m, 4h or 1d', example: '30m' },
  '^\\d+\\.\\d+$': { words: 'a minor in quotes such as "1.34"', example: '1.34' },
  '^(\\d+\\/s|unlimited)$': { words: 'a pace such as 5/s, or unlimited', example: '5/s' },
  '^([01]\\d|2[0-3]):[0-5]\\d$': { words: 'a time of day in quotes such as "09:00"', example: '09:00' },
  '^[a-z][a-z0-9_]*$': { words: 'a code of docs/preflight.md such as pdb_blocks_now', example: 'pdb_blocks_now' },
  '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$': {
    words: 'at most 63 lower-case letters, digits and dashes, such as k135-autumn',
    example: 'k135-autumn',
  },
};

/** zod's findings in the words of the plan. */
export function shapeProblems(issues: readonly Issue[], input: unknown): PlanProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'invalid_union' && isMap(valueAt(input, path))) return fieldProblems(issue, path, input);
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(path, key));
    if (issue.code === 'invalid_key') return [badKey(path)];
    return [badValue(issue, path, valueAt(input, path))];
  });
}

const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** "A name, or fields", and fields were written: what is wrong with the fields, not that they are no name. */
function fieldProblems(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: PlanPath,
  input: unknown,
): PlanProblem[] {
  const branch = issue.errors.find((issues) =>
    issues.every((one) => one.path.length > 0 || one.code === 'unrecognized_keys'),
  );
  if (!branch) return [badValue(issue, path, valueAt(input, path))];
  return shapeProblems(
    branch.map((one) => ({ ...one, path: [...path, ...one.path] })),
    input,
  );
}

function unknownField(path: PlanPath, key: string): PlanProblem {
  const known = Object.keys(longForm(planSchemaAt(path) ?? {}).properties ?? {});
  const near = nearestName(key, known);
  const right = near === null ? `known here are ${known.join(', ')}` : `did you mean "${near}"?`;
  const at = [...path, key];
  return { pointer: pointerOf(at), code: 'unknown_field', detail: `${fieldOf(at)} is not a field of a plan; ${right}` };
}

function badKey(path: PlanPath): PlanProblem {
  const key = path.at(-1);
  const right = rightOf(planSchemaAt(path.slice(0, -1))?.propertyNames ?? null);
  const detail = `${fieldOf(path.slice(0, -1))} has the key ${shown(key)}; write ${right.words}`;
  return { pointer: pointerOf(path), code: 'wrong_key', detail, ...exampleOf(right) };
}

function badValue(issue: Issue, path: PlanPath, value: unknown): PlanProblem {
  const right = rightOf(planSchemaAt(path));
  const where = { pointer: pointerOf(path), ...exampleOf(right) };
  if (value === undefined) {
    return { ...where, code: 'missing_field', detail: `${fieldOf(path)} is missing; write ${right.words}` };
  }
  const detail = `${fieldOf(path)} is ${shown(value)}${typeName(issue, value)}; write ${right.words}`;
  return { ...where, code: codeOf(issue, value), detail };
}

function codeOf(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return 'wrong_type';
    case 'invalid_union':
      // All unions of the plan are "a count or a percentage": a text or a number was at least the right kind of thing.
      return typeof value === 'string' ? 'wrong_format' : 'wrong_type';
    case 'invalid_format':
      return 'wrong_format';
    case 'invalid_value':
      return 'unknown_value';
    case 'too_small':
    case 'too_big':
      return issue.code;
    default:
      return 'invalid';
  }
}

/** 1.35 without quotes is a number in YAML, which is worth saying. */
function typeName(issue: Issue, value: unknown): string {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union') return '';
  if (typeof value === 'number' || typeof value === 'boolean') return ` (a ${typeof value})`;
  return '';
}

function rightOf(schema: JsonSchema | null): Right {
  if (!schema) return { words: 'what the schema of a plan allows' };
  if (schema.const !== undefined) return { words: shown(schema.const), example: schema.const };
  if (schema.enum) return { words: `one of ${schema.enum.join(', ')}`, example: schema.enum[0] };
  const fields = longForm(schema).properties;
  if (schema.anyOf && fields) return { words: `a name, or fields: ${Object.keys(fields).join(', ')}` };
  if (schema.anyOf) return { words: 'a whole number or a percentage in quotes such as "5%"', example: '5%' };
  if (schema.pattern !== undefined) return PATTERNS[schema.pattern] ?? { words: `a text like ${schema.pattern}` };
  return rightOfType(schema);
}

function rightOfType(schema: JsonSchema): Right {
  switch (schema.type) {
    case 'integer':
      return {
        words: `a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? 'any'}`,
        example: schema.minimum,
      };
    case 'boolean':
      return { words: 'true or false' };
    case 'array':
      return { words: 'a list of at least one entry' };
    case 'object':
      return { words: schema.properties ? `fields: ${Object.keys(schema.properties).join(', ')}` : 'a map' };
    default:
      return { words: 'a text in quotes' };
  }
}

function exampleOf({ example }: Right): { readonly example?: unknown } {
  return example === undefined ? {} : { example };
}

function valueAt(input: unknown, path: PlanPath): unknown {
  let here = input;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[step];
  }
  return here;
}
