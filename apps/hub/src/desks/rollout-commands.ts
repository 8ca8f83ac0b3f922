import type { Rollout, RolloutEvent } from '@wavegate/rollout';
import { decide, type Decision } from '@wavegate/rollout';
import type { WithoutAt } from '@wavegate/runtime/hub';
import { Problem } from '../rest/problem.js';

/**
 * Asks the engine what a command would do, without doing it: the engine is pure, so a person gets "this does not fit,
 * because …" at once, and only commands that fit become inbox rows. Decided again, for good, by the runner.
 */
export function rehearse(rollout: Rollout, event: WithoutAt<RolloutEvent>, at: number): Decision {
  const decision = decide(rollout, { ...event, at: Math.max(at, rollout.head.at) });
  if (decision.ignored !== null) {
    throw new Problem(409, 'command-does-not-fit', 'The rollout cannot take this now', { detail: decision.ignored });
  }
  return decision;
}
