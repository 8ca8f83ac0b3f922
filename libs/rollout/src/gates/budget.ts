import { reason } from '@wavegate/fleet';
import type { GateResult, WaveState } from '../rollout.js';

/** A silent cluster counts as a failure until it is heard of: hoping is not a budget. */
export function isExceeded(wave: WaveState): boolean {
  return wave.failures + wave.lost > wave.tolerated + wave.allowed;
}

/**
 * The budget of the whole rollout: each wave has its own, and the first that is exceeded blocks everything, earlier
 * waves too, because a cluster of a passed wave may fail late (a rollback by hand, a retry).
 */
export function budgetGate(waves: readonly WaveState[]): GateResult {
  const exceeded = waves.find(isExceeded);
  if (!exceeded) return { gate: 'budget', answer: 'pass', reason: reason('gate_passed'), until: null };
  const failures = exceeded.failures + exceeded.lost;
  const tolerated = exceeded.tolerated + exceeded.allowed;
  const why = reason('budget_exceeded', { wave: exceeded.index, failures, tolerated });
  return { gate: 'budget', answer: 'block', reason: why, until: null };
}
