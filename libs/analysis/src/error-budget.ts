import { reason, type Reason, type SliEvidence, type SliSamples } from '@wavegate/fleet';
import type { JudgePolicy } from './judge-input.js';
import { chargePeriods, eventsPerPeriod, believable, sum, type ChargedPeriod } from './sample-series.js';

const MONTH_MS = 30 * 24 * 3_600_000;
/** The short window of the workbook's rule: what happens now, beside what was lost since the change. */
const SHORT_WINDOW_MS = 5 * 60_000;
/** Periods in a row of fast burn: one freak minute must not roll back. */
const FAST_PERIODS = 2;

/** What one objective's samples say, and, where they burn, since which period and why. */
export interface SliJudgement {
  readonly evidence: SliEvidence;
  /** 1-based period at which the error budget rule first fired; null = it did not. */
  readonly firedAt: number | null;
  /** Why this objective does not promote, or null where it does. */
  readonly reason: Reason | null;
}

interface Budget {
  readonly periods: readonly ChargedPeriod[];
  /** Share of events that may be bad. */
  readonly tolerance: number;
  /** Bad events that the 30-day budget holds after so many periods; 0 = unknown, nothing can be charged. */
  readonly size: (upTo: number) => number;
}

/**
 * The change-scoped error budget: how much of the objective's 30-day budget went since the change, and how fast it goes
 * now (SRE workbook, multi-window burn rate, with the long window anchored at the change).
 *
 * The rule is asked at every period from the first: the same samples give the same answer however often one looked.
 */
export function judgeSli(sli: SliSamples, policy: JudgePolicy): SliJudgement {
  const sane = sli.objective > 0 && sli.objective < 1 && policy.periodMs > 0;
  if (!sane) return withoutData(sli);
  const periods = chargePeriods(sli.after, policy.allowanceMs / policy.periodMs);
  const budget: Budget = { periods, tolerance: 1 - sli.objective, size: budgetSize(sli, policy) };
  const fired = firstFiring(sli.name, budget, policy);
  const { consumed, burn, recent } = standingAt(budget, periods.length, policy);
  const state = fired ? 'burning' : stateOf({ periods, consumed, burn, recent }, policy);
  const evidence: SliEvidence = { ...seen(sli), consumed, burn, state };
  return { evidence, firedAt: fired?.period ?? null, reason: fired?.reason ?? whyNot(evidence, policy) };
}

/** The samples as they came, before any allowance: the evidence must be recomputable. */
function seen({ name, decisive, after }: SliSamples): Omit<SliEvidence, 'consumed' | 'burn' | 'state'> {
  const samples = after.map(believable).filter((sample) => sample !== null);
  const { bad, total } = sum(samples.map(([bad, total]) => ({ bad, total })));
  return { name, decisive, periods: after.length, bad, total, missing: after.length - samples.length };
}

function whyNot({ name, state, consumed, periods }: SliEvidence, policy: JudgePolicy): Reason | null {
  if (state === 'good') return null;
  return state === 'burning' ? spentReason(name, consumed, periods, policy) : reason('no_data', { objective: name });
}

function withoutData({ name, decisive, after }: SliSamples): SliJudgement {
  const numbers = { periods: after.length, bad: 0, total: 0, missing: after.length, consumed: 0, burn: 0 };
  return {
    evidence: { name, decisive, ...numbers, state: 'noData' },
    firedAt: null,
    reason: reason('no_data', { objective: name }),
  };
}

/** Expected events of 30 days from the baseline's rate, or from what was seen since where there is no baseline. */
function budgetSize(sli: SliSamples, policy: JudgePolicy): Budget['size'] {
  const perMonth = MONTH_MS / policy.periodMs;
  const baseline = eventsPerPeriod(sli.baseline);
  return (upTo) => {
    const rate = baseline > 0 ? baseline : eventsPerPeriod(sli.after.slice(0, upTo));
    return (1 - sli.objective) * rate * perMonth;
  };
}

interface BudgetStanding {
  readonly consumed: number;
  readonly burn: number;
  /** Events in the short window: none means that nothing is known about now. */
  readonly recent: number;
  readonly total: number;
}

/** Where the budget stands after the first `upTo` periods. */
function standingAt({ periods, tolerance, size }: Budget, upTo: number, policy: JudgePolicy): BudgetStanding {
  const since = sum(periods.slice(0, upTo));
  const short = Math.max(1, Math.ceil(SHORT_WINDOW_MS / policy.periodMs));
  const now = sum(periods.slice(Math.max(0, upTo - short), upTo));
  const whole = size(upTo);
  return {
    consumed: whole > 0 ? since.bad / whole : 0,
    burn: burnOf(now, tolerance),
    recent: now.total,
    total: since.total,
  };
}

function burnOf({ bad, total }: { readonly bad: number; readonly total: number }, tolerance: number): number {
  return total > 0 ? bad / total / tolerance : 0;
}

/** At least the limit, give or take the last bits of binary fractions: exactly 2 % must count as 2 %. */
const reaches = (value: number, limit: number): boolean => value >= limit * (1 - 1e-9);

/** O(periods²) at worst, for some tens of periods. */
function firstFiring(name: string, budget: Budget, policy: JudgePolicy): { period: number; reason: Reason } | null {
  let fast = 0;
  for (let period = 1; period <= budget.periods.length; period += 1) {
    const last = budget.periods[period - 1];
    const burn = last ? burnOf(last, budget.tolerance) : 0;
    fast = last && last.total >= policy.minEvents && reaches(burn, policy.fastBurn) ? fast + 1 : 0;
    if (fast >= FAST_PERIODS) {
      return { period, reason: reason('slo_fast_burn', { objective: name, burn: rounded(burn) }) };
    }
    const standing = standingAt(budget, period, policy);
    const spent = reaches(standing.consumed, policy.consumedLimit) && standing.total >= policy.minEvents;
    if (spent && reaches(standing.burn, 1))
      return { period, reason: spentReason(name, standing.consumed, period, policy) };
  }
  return null;
}

interface StateInput {
  readonly periods: readonly ChargedPeriod[];
  readonly consumed: number;
  readonly burn: number;
  readonly recent: number;
}

/** No data comes first: what was not seen cannot be good, and half a window unseen is not seen. */
function stateOf({ periods, consumed, burn, recent }: StateInput, policy: JudgePolicy): SliEvidence['state'] {
  const { total } = sum(periods);
  const unseen = periods.filter(({ missing, excused }) => missing && !excused).length;
  if (total === 0 || recent === 0 || unseen * 2 > periods.length) return 'noData';
  if (reaches(burn, 1) || reaches(consumed, policy.consumedLimit)) return 'burning';
  // Written this way round so that a policy that is not a number never counts as enough.
  return total >= policy.minEvents ? 'good' : 'tooFew';
}

function spentReason(objective: string, consumed: number, periods: number, policy: JudgePolicy): Reason {
  const minutes = rounded((periods * policy.periodMs) / 60_000);
  return reason('slo_burned', { objective, consumedPercent: rounded(consumed * 100), minutes });
}

/** One decimal: 2.4 % is what a person reads; the evidence keeps the exact share. */
const rounded = (value: number): number => Math.round(value * 10) / 10;
