import { SetMetadata } from '@nestjs/common';
import { isSelectorProblem, matches, parseSelector, type Labels, type Selector } from '@wavegate/fleet';
import { Problem } from '../rest/problem.js';

/**
 * The clusters that a token may see and touch: a label selector over the labels that the hub owns. What lies outside is
 * not there when it is asked for (404, left out of lists) and refused when something is done to it (403).
 */
export class Scope {
  static readonly all = new Scope('', null);

  private constructor(
    readonly text: string,
    private readonly selector: Selector | null,
  ) {}

  /** Null: the selector cannot be read. A token with such a scope must not pass for one without. */
  static read(text: string): Scope | null {
    if (text === '') return Scope.all;
    const selector = parseSelector(text);
    return isSelectorProblem(selector) ? null : new Scope(text, selector);
  }

  get isLimited(): boolean {
    return this.selector !== null;
  }

  covers(labels: Labels): boolean {
    return this.selector === null || matches(this.selector, labels);
  }

  /** 403 unless all of them are covered; `what` is about to be done to them. */
  assertCovers(clusters: readonly { readonly name: string; readonly labels: Labels }[], what: string): void {
    const [first, ...more] = clusters.filter(({ labels }) => !this.covers(labels));
    if (!first) return;
    const others = more.length > 0 ? ` and ${more.length} more` : '';
    throw outOfScope(this, `${what} touches clusters outside the scope of this token`, `${first.name}${others}`);
  }
}

export function outOfScope(scope: Scope, title: string, which: string): Problem {
  const detail = `The token's scope is "${scope.text}"; outside it: ${which}. Use a token whose scope covers them.`;
  return new Problem(403, 'out-of-scope', title, { detail });
}

const SCOPED = 'wavegate:scoped';

/**
 * The route looks at the token's scope itself. A route without this is refused to every token that has one: a route
 * that was forgotten must not be a way around the scope.
 */
export const Scoped = () => SetMetadata(SCOPED, true);
export { SCOPED };
