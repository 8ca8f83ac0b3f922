import type { JudgePolicy } from './judge-input.js';
import type { ReadPeriod, ReadSli } from './read-periods.js';

/** A share of bad events that would be fine, and the one that would be too many. */
export interface Shares {
  readonly fine: number;
  readonly allowed: number;
}

/** Fine is the past, but at least a quarter of what is allowed: a past without errors must not make a single one weigh like a proof. */
const LEAST_FINE = 0.25;

export function sharesOf({ baseline, tolerance }: ReadSli, policy: JudgePolicy): Shares {
  const { share } = baseline;
  const margin = policy.margin * Math.max(share, tolerance);
  // A cluster where most is bad cannot double it.
  const allowed = Math.min(share + margin, (1 + share) / 2);
  return { fine: Math.max(share, LEAST_FINE * allowed), allowed };
}

/** ln likelihood ratio of "as before" against "as bad as `allowed`" for one period's events. */
export function logRatio(bad: number, total: number, { fine, allowed }: Shares): number {
  return bad * Math.log(fine / allowed) + (total - bad) * Math.log((1 - fine) / (1 - allowed));
}

/** Positive evidence that the cluster is no worse than before, ln of both. */
export interface Proof {
  /** Against "worse by the whole margin since the change". */
  readonly step: number;
  /** Against "getting worse by the margin every few periods". */
  readonly leak: number;
}

/** A leak that grows by the margin in a quarter of the window (at most ten periods) must be ruled out before a promotion. */
const WINDOW_PARTS = 4;
const MOST_LEAK_PERIODS = 10;

/**
 * Positive evidence that the cluster is no worse than before: the likelihood ratio of "as before" against "worse by the
 * whole margin", period by period, and the same against a leak, which hides in the mean of the first minutes. Were it so
 * much worse, the ratio would be a martingale that starts at 1, so it reaches 1/α with probability ≤ α at most, however
 * often one looks (Wald; Ville). Exact for rare errors, where a normal approximation of the difference would need several
 * times the events; divided by φ where errors come in bursts.
 */
export class NonInferiority {
  private againstStep = 0;
  private againstLeak = 0;
  private readonly shares: Shares;
  private readonly logBad: number;
  private readonly logGood: number;
  private readonly leakPeriods: number;
  private periods = 0;

  constructor(
    private readonly read: ReadSli,
    policy: JudgePolicy,
  ) {
    this.shares = sharesOf(read, policy);
    this.logBad = logRatio(1, 1, this.shares);
    this.logGood = logRatio(0, 1, this.shares);
    const window = policy.maxSoakMs / policy.periodMs;
    this.leakPeriods = Math.max(1, Math.min(MOST_LEAK_PERIODS, window / WINDOW_PARTS) || 1);
  }

  step({ charged: bad, counted: total }: ReadPeriod): Proof {
    this.periods += 1;
    if (total > 0) {
      this.againstStep += bad * this.logBad + (total - bad) * this.logGood;
      this.againstLeak += logRatio(bad, total, this.leaked());
    }
    const { phi } = this.read.baseline;
    return { step: this.againstStep / phi, leak: this.againstLeak / phi };
  }

  private leaked(): Shares {
    const { fine, allowed } = this.shares;
    const grown = fine + ((allowed - fine) * this.periods) / this.leakPeriods;
    return { fine, allowed: Math.min(grown, (1 + fine) / 2) };
  }
}

/**
 * The bad share that can just not be ruled out: where the likelihood ratio against it reaches 1/α. What `NonInferiority`
 * compares with `allowed`, as a number to show; what the declared disruption covers is left out of both.
 */
export function upperBound(read: ReadSli, policy: JudgePolicy, upTo: number): number {
  const shares = sharesOf(read, policy);
  const seen = read.periods.slice(0, upTo);
  const bad = seen.reduce((all, period) => all + period.charged, 0);
  const total = seen.reduce((all, period) => all + period.counted, 0);
  const needed = -Math.log(policy.promoteAlpha) * read.baseline.phi;
  let low = Math.max(shares.fine, total > 0 ? bad / total : 0);
  let high = 1;
  // 40 halvings: twelve digits, more than any sample has.
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (logRatio(bad, total, { fine: shares.fine, allowed: middle }) >= needed) high = middle;
    else low = middle;
  }
  return high;
}
