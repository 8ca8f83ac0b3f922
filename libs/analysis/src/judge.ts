import { reason, type Reason, type Series, type Verdict, type VerdictKind } from '@wavegate/fleet';
import { compareGauge } from './mann-whitney.js';
import type { JudgeInput } from './judge-input.js';
import { evidenceOf, judgeSli, reasonOf, regressionReason } from './sli-judgement.js';
import { trackSli, type SliTrack } from './sli-track.js';

/**
 * Is this cluster worse than before the change? Three layers, the harsher first:
 *
 * 0. hard gates: a violated one decides at once, whatever the numbers say;
 * 1. the error budget of every decisive objective: 2 % of 30 days gone and still going, or two periods of fast burn;
 * 2. a regression against its own past and its peers, however small the budget it costs.
 *
 *   a gate violated, or a budget burning         → rollback (hold, where the policy's `onBurn` says so)
 *   a regression                                 → hold (rollback, where the policy's `onRegression` says so, also
 *                                                  beside a burn that only holds: worse harm is never answered milder)
 *   every decisive objective proven no worse     → promote, once soaked
 *   otherwise                                    → hold
 *   hold past `maxSoakMs`                        → inconclusive: a person looks
 *
 * A `hold` with a period is decided: more samples will not turn it into a promotion. No data never promotes: an objective
 * that was asked for and has no samples, no baseline, too few events, more than half of its periods missing, or nothing
 * now, holds; periods without events do not count as soak. Without any decisive objective the gates alone decide, after
 * the least soak. Advisory objectives and gauges are in the evidence and decide nothing.
 */
export function judge(input: JudgeInput): Verdict {
  const tracks = tracksOf(input);
  const decided = decideAt(input, tracks, { periods: periodsOf(input), elapsedMs: input.elapsedMs });
  return { schema: 1, ...decided, ...evidence(input, tracks, periodsOf(input)) };
}

/** The verdict of the first period in which it is final. */
export interface Replay {
  readonly verdict: Verdict;
  /** Whether it was final, or the samples ended first. */
  readonly final: boolean;
  /** Periods that had been seen by then. */
  readonly periods: number;
}

/** Judges period after period as an agent would have, and stops at the first verdict that is final: O(periods). */
export function replay(input: Omit<JudgeInput, 'elapsedMs'>): Replay {
  const whole: JudgeInput = { ...input, elapsedMs: 0 };
  const tracks = tracksOf(whole);
  const last = periodsOf(whole);
  for (let periods = 1; periods <= last; periods += 1) {
    const decided = decideAt(whole, tracks, { periods, elapsedMs: periods * input.policy.periodMs });
    const final = decided.kind !== 'hold' || isDecided(decided, input.policy);
    if (!final && periods < last) continue;
    const { period } = decided;
    // A promotion and a pause happen in the period that was reached; harm names the one that showed it.
    const verdict = { schema: 1 as const, ...decided, period: final ? (period ?? periods) : period };
    return { verdict: { ...verdict, ...evidence(whole, tracks, periods) }, final, periods };
  }
  return { verdict: judge(whole), final: false, periods: last };
}

/** A burn that holds may still turn out to be a regression, which the policy would roll back. */
const isDecided = ({ period }: Decided, { onRegression }: JudgeInput['policy']): boolean =>
  period !== null && onRegression === 'hold';

/** All as long as the longest: what one objective has samples for and another has not is missing there. */
function tracksOf(input: JudgeInput): readonly SliTrack[] {
  const { slis, policy } = input;
  const decisive = slis.filter((sli) => sli.decisive).length;
  const periods = periodsOf(input);
  const { disruptionSeconds = [] } = input;
  return slis.map((sli) =>
    trackSli({ ...sli, after: padded(sli.after, periods) }, { policy, decisive, disruptionSeconds }),
  );
}

function padded(series: Series, periods: number): Series {
  return series.length === periods ? series : Array.from({ length: periods }, (_, at) => series[at] ?? null);
}

function periodsOf({ slis }: JudgeInput): number {
  return slis.reduce((most, { after }) => Math.max(most, after.length), 0);
}

/** Periods and time since the change: in a replay both are those of the period that is judged. */
interface Now {
  readonly periods: number;
  readonly elapsedMs: number;
}

interface Decided {
  readonly kind: VerdictKind;
  readonly period: number | null;
  readonly reasons: readonly Reason[];
}

function decideAt(input: JudgeInput, tracks: readonly SliTrack[], now: Now): Decided {
  const decisive = tracks.filter(({ read }) => read.sli.decisive);
  const hurt = harm(input, decisive, now);
  if (hurt?.kind === 'rollback') return hurt;
  const worse = regression(input, decisive, now);
  if (hurt && worse?.kind === 'rollback') return { ...worse, reasons: [...worse.reasons, ...hurt.reasons] };
  return hurt ?? worse ?? promotion(input, decisive, now);
}

function harm({ gates, policy }: JudgeInput, decisive: readonly SliTrack[], now: Now): Decided | null {
  const violated = gates.filter((gate) => gate.violated).map((gate) => gate.reason);
  const fired = decisive.flatMap((track) => {
    const { firedAt } = judgeSli(track, now.periods, policy);
    return firedAt === null ? [] : [{ firedAt, reason: reasonOf(track, now.periods, policy) }];
  });
  if (violated.length === 0 && fired.length === 0) return null;
  const reasons = [...violated, ...fired.flatMap((sli) => sli.reason ?? [])];
  // A gate is a fact of now; a budget was decided in the period in which its rule first fired.
  const current = Math.max(1, Math.ceil(now.elapsedMs / policy.periodMs) || 1);
  const period = Math.min(violated.length > 0 ? current : Infinity, ...fired.map(({ firedAt }) => firedAt));
  if (policy.onBurn === 'rollback') return { kind: 'rollback', period, reasons };
  return { kind: held(policy, now), period, reasons };
}

function regression({ policy }: JudgeInput, decisive: readonly SliTrack[], now: Now): Decided | null {
  const worse = decisive.flatMap((track) => {
    const { regressedAt } = judgeSli(track, now.periods, policy);
    return regressedAt === null ? [] : [{ regressedAt, reason: regressionReason(track, now.periods) }];
  });
  if (worse.length === 0) return null;
  const period = Math.min(...worse.map(({ regressedAt }) => regressedAt));
  const reasons = worse.map((sli) => sli.reason);
  return { kind: policy.onRegression === 'rollback' ? 'rollback' : held(policy, now), period, reasons };
}

const held = ({ maxSoakMs }: JudgeInput['policy'], { elapsedMs }: Now): VerdictKind =>
  elapsedMs > maxSoakMs ? 'inconclusive' : 'hold';

function promotion(input: JudgeInput, decisive: readonly SliTrack[], now: Now): Decided {
  const { policy } = input;
  const states = decisive.map((track) => judgeSli(track, now.periods, policy).state);
  const unseen = unseenObjectives(input, decisive);
  // Comparisons with what is not a number are false, and false is never a promotion.
  if (unseen.length === 0 && states.every((state) => state === 'good') && now.elapsedMs >= policy.minSoakMs) {
    return { kind: 'promote', period: decisive.length > 0 ? now.periods : null, reasons: [] };
  }
  const whyNot = decisive.flatMap((track) => reasonOf(track, now.periods, policy) ?? []);
  return { kind: held(policy, now), period: null, reasons: [...unseen, ...whyNot] };
}

function unseenObjectives({ objectives = [] }: JudgeInput, decisive: readonly SliTrack[]): Reason[] {
  const seen = decisive.map(({ read }) => read.sli.name);
  return objectives.filter((name) => !seen.includes(name)).map((objective) => reason('no_data', { objective }));
}

function evidence(
  { policy, gauges = [] }: JudgeInput,
  tracks: readonly SliTrack[],
  periods: number,
): Pick<Verdict, 'slis' | 'gauges'> {
  const slis = tracks.map((track) => evidenceOf(track, periods, policy));
  if (gauges.length === 0) return { slis };
  // Nothing counts periods where there is no objective: then all of a gauge is looked at.
  const seen = tracks.length > 0 ? periods : Infinity;
  return { slis, gauges: gauges.map((gauge) => compareGauge(gauge, seen)) };
}
