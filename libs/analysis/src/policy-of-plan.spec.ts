import { describe, expect, it } from '@jest/globals';
import { readPlan, readPlanText, isReason, type Series } from '@wavegate/fleet';
import { DEFAULT_POLICY } from './judge-input.js';
import { replay } from './judge.js';
import { policyOfPlan } from './policy-of-plan.js';

/** From the plan as a person writes it, through its text as an order carries it, down to the judge. */
function plan(spec: object) {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: '1.35.4' }, ...spec } });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const carried = readPlanText(JSON.stringify(read.plan));
  if (isReason(carried)) throw new Error(JSON.stringify(carried));
  return carried;
}

const usual = (periods: number, bad: number): Series =>
  Array.from({ length: periods }, (_, n) => [(n % 3) * bad, 1000]);
/** Judged by the plan alone: nothing is said to the judge that the plan does not say. */
function judged(spec: object, bad: number, phase: Parameters<typeof policyOfPlan>[1] = 'judgeCanary') {
  const policy = policyOfPlan(plan(spec), phase);
  const sli = { name: 'a', objective: 0.999, decisive: true, baseline: usual(60, 1), after: usual(40, bad) };
  const { verdict } = replay({ slis: [sli], gates: [], policy });
  return [verdict.kind, verdict.period, verdict.reasons[0]?.code];
}

describe('how a plan wants a phase judged', () => {
  it('a plan that says nothing → the documented defaults', () => {
    const { allowanceMs, ...policy } = policyOfPlan(plan({}), 'judgeCanary');
    const { allowanceMs: _, ...documented } = DEFAULT_POLICY;
    expect([policy, allowanceMs]).toEqual([documented, 0]);
  });

  it('rollback.onRegression → what a regression alone does', () => {
    expect(judged({}, 5)).toEqual(['hold', expect.any(Number), 'slo_regressed']);
    expect(judged({ rollback: { onRegression: 'rollback' } }, 5)).toEqual([
      'rollback',
      expect.any(Number),
      'slo_regressed',
    ]);
  });

  it('rollback.onBurn → what a burning budget does', () => {
    expect(judged({}, 200)[0]).toBe('rollback');
    expect(judged({ rollback: { onBurn: 'hold' } }, 200)[0]).toBe('hold');
  });

  it('verdict.withoutControls → whether a cluster without peers is promoted', () => {
    expect(judged({}, 1)[0]).toBe('promote');
    expect(judged({ verdict: { withoutControls: 'hold' } }, 1)).toEqual(['inconclusive', 31, 'controls_missing']);
  });

  it('verdict.window, minSoak, period → when it ends, and not before', () => {
    const verdict = { window: '20m', minSoak: '15m', withoutControls: 'hold' };
    expect(judged({ verdict }, 1)[1]).toBe(21);
    expect(judged({ verdict: { ...verdict, withoutControls: 'judge' } }, 1)).toEqual(['promote', 15, undefined]);
    expect(judged({ verdict: { ...verdict, period: '2m', window: '40m' } }, 1)[1]).toBe(21);
  });

  it('verdict.allowance → its own for the control plane and for workers', () => {
    const allowance = { controlPlane: '4m', workers: '30s' };
    const both = (['judgeControlPlane', 'judgeCanary', 'judgeFinal'] as const).map(
      (phase) => policyOfPlan(plan({ verdict: { allowance } }), phase).allowanceMs,
    );
    expect(both).toEqual([240_000, 30_000, 30_000]);
  });

  it('verdict.noData: either word → the same policy, since missing data always holds', () => {
    const said = policyOfPlan(plan({ verdict: { noData: 'ignoreAdvisory' } }), 'judgeCanary');
    expect(said).toEqual(policyOfPlan(plan({}), 'judgeCanary'));
  });
});
