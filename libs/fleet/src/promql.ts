/**
 * As much of PromQL as is needed to be sure of a query before it is sent: its words, its selectors and its ranges. The
 * grammar itself is Prometheus's to judge; this never guesses at what it does not see.
 */
export interface PromToken {
  readonly kind: 'word' | 'string' | 'number' | 'range' | 'symbol' | 'space' | 'unknown';
  readonly text: string;
}

const FORMS: readonly (readonly [PromToken['kind'], RegExp])[] = [
  ['space', /(?:\s+|#[^\n]*)+/y],
  ['string', /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y],
  ['range', /\[[^\]]*\]/y],
  ['number', /\d[\w.]*/y],
  ['word', /[a-zA-Z_:][\w:.]*/y],
  ['symbol', /=~|!~|!=|==|>=|<=|[-+*/%^=<>(){},@]/y],
];

/** The text in pieces, none left out: joined again they are the text. */
export function promTokens(text: string): PromToken[] {
  const tokens: PromToken[] = [];
  for (let at = 0; at < text.length;) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(text: string, at: number): PromToken {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const found = form.exec(text);
    if (found) return { kind, text: found[0] };
  }
  return { kind: 'unknown', text: text.charAt(at) };
}

export const promText = (tokens: readonly PromToken[]): string => tokens.map(({ text }) => text).join('');

/** Followed by a list of labels in parentheses. */
const LABEL_LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const KEYWORDS = new Set([
  ...LABEL_LISTS,
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'atan2',
  'inf',
  'nan',
  'start',
  'end',
]);

/** One vector selector: `up`, `up{job="a"}`, `{job="a"}`. */
export interface PromSelector {
  /** '' where the name stands in a matcher, if anywhere. */
  readonly metric: string;
  /** Indices into the tokens: of the metric (or the opening brace), and of the closing brace (or the metric). */
  readonly from: number;
  readonly to: number;
  /** Index of the opening brace, or null. */
  readonly brace: number | null;
}

export function promSelectors(tokens: readonly PromToken[]): PromSelector[] {
  const found: PromSelector[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const skipped = skipLabelList(tokens, at);
    if (skipped !== null) {
      at = skipped;
      continue;
    }
    const selector = selectorAt(tokens, at);
    if (!selector) continue;
    found.push(selector);
    at = selector.to;
  }
  return found;
}

function skipLabelList(tokens: readonly PromToken[], at: number): number | null {
  if (tokens[at]?.kind !== 'word' || !LABEL_LISTS.has(tokens[at].text.toLowerCase())) return null;
  const open = nextOf(tokens, at);
  if (tokens[open]?.text !== '(') return at;
  return closing(tokens, open, ')');
}

function selectorAt(tokens: readonly PromToken[], at: number): PromSelector | null {
  const token = tokens[at];
  if (token?.text === '{') return { metric: '', from: at, to: closing(tokens, at, '}'), brace: at };
  if (token?.kind !== 'word' || KEYWORDS.has(token.text.toLowerCase()) || isCall(tokens, at)) return null;
  const next = nextOf(tokens, at);
  if (tokens[next]?.text !== '{') return { metric: token.text, from: at, to: at, brace: null };
  return { metric: token.text, from: at, to: closing(tokens, next, '}'), brace: next };
}

/** A function, or an aggregation whose labels come first: sum by (job) (…). */
function isCall(tokens: readonly PromToken[], at: number): boolean {
  return /^(\(|by|without)$/i.test(tokens[nextOf(tokens, at)]?.text ?? '');
}

/** The next token that is no blank. */
function nextOf(tokens: readonly PromToken[], at: number): number {
  const next = at + 1;
  return tokens[next]?.kind === 'space' ? next + 1 : next;
}

function closing(tokens: readonly PromToken[], from: number, text: string): number {
  const found = tokens.findIndex((token, index) => index > from && token.text === text);
  return found === -1 ? tokens.length - 1 : found;
}

/** Functions and aggregations that are called, in lower case. */
export function promCalls(tokens: readonly PromToken[]): ReadonlySet<string> {
  const names = tokens.flatMap(({ kind, text }, at) =>
    kind === 'word' && isCall(tokens, at) && !KEYWORDS.has(text.toLowerCase()) ? [text.toLowerCase()] : [],
  );
  return new Set(names);
}

/** A value between double quotes that means exactly this text, whatever is in it. */
export function promString(value: string): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** A text that as a regular expression (RE2, anchored by Prometheus) matches itself only. */
export function promLiteral(value: string): string {
  return value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

export const isPromLabel = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !name.startsWith('__');

/** Every selector narrowed by these equal labels: what a query sees of a store that holds several clusters. */
export function withPromLabels(query: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => {
    if (!isPromLabel(name)) throw new RangeError(`"${name}" is not the name of a label`);
    return `${name}=${promString(value)}`;
  });
  if (matchers.length === 0) return query;
  const tokens = promTokens(query).map(({ text }) => text);
  for (const { from, brace } of promSelectors(promTokens(query))) {
    // A comma before the closing brace is allowed, so an empty list needs no case of its own.
    if (brace === null) tokens[from] += `{${matchers.join(',')}}`;
    else tokens[brace] += `${matchers.join(',')},`;
  }
  return tokens.join('');
}

/** `[$period]` and `[$period:]` in what Prometheus understands. */
export function withPromPeriod(query: string, periodMs: number): string {
  const period = periodMs % 1000 === 0 ? `${periodMs / 1000}s` : `${periodMs}ms`;
  return promText(
    promTokens(query).map((token) =>
      token.kind === 'range' ? { ...token, text: token.text.replace('$period', period) } : token,
    ),
  );
}
