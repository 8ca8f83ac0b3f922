import { reason } from '@wavegate/fleet';
import { complete } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import { carryOutOneAct, endOneAct, inWordsOf } from './one-act.js';

/**
 * Restores from a Velero backup, or says what that would do: a preview's answer are its findings. Never tried again by
 * itself: half of it may be there already.
 */
export function restoreOrder(situation: Situation): UpgradeDecision {
  const { args } = situation.order;
  if (args?.kind !== 'restore') return endOneAct(situation, reason('order_malformed', { field: 'args' }));
  const { from: backup, namespaceMapping, preview } = args;
  const decision = carryOutOneAct(situation, {
    kind: 'restoreVelero',
    node: '',
    step: (name) => ({ kind: 'restoreVelero', name, backup, namespaceMapping, preview }),
    runs: 1,
    failed: inWordsOf('restore_failed'),
  });
  return decision ?? complete(situation);
}
