import type { Draft } from './draft.js';
import { sameReason } from './draft.js';
import { approvalGate } from './gates/approval.js';
import { budgetGate } from './gates/budget.js';
import type { CalendarLook } from './gates/calendar.js';
import { soakGate } from './gates/soak.js';
import { verdictGate, type Judging } from './gates/verdict.js';
import { whyUnproven } from './unproven-wave.js';
import type { GateResult, RolloutCluster, WaveState } from './rollout.js';

/**
 * waiting --approved, in budget--> open --all its clusters done--> soaking --soak, verdict, budget--> passed
 *                                     ^------- retry, rollback ------|
 *
 * Moves the current wave by at most one step. True when it moved: what was seen before may no longer hold.
 */
export function moveWave(draft: Draft): boolean {
  const wave = draft.currentWave;
  if (!wave) return false;
  const busy = wave.waiting + wave.inFlight > 0;
  switch (wave.phase) {
    case 'waiting':
      return openWave(draft, wave);
    case 'open':
      if (!busy) draft.patchWave(wave.index, { phase: 'soaking' });
      return !busy;
    case 'soaking':
      if (!busy) return closeWave(draft, wave);
      // A verdict speaks of the wave as it was judged; what changes after it must be judged again.
      draft.patchWave(wave.index, { phase: 'open', verdict: null, verdictOverriddenBy: null, gates: [] });
      return true;
    case 'passed':
      return false;
  }
}

function openWave(draft: Draft, wave: WaveState): boolean {
  const approval = approvalGate(draft.view, draft.allWaves, wave);
  const budget = budgetGate(draft.allWaves);
  if (approval.answer === 'pass' && budget.answer === 'pass' && draft.state === 'running') {
    draft.patchWave(wave.index, { phase: 'open', openedAt: draft.at });
    return true;
  }
  if (approval.answer === 'wait') askForApproval(draft, wave, approval);
  return false;
}

/** Asked once per missing count: a level-triggered engine must not page a person at every event. */
function askForApproval(draft: Draft, wave: WaveState, approval: GateResult): void {
  draft.asks.push(approval.reason);
  const told = wave.gates.find(({ gate }) => gate === 'approval');
  if (told && sameReason(told.reason, approval.reason)) return;
  const { have, need } = approval.reason.params;
  draft.act({ kind: 'askApproval', wave: wave.index, have: Number(have), need: Number(need) });
}

/** Soak first, then the verdict about it: a wave judged at its beginning would promote on no evidence. */
function closeWave(draft: Draft, wave: WaveState): boolean {
  const { soak, verdict, judgeNow } = closing(draft, wave);
  draft.wakeAt(soak.until);
  if (soak.answer !== 'pass' || draft.state === 'blocked') return false;
  if (verdict.answer === 'block') {
    draft.setState('blocked', verdict.reason);
    draft.act({ kind: 'notify', clusterId: null, reason: verdict.reason });
    return false;
  }
  if (verdict.answer === 'wait') {
    if (judgeNow) {
      draft.act({ kind: 'judgeWave', wave: wave.index });
      draft.patchWave(wave.index, { gates: [verdict] });
    }
    // The judge may die with its replica: asking again is this wait's wake-up.
    draft.wakeAt(verdict.until);
    return false;
  }
  if (budgetGate(draft.allWaves).answer !== 'pass') return false;
  draft.patchWave(wave.index, { phase: 'passed', gates: gatesOf(draft, wave, null) });
  if (draft.wave(wave.index + 1)) draft.patchHead({ currentWave: wave.index + 1 });
  return true;
}

interface Closing {
  readonly soak: GateResult;
  readonly verdict: GateResult;
  readonly judgeNow: boolean;
}

function closing(draft: Draft, wave: WaveState): Closing {
  const soakMs = wave.phase === 'soaking' ? draft.soakMsOf(wave.index) : 0;
  const soak = soakGate(wave, soakMs, draft.at);
  const asked = wave.gates.find(({ gate }) => gate === 'verdict')?.until ?? null;
  const judgeNow = soak.answer === 'pass' && (asked === null || asked <= draft.at);
  const judging: Judging = {
    askAgainAt: judgeNow ? draft.at + draft.view.judgePeriodMs : (asked ?? soak.until ?? draft.at),
    holdUntil: (wave.healthyAt ?? wave.since) + soakMs + draft.view.judgeWindowMs,
    unproven: whyUnproven(draft, wave),
  };
  return { soak, verdict: verdictGate(wave, judging, draft.at), judgeNow };
}

/** All six answers for a wave; window and freeze speak of the cluster that is next in line. */
function gatesOf(draft: Draft, wave: WaveState, calendar: CalendarLook | null): GateResult[] {
  const { soak, verdict } = closing(draft, wave);
  const next = calendar && nextInLine(draft, wave);
  return [
    approvalGate(draft.view, draft.allWaves, wave),
    ...(calendar && next ? Object.values(calendar.of(next.labels)) : []),
    budgetGate(draft.allWaves),
    soak,
    verdict,
  ];
}

function nextInLine(draft: Draft, { index }: WaveState): RolloutCluster | null {
  const lists = draft.startLists('candidates', 'away').filter(({ wave }) => wave === index);
  const first = Math.min(Infinity, ...lists.map(({ line }) => line.next()));
  return first < Infinity ? draft.rowAt(first) : null;
}

/** Keeps the current wave's answers in the head, where screens read them. Before that, nothing else may read them. */
export function recordGates(draft: Draft, calendar: CalendarLook): void {
  const wave = draft.currentWave;
  if (wave && wave.phase !== 'passed') draft.patchWave(wave.index, { gates: gatesOf(draft, wave, calendar) });
}
