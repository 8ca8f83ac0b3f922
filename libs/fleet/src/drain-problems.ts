import type { Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';
import { isSelectorProblem, parseSelector } from './selector.js';

/** What the shape of `spec.drain` cannot say. */
export function drainProblems({ spec: { drain } }: Plan): PlanProblem[] {
  return [...paceProblems(drain.pace), ...groupProblems(drain.priorityGroups), ...canaryProblems(drain.nodeCanaries)];
}

function paceProblems(pace: string): PlanProblem[] {
  if (!/^0+\/s$/.test(pace)) return [];
  const detail = `${fieldOf(at('pace'))} is ${pace}: nothing would ever be evicted; write for example 5/s, or unlimited`;
  return [problem(at('pace'), { code: 'pace_zero', detail, example: '5/s' })];
}

/** A group that begins below the one before it would be empty, or not: nobody could tell by reading. */
function groupProblems(groups: readonly number[]): PlanProblem[] {
  return groups.flatMap((border, n) => {
    const before = groups[n - 1];
    if (before === undefined || border > before) return [];
    const path = at('priorityGroups', n);
    const detail = `${fieldOf(path)} is ${border}, not above ${before} before it; write growing priorities, each the first of its group`;
    return [problem(path, { code: 'priority_groups_not_growing', detail, example: [1000, 1_000_000] })];
  });
}

/** Labels of nodes are not the fleet's to know: only whether it can be read is checked. */
function canaryProblems(text: string): PlanProblem[] {
  const selector = parseSelector(text);
  if (!isSelectorProblem(selector)) return [];
  const detail = `${fieldOf(at('nodeCanaries'))} is ${shown(text)}: ${selector.problem}`;
  return [problem(at('nodeCanaries'), { code: 'selector_invalid', detail, example: 'wavegate.dev/canary = true' })];
}

const at = (...path: (string | number)[]): PlanPath => ['spec', 'drain', ...path];

function problem(path: PlanPath, said: Omit<PlanProblem, 'pointer'>): PlanProblem {
  return { pointer: pointerOf(path), ...said };
}
