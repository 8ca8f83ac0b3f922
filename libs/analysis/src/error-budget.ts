import type { JudgePolicy } from './judge-input.js';
import type { ReadPeriod, ReadSli } from './read-periods.js';
import { believable, eventsPerPeriod } from './sample-series.js';

const MONTH_MS = 30 * 24 * 3_600_000;
/** The short window of the workbook's rule: what happens now, beside what was lost since the change. */
const SHORT_WINDOW_MS = 5 * 60_000;
/** Periods in a row of fast burn: one freak minute must not roll back. */
const FAST_PERIODS = 2;
/** Standard deviations by which harm must stand out from what the cluster did at rest before it is held against the change. */
const STANDS_OUT = 4;
/** The same for "something burns now", which only delays. */
const SEEMS_SO = 2;
/** An outage elsewhere excuses as much as peers suffer, twice: clusters are not hit alike. */
const EXCUSED_TIMES = 2;

/** Why the budget rule fired, and when. */
export interface Fired {
  readonly rule: 'spent' | 'fast';
  readonly period: number;
  readonly burn: number;
  readonly consumed: number;
}

/** Where the budget stands after a period. */
export interface BudgetStanding {
  /** Share of the 30-day budget gone since the change, beyond what the baseline would have cost and the allowance covers. */
  readonly consumed: number;
  /** Burn over the short window, everything counted. */
  readonly burn: number;
  /** Events in the short window: none means that nothing is known about now. */
  readonly recent: number;
  /** Burning now, beyond the baseline and beyond chance. */
  readonly burning: boolean;
  /** What burns now burns in the peers as well. */
  readonly peersToo: boolean;
  readonly fired: Fired | null;
}

/** At least the limit, give or take the last bits of binary fractions: exactly 2 % must count as 2 %. */
const reaches = (value: number, limit: number): boolean => value >= limit * (1 - 1e-9);

/** Harm is more than half as bad again as the worst period at rest. */
const OWN_TIMES = 2;

interface Charge {
  readonly total: number;
  readonly charged: number;
  /** Bad events beyond the own past, and beyond that and what peers suffer. */
  readonly beyondPast: number;
  readonly beyondPeers: number;
  readonly variance: number;
}

/**
 * The change-scoped error budget: how much of the objective's 30-day budget went since the change, and how fast it goes
 * now (SRE workbook, multi-window burn rate, with the long window anchored at the change).
 *
 * Only what the change can have cost is held against it: what the cluster lost at rest before, and what clusters suffer
 * that nothing was changed in, is taken off, and what is left must stand out from the scatter of before.
 */
export class ErrorBudget {
  private readonly window: Charge[] = [];
  private readonly short: number;
  private readonly ownWorst: number;
  private readonly monthly: number | null;
  private periods = 0;
  private seen = 0;
  private total = 0;
  private beyondPast = 0;
  private beyondPeers = 0;
  private variance = 0;
  private fast = 0;
  private fired: Fired | null = null;

  constructor(
    private readonly read: ReadSli,
    private readonly policy: JudgePolicy,
  ) {
    this.short = Math.max(1, Math.ceil(SHORT_WINDOW_MS / policy.periodMs));
    this.ownWorst = worstOfTheBaseline(read);
    const rate = eventsPerPeriod(read.sli.baseline);
    this.monthly = rate > 0 ? this.budgetAt(rate) : null;
  }

  step(period: ReadPeriod): BudgetStanding {
    this.periods += 1;
    const charge = this.charge(period);
    this.add(charge, period.missing);
    const now = sumCharges(this.window);
    const whole = this.monthly ?? this.budgetAt(this.seen > 0 ? this.total / this.seen : 0);
    const consumed = whole > 0 ? Math.max(0, this.beyondPast) / whole : 0;
    this.fired ??= this.fastRule(charge) ?? this.spentRule(now, whole);
    const burning = this.burnOf(now.beyondPast, now.total) >= 1 && standsOut(now.beyondPast, now.variance, SEEMS_SO);
    return {
      consumed,
      burn: this.burnOf(now.charged, now.total),
      recent: now.total,
      burning: burning || this.stillSpent(consumed),
      peersToo: burning && period.shift > 0 && this.burnOf(now.beyondPeers, now.total) < 1,
      fired: this.fired,
    };
  }

  private charge({ charged, total, shift, noise }: ReadPeriod): Charge {
    const beyondPast = charged - total * this.read.baseline.mean;
    const beyondPeers = beyondPast - EXCUSED_TIMES * shift * total;
    return { total, charged, beyondPast, beyondPeers, variance: (total * noise) ** 2 };
  }

  private add(charge: Charge, missing: boolean): void {
    this.seen += missing ? 0 : 1;
    this.total += charge.total;
    this.beyondPast += charge.beyondPast;
    this.beyondPeers += charge.beyondPeers;
    this.variance += charge.variance;
    this.window.push(charge);
    if (this.window.length > this.short) this.window.shift();
  }

  /** Two periods in a row that burn fast, stand out, and are each worse than any single one was before the change. */
  private fastRule({ beyondPeers, total, variance }: Charge): Fired | null {
    const burn = this.burnOf(beyondPeers, total);
    const fast =
      total >= this.policy.minEvents && reaches(burn, this.policy.fastBurn) && burn > OWN_TIMES * this.ownWorst;
    this.fast = fast && standsOut(beyondPeers, variance, STANDS_OUT) ? this.fast + 1 : 0;
    if (this.fast < FAST_PERIODS) return null;
    return { rule: 'fast', period: this.periods, burn, consumed: 0 };
  }

  /** 2 % of the month's budget gone, and still going. */
  private spentRule(now: Charge, whole: number): Fired | null {
    const consumed = whole > 0 ? this.beyondPeers / whole : 0;
    const burn = this.burnOf(now.beyondPeers, now.total);
    if (!reaches(consumed, this.policy.consumedLimit) || this.total < this.policy.minEvents || !reaches(burn, 1))
      return null;
    // The past is an estimate too, and the less of it there is, the worse.
    const doubt = this.read.comparable ? 1 + this.periods / this.read.baseline.periods : 1;
    if (!standsOut(this.beyondPeers, this.variance * doubt, STANDS_OUT)) return null;
    return { rule: 'spent', period: this.periods, burn, consumed };
  }

  private stillSpent(consumed: number): boolean {
    return reaches(consumed, this.policy.consumedLimit) && standsOut(this.beyondPast, this.variance, SEEMS_SO);
  }

  private burnOf(bad: number, total: number): number {
    return total > 0 ? bad / total / this.read.tolerance : 0;
  }

  /** Bad events that 30 days may have at so many events a period. */
  private budgetAt(rate: number): number {
    return this.read.tolerance * rate * (MONTH_MS / this.policy.periodMs);
  }
}

function standsOut(excess: number, variance: number, deviations: number): boolean {
  return excess > 0 && excess >= deviations * Math.sqrt(variance);
}

/** The harshest period before the change, as burn beyond the mean: what happens at rest proves nothing. */
function worstOfTheBaseline({ sli, baseline, tolerance }: ReadSli): number {
  return sli.baseline.reduce((worst, raw) => {
    const sample = believable(raw);
    const share = sample && sample[1] > 0 ? sample[0] / sample[1] : 0;
    return Math.max(worst, (share - baseline.mean) / tolerance);
  }, 0);
}

function sumCharges(charges: readonly Charge[]): Charge {
  const now = { total: 0, charged: 0, beyondPast: 0, beyondPeers: 0, variance: 0 };
  for (const charge of charges) {
    now.total += charge.total;
    now.charged += charge.charged;
    now.beyondPast += charge.beyondPast;
    now.beyondPeers += charge.beyondPeers;
    now.variance += charge.variance;
  }
  return now;
}
