import { didYouMean } from './nearest-name.js';
import type { Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';
import { isSelectorProblem, parseSelector, selectorKeys } from './selector.js';

/** A clusters' size, version and provider are facts of theirs: to be spread over without being labels. */
const SPREAD_WITHOUT_LABEL = ['size', 'version', 'provider'];

/** Every place of a plan that holds a selector, with its text. */
function selectorPlaces({ spec }: Plan): [path: PlanPath, text: string][] {
  const { strategy, gates, preflight } = spec;
  const at = (...path: (string | number)[]): PlanPath => ['spec', ...path];
  return [
    [at('clusters', 'selector'), spec.clusters.selector],
    [at('strategy', 'canaries'), strategy.canaries],
    ...strategy.rings.map((ring, n): [PlanPath, string] => [at('strategy', 'rings', n), ring]),
    ...gates.windows.map(({ selector }, n): [PlanPath, string] => [at('gates', 'windows', n, 'selector'), selector]),
    ...gates.freezes.map(({ selector }, n): [PlanPath, string] => [at('gates', 'freezes', n, 'selector'), selector]),
    ...preflight.severities.map(({ selector }, n): [PlanPath, string] => [
      at('preflight', 'severities', n, 'selector'),
      selector,
    ]),
    ...Object.keys(gates.soak)
      .filter((key) => key !== 'default')
      .map((key): [PlanPath, string] => [at('gates', 'soak', key), key]),
  ];
}

/**
 * Selectors that do not parse, and label keys that no cluster has: a misspelt key would silently select nobody, or,
 * with `!=`, everybody. Without `known` the keys are not checked.
 */
export function selectorProblems(plan: Plan, known?: readonly string[]): PlanProblem[] {
  const found: PlanProblem[] = [];
  for (const [path, text] of selectorPlaces(plan)) {
    const selector = parseSelector(text);
    if (isSelectorProblem(selector)) {
      const detail = `${fieldOf(path)} is ${shown(text)}: ${selector.problem}`;
      found.push({ pointer: pointerOf(path), code: 'selector_invalid', detail, example: 'env in (dev, staging)' });
    } else if (path.includes('soak') && text.trim() === '') {
      const detail = `${fieldOf(path)} is an empty selector; write "default" for the clusters that no other key matches`;
      found.push({ pointer: pointerOf(path), code: 'selector_invalid', detail, example: 'default' });
    } else if (known) {
      found.push(...selectorKeys(selector).flatMap((key) => unknownKey(path, key, known)));
    }
  }
  return [...found, ...spreadProblems(plan, known)];
}

function spreadProblems(plan: Plan, known?: readonly string[]): PlanProblem[] {
  if (!known) return [];
  const allowed = [...known, ...SPREAD_WITHOUT_LABEL];
  return plan.spec.strategy.spreadBy.flatMap((key, n) => unknownKey(['spec', 'strategy', 'spreadBy', n], key, allowed));
}

function unknownKey(path: PlanPath, key: string, known: readonly string[]): PlanProblem[] {
  if (known.includes(key)) return [];
  const near = didYouMean(key, known);
  const some = known.length > 0 ? `known are ${known.slice(0, 8).join(', ')}` : 'the fleet has no labels yet';
  const detail = `${fieldOf(path)} asks for the label "${key}", which no cluster has${near === '' ? `; ${some}` : near}`;
  return [{ pointer: pointerOf(path), code: 'label_key_unknown', detail }];
}
