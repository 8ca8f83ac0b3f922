import { reason } from '@wavegate/fleet';
import { approvalsNeeded, type PlanView } from '../plan-view.js';
import type { GateResult, WaveState } from '../rollout.js';

/** How many different people must approve before this wave opens. */
export function approvalsFor(view: PlanView, waves: readonly WaveState[], wave: WaveState): number {
  return approvalsNeeded(view, wave.share, waves[wave.index - 2]?.share ?? null);
}

/** Only a person moves this gate, so it never has an `until`. */
export function approvalGate(view: PlanView, waves: readonly WaveState[], wave: WaveState): GateResult {
  const need = approvalsFor(view, waves, wave);
  if (need === 0) return { gate: 'approval', answer: 'pass', reason: reason('gate_not_asked'), until: null };
  const have = wave.approvals.length;
  if (have >= need) return { gate: 'approval', answer: 'pass', reason: reason('gate_passed'), until: null };
  const missing = reason('approval_missing', { wave: wave.index, have, need });
  return { gate: 'approval', answer: 'wait', reason: missing, until: null };
}
