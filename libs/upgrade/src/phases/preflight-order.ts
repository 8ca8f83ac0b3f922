import { STEP_RUNS } from '../bounds.js';
import { complete } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import { carryOutOneAct } from './one-act.js';

/** Looks, and changes nothing. What it finds is its answer: findings that block are no failure of this order. */
export function preflightOrder(situation: Situation): UpgradeDecision {
  const { args } = situation.order;
  const only = args?.kind === 'preflight' && args.only ? { only: args.only } : {};
  const decision = carryOutOneAct(situation, {
    kind: 'preflight',
    node: '',
    step: (name) => ({ kind: 'preflight', name, target: situation.hop.to, ...only }),
    runs: STEP_RUNS,
    failed: (why) => why,
  });
  return decision ?? complete(situation);
}
