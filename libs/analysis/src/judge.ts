import { reason, type Reason, type Verdict, type VerdictKind } from '@wavegate/fleet';
import { judgeSli, type SliJudgement } from './error-budget.js';
import type { JudgeInput } from './judge-input.js';

/**
 * Is this cluster worse than before the change? Two layers, the harsher first:
 *
 * 0. hard gates: a violated one decides at once, whatever the numbers say;
 * 1. the error budget of every decisive objective: 2 % of 30 days gone and still going, or two periods of fast burn.
 *
 *   a gate violated, or a budget burning  → rollback (hold, where the policy's `onBurn` says so)
 *   all decisive objectives good, soaked  → promote
 *   otherwise                             → hold, and past `maxSoakMs` inconclusive: a person looks
 *
 * No data never promotes: an objective that was asked for and has no samples, too few events, more than half of its
 * periods missing, or nothing in the last five minutes, holds. Without any decisive objective the gates alone decide,
 * after the least soak. Advisory objectives are in the evidence and decide nothing.
 */
export function judge(input: JudgeInput): Verdict {
  const judged = input.slis.map((sli) => judgeSli(sli, input.policy));
  const slis = judged.map(({ evidence }) => evidence);
  const decisive = judged.filter(({ evidence }) => evidence.decisive);
  const decided = harm(input, decisive) ?? promotion(input, decisive);
  return { schema: 1, ...decided, slis };
}

interface Decided {
  readonly kind: VerdictKind;
  readonly period: number | null;
  readonly reasons: readonly Reason[];
}

function harm({ gates, policy, elapsedMs }: JudgeInput, decisive: readonly SliJudgement[]): Decided | null {
  const violated = gates.filter((gate) => gate.violated).map((gate) => gate.reason);
  const fired = decisive.filter((sli) => sli.firedAt !== null);
  if (violated.length === 0 && fired.length === 0) return null;
  const reasons = [...violated, ...fired.flatMap((sli) => sli.reason ?? [])];
  // A gate is a fact of now; a budget was decided in the period in which its rule first fired.
  const now = Math.max(1, Math.ceil(elapsedMs / policy.periodMs) || 1);
  const period = Math.min(violated.length > 0 ? now : Infinity, ...fired.flatMap((sli) => sli.firedAt ?? []));
  if (policy.onBurn === 'rollback') return { kind: 'rollback', period, reasons };
  return { kind: elapsedMs > policy.maxSoakMs ? 'inconclusive' : 'hold', period, reasons };
}

function promotion(input: JudgeInput, decisive: readonly SliJudgement[]): Decided {
  const { policy, elapsedMs } = input;
  const reasons = [...unseenObjectives(input, decisive), ...decisive.flatMap((sli) => sli.reason ?? [])];
  // Comparisons with what is not a number are false, and false is never a promotion.
  if (reasons.length === 0 && elapsedMs >= policy.minSoakMs) {
    const periods = decisive.map(({ evidence }) => evidence.periods);
    return { kind: 'promote', period: periods.length > 0 ? Math.max(...periods) : null, reasons: [] };
  }
  return { kind: elapsedMs > policy.maxSoakMs ? 'inconclusive' : 'hold', period: null, reasons };
}

function unseenObjectives({ objectives = [] }: JudgeInput, decisive: readonly SliJudgement[]): Reason[] {
  const seen = decisive.map(({ evidence }) => evidence.name);
  return objectives.filter((name) => !seen.includes(name)).map((objective) => reason('no_data', { objective }));
}
