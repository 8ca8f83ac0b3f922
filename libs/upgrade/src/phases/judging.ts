import { durationMs, reason, type Reason, type UpgradePhase, type Verdict } from '@wavegate/fleet';
import { waitFor, write } from '../decision.js';
import type { Judgement, UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';

/** The newest judgement of a phase, or null where none was begun. */
export function judgementOf({ journal }: Pick<Situation, 'journal'>, phase: UpgradePhase): Judgement | null {
  return journal.judgements.filter((judgement) => judgement.phase === phase).at(-1) ?? null;
}

/**
 * Judges a phase: begins (written down, so that a restart goes on counting from there), waits for a verdict that
 * decides, writes it down, and only then acts on it. `hold` waits; no data never promotes; no verdict at all by the end
 * of the plan's window is inconclusive.
 */
export function judged(situation: Situation, phase: UpgradePhase, act: (verdict: Verdict) => UpgradeDecision) {
  const judgement = judgementOf(situation, phase);
  if (!judgement) return beginJudging(situation, phase);
  if (judgement.verdict) return act(judgement.verdict);
  const verdict = situation.verdict?.phase === phase ? situation.verdict.verdict : null;
  // A regression that the plan holds for is watched on: it may still burn the budget, and then it goes back.
  if (verdict && verdict.kind !== 'hold') return write(situation, { kind: 'judged', phase, verdict });
  return awaitVerdict(situation, judgement, verdict);
}

export function beginJudging(situation: Situation, phase: UpgradePhase): UpgradeDecision {
  return write(situation, { kind: 'judgingBegan', phase });
}

function awaitVerdict(situation: Situation, { phase, from }: Judgement, hold: Verdict | null): UpgradeDecision {
  const { period } = situation.plan.spec.verdict;
  const until = from + longest(situation, phase);
  // Two periods of grace: the judge itself calls the end of its window, and its evidence arrives a period late.
  const end = until + 2 * durationMs(period);
  if (situation.at < end) return waitFor(situation, reason('judging', { phase, until }), end);
  const reasons = [reason('verdict_inconclusive', { phase, detail: 'no verdict within the window' })];
  const verdict: Verdict = { schema: 1, kind: 'inconclusive', period: null, reasons, slis: hold?.slis ?? [] };
  return write(situation, { kind: 'judged', phase, verdict });
}

/**
 * How long a verdict is waited for. A person's way back is judged only to be told whether it helped, and holds one of the
 * rollout's slots meanwhile: clusters that still hurt must not wait for theirs longer than for the shortest soak.
 */
function longest({ order, plan }: Situation, phase: UpgradePhase): number {
  const { window, minSoak } = plan.spec.verdict;
  const toldOnly = order.kind === 'rollback' && phase === 'judgeRollback';
  return toldOnly ? Math.min(durationMs(minSoak), durationMs(window)) : durationMs(window);
}

export function whyNotPromoted({ kind, reasons }: Verdict, phase: UpgradePhase): Reason {
  const [first] = reasons;
  if (kind === 'inconclusive') {
    return first?.code === 'verdict_inconclusive'
      ? first
      : reason('verdict_inconclusive', { phase, detail: first?.code ?? 'the window is over' });
  }
  return first ?? reason('verdict_not_promote', { wave: phase, verdict: kind });
}
