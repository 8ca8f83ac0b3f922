import { describe, expect, it } from '@jest/globals';
import { drainProblems } from './drain-problems.js';
import { PlanSchema, type PlanInput } from './plan.js';

function problemsOf(drain: NonNullable<PlanInput['spec']['drain']>) {
  const plan = PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'p' },
    spec: { target: { kubernetes: '1.35.4' }, drain },
  });
  return drainProblems(plan).map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('a plan’s drain policy', () => {
  it('defaults, a lifted pace, growing groups, a readable selector → nothing to say', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ pace: 'unlimited', priorityGroups: [0, 1000], nodeCanaries: 'tier in (edge)' })).toEqual([]);
  });

  it.each([
    [{ pace: '0/s' }, '/spec/drain/pace pace_zero'],
    [{ priorityGroups: [1000, 1000] }, '/spec/drain/priorityGroups/1 priority_groups_not_growing'],
    [{ nodeCanaries: 'tier in (' }, '/spec/drain/nodeCanaries selector_invalid'],
  ])('%j → named with its place', (drain, problem) => {
    expect(problemsOf(drain)).toEqual([problem]);
  });
});
