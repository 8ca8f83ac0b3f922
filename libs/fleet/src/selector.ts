import type { Labels } from './cluster.js';

/** One condition on one label. `notIn` and `absent` also hold where the label is missing, as in Kubernetes. */
export interface Requirement {
  readonly key: string;
  readonly op: 'in' | 'notIn' | 'exists' | 'absent';
  /** Sorted, without duplicates; empty for `exists` and `absent`. */
  readonly values: readonly string[];
}

/** All requirements must hold; none = everything matches. */
export interface Selector {
  readonly requirements: readonly Requirement[];
}

export interface SelectorProblem {
  /** What was found there, and what would be right. */
  readonly problem: string;
  /** 0-based offset into the text. */
  readonly position: number;
}

export function isSelectorProblem(read: Selector | SelectorProblem): read is SelectorProblem {
  return 'problem' in read;
}

const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const TOKEN = /\s*(?:(==|!=|=|!|,|\(|\)|<|>)|([^\s=!,()<>]+)|$)/y;

const EQUALITY = ['=', '==', '!='];
const SETS = ['in', 'notin'];

interface Token {
  readonly text: string;
  readonly word: boolean;
  readonly position: number;
}

/**
 * Kubernetes' label selector syntax: `a=b`, `a==b`, `a!=b`, `a in (x, y)`, `a notin (x)`, `a`, `!a`, joined by commas;
 * spaces anywhere between. An empty text selects everything.
 */
export function parseSelector(text: string): Selector | SelectorProblem {
  const reader = new SelectorReader(tokens(text), text.length);
  return reader.selector();
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match && match[0] !== ''; match = TOKEN.exec(text)) {
    const token = match[1] ?? match[2];
    if (token === undefined) break;
    found.push({ text: token, word: match[2] !== undefined, position: TOKEN.lastIndex - token.length });
  }
  return found;
}

const isValue = (token: Token): boolean => token.word && VALUE.test(token.text);

/** Recursive descent without recursion: `next` is the only cursor, and the first problem wins. */
class SelectorReader {
  private at = 0;

  constructor(
    private readonly all: readonly Token[],
    private readonly end: number,
  ) {}

  selector(): Selector | SelectorProblem {
    const requirements: Requirement[] = [];
    if (this.all.length === 0) return { requirements };
    for (;;) {
      const requirement = this.requirement();
      if ('problem' in requirement) return requirement;
      requirements.push(requirement);
      const comma = this.next();
      if (!comma) return { requirements };
      if (comma.text !== ',') return this.wrong(comma, 'a comma or the end');
    }
  }

  private requirement(): Requirement | SelectorProblem {
    const absent = this.peek()?.text === '!';
    if (absent) this.at += 1;
    const key = this.next();
    if (!key?.word) return this.wrong(key, 'a label key');
    if (!KEY.test(key.text)) return this.wrong(key, 'a label key such as env or example.com/team');
    if (absent) return { key: key.text, op: 'absent', values: [] };
    const operator = this.peek();
    if (!operator || operator.text === ',') return { key: key.text, op: 'exists', values: [] };
    this.at += 1;
    return this.comparison(key.text, operator);
  }

  private comparison(key: string, operator: Token): Requirement | SelectorProblem {
    if (EQUALITY.includes(operator.text)) {
      const value = this.value();
      if (typeof value !== 'string') return value;
      return { key, op: operator.text === '!=' ? 'notIn' : 'in', values: [value] };
    }
    if (SETS.includes(operator.text)) {
      const values = this.list();
      if ('problem' in values) return values;
      return { key, op: operator.text === 'in' ? 'in' : 'notIn', values };
    }
    return this.wrong(operator, `one of =, ==, !=, in (…), notin (…) after "${key}"`);
  }

  /** `a=` compares with the empty value, as Kubernetes does. */
  private value(): string | SelectorProblem {
    const token = this.peek();
    if (!token || token.text === ',') return '';
    this.at += 1;
    if (!isValue(token)) return this.wrong(token, 'a label value such as prod or eu-west-1');
    return token.text;
  }

  private list(): readonly string[] | SelectorProblem {
    const open = this.next();
    if (open?.text !== '(') return this.wrong(open, '"(" and a list such as (dev, staging)');
    const values = new Set<string>();
    for (;;) {
      const value = this.next();
      if (!value || !isValue(value)) return this.wrong(value, 'a label value such as prod');
      values.add(value.text);
      const after = this.next();
      if (after?.text === ')') return [...values].sort();
      if (after?.text !== ',') return this.wrong(after, '"," or ")"');
    }
  }

  private peek(): Token | undefined {
    return this.all[this.at];
  }

  private next(): Token | undefined {
    const token = this.all[this.at];
    this.at += 1;
    return token;
  }

  private wrong(token: Token | undefined, right: string): SelectorProblem {
    const found = token ? `"${token.text}" at position ${token.position + 1}` : 'the text ends';
    return { problem: `${found} where ${right} is expected`, position: token?.position ?? this.end };
  }
}

export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => holds(requirement, labels));
}

function holds({ key, op, values }: Requirement, labels: Labels): boolean {
  // Own keys only: a label called "constructor" must not be found on the prototype.
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (op) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notIn':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
  }
}

/** The label keys that a selector looks at, sorted. */
export function selectorKeys(selector: Selector): string[] {
  return [...new Set(selector.requirements.map(({ key }) => key))].sort();
}

/** The selector in its shortest spelling; parses back to the same selector. */
export function selectorText(selector: Selector): string {
  return selector.requirements.map(requirementText).join(',');
}

function requirementText({ key, op, values }: Requirement): string {
  if (op === 'exists') return key;
  if (op === 'absent') return `!${key}`;
  if (values.length === 1) return `${key}${op === 'in' ? '=' : '!='}${values[0] ?? ''}`;
  return `${key} ${op === 'in' ? 'in' : 'notin'} (${values.join(',')})`;
}

/** For selectors of a plan that was read without problems; throws RangeError on others. */
export function requireSelector(text: string): Selector {
  const read = parseSelector(text);
  if (isSelectorProblem(read)) throw new RangeError(`selector "${text}": ${read.problem}`);
  return read;
}
