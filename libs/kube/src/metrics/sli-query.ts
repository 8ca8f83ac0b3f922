import {
  promLiteral,
  promString,
  promText,
  promTokens,
  withPromLabels,
  type DeclaredObjective,
  type PromToken,
} from '@wavegate/fleet';
import { SLI_LIBRARY } from './gen/sli-library.js';
import { isInRange, type SliDefinition, type SliParam } from './sli-definition.js';

/** The name under which the agent's own probe of the API server is an objective; it has no query. */
export const PROBE_OBJECTIVE = 'apiserver-probe';
export const PROBE_SHARE = 0.999;

/** A service level ready to be asked for: parameters filled in, `[$period]` still open. */
export interface SliQuestion {
  readonly name: string;
  readonly objective: number;
  readonly decisive: boolean;
  /** Name of the source; null = the first. */
  readonly source: string | null;
  readonly bad: string | null;
  readonly good: string | null;
  readonly total: string;
  /** Null where the plan brought the queries. */
  readonly definition: SliDefinition | null;
}

export type SliProblem = { readonly name: string; readonly problem: string; readonly right: string };

type ParamValue = string | number | readonly string[];

/** What to ask for an objective of a plan; or why nothing can be asked, and what would be right. */
export function questionOf(declared: DeclaredObjective): SliQuestion | SliProblem {
  const { name, query, where, decisive, source, objective } = declared;
  const narrowed = (text: string | null): string | null => (text === null ? null : withPromLabels(text, where));
  if (query) {
    const texts = { bad: narrowed(query.bad), good: narrowed(query.good), total: withPromLabels(query.total, where) };
    return { ...{ name, decisive, source, definition: null }, objective: objective ?? 0, ...texts };
  }
  const definition = SLI_LIBRARY.find((one) => one.name === declared.sli);
  if (!definition) return unknownSli(name, declared.sli ?? name);
  const values = valuesFor(definition, declared);
  if ('problem' in values) return values;
  const whole = (pick: 'bad' | 'good' | 'total'): string | null => {
    const each = definition.versions.flatMap((version) => version[pick] ?? []);
    // Renamed metrics: the range may begin before the upgrade and end after it.
    return each.length === 0 ? null : narrowed(withParams(each.join(' or '), values.values));
  };
  return {
    ...{ name, decisive, source, definition, objective: objective ?? definition.objective },
    ...{ bad: whole('bad'), good: whole('good'), total: whole('total') ?? '' },
  };
}

function unknownSli(name: string, sli: string): SliProblem {
  const known = [PROBE_OBJECTIVE, ...SLI_LIBRARY.map((one) => one.name)].join(', ');
  return {
    name,
    problem: `no service level is called "${sli}"`,
    right: `one of ${known}; or write a query of your own`,
  };
}

/** A value for each parameter of a definition: the plan's, or the usual one. */
export function valuesFor(
  definition: Pick<SliDefinition, 'name' | 'params'>,
  { name, params }: Pick<DeclaredObjective, 'name' | 'params'>,
): SliProblem | { readonly values: ReadonlyMap<string, ParamValue> } {
  const names = definition.params.map((param) => param.name);
  const strange = Object.keys(params).find((param) => !names.includes(param));
  if (strange !== undefined) {
    const right = names.length > 0 ? `its parameters are ${names.join(', ')}` : 'it has no parameters';
    return { name, problem: `${definition.name} has no parameter "${strange}"`, right };
  }
  const values = new Map(definition.params.flatMap((param) => valueOf(param, params[param.name])));
  const missing = definition.params.find((param) => !values.has(param.name));
  if (!missing) return { values };
  const right = `write params: { ${missing.name}: … }${missing.about ? ` (${missing.about})` : ''}`;
  return { name, problem: `${definition.name} needs the parameter "${missing.name}"`, right };
}

function valueOf({ name, default: usual }: SliParam, given: ParamValue | undefined): [string, ParamValue][] {
  const value = given ?? usual;
  return value === null ? [] : [[name, value]];
}

/** `$parameter` inside label values only, as exactly that text: a value can neither end its string nor mean a pattern. */
export function withParams(query: string, values: ReadonlyMap<string, ParamValue>): string {
  const tokens = promTokens(query);
  const filled = tokens.map((token, at) =>
    token.kind === 'string' ? filledString(token, operatorBefore(tokens, at), values) : token,
  );
  return promText(filled);
}

function filledString(token: PromToken, operator: string, values: ReadonlyMap<string, ParamValue>): PromToken {
  const text = token.text.replace(/\$([a-z][A-Za-z]*)/g, (whole, name: string) => {
    const value = values.get(name);
    if (value === undefined) return whole;
    const each = (typeof value === 'object' ? value : [String(value)]).map((one) =>
      isPattern(operator) ? promLiteral(one) : one,
    );
    return promString(each.join('|')).slice(1, -1);
  });
  return { ...token, text };
}

const isPattern = (operator: string): boolean => operator === '=~' || operator === '!~';

function operatorBefore(tokens: readonly PromToken[], at: number): string {
  const before = tokens[at - 1];
  return before?.kind === 'space' ? (tokens[at - 2]?.text ?? '') : (before?.text ?? '');
}

/** Counter resets per period of the same series; null where the query counts objects and not events. */
export function resetsOf(query: string): string | null {
  let found = false;
  const tokens = promTokens(query).map((token): PromToken => {
    if (token.kind !== 'word' || token.text !== 'increase') return token;
    found = true;
    return { ...token, text: 'resets' };
  });
  return found ? promText(tokens) : null;
}

/** What the library knows of, with the minors that call its metrics so; null: the plan's own query. */
interface Measured {
  readonly definition: { readonly versions: readonly { readonly kubernetes: string }[] } | null;
}

/** The names in the library that a minor no longer has, or does not have yet. */
export function isMeasuredAt({ definition }: Measured, version: string): boolean {
  return definition === null || definition.versions.some(({ kubernetes }) => isInRange(kubernetes, version));
}
