import { durationMs, type Plan, type UpgradePhase } from '@wavegate/fleet';
import { DEFAULT_POLICY, type JudgePolicy } from './judge-input.js';

/** How a plan wants a phase judged. The hub derives the same from the same plan: evidence needs no policy of its own. */
export function policyOfPlan(plan: Plan, phase: UpgradePhase): JudgePolicy {
  const { window, period, minSoak, allowance, withoutControls } = plan.spec.verdict;
  const disrupts = phase === 'judgeControlPlane' ? allowance.controlPlane : allowance.workers;
  return {
    ...DEFAULT_POLICY,
    periodMs: durationMs(period),
    minSoakMs: durationMs(minSoak),
    maxSoakMs: durationMs(window),
    allowanceMs: durationMs(disrupts),
    onBurn: plan.spec.rollback.onBurn,
    onRegression: plan.spec.rollback.onRegression,
    withoutControls,
  };
}
