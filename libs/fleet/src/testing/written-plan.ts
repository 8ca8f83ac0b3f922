import { readPlan, type PlanContext } from '../plan-problems.js';
import type { PlanProblem } from '../plan-problem.js';
import type { Plan } from '../plan.js';

export type Tree = { [key: string]: unknown };

/** The plan of the documentation, with the parts under test laid over it. */
export const written = (spec: Tree = {}): Tree => ({
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'k135-autumn', labels: { change: 'CHG-20417' } },
  spec: { target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } }, ...spec },
});
export const problems = (input: unknown, context?: PlanContext): readonly PlanProblem[] => {
  const read = readPlan(input, context);
  return 'problems' in read ? read.problems : [];
};
export const plan = (spec: Tree = {}): Plan => {
  const read = readPlan(written(spec));
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.plan;
};
export const gates = (part: Tree) => written({ gates: part });
export const strategy = (part: Tree) => written({ strategy: part });
export const window = (part: Tree) =>
  gates({ windows: [{ rrule: 'FREQ=DAILY', start: '09:00', duration: '6h', ...part }] });
export const freeze = (from: string, until: string) => gates({ freezes: [{ name: 'year end', from, until }] });
