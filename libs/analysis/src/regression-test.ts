import { CLIP, logEvidence } from './always-valid-test.js';
import type { JudgePolicy } from './judge-input.js';
import type { ReadPeriod, ReadSli } from './read-periods.js';

/** Fewer periods than this are an incident, not a regression. */
const LEAST_PERIODS = 3;
/** What hits the peers too must be twice as bad here before it is this cluster's own. */
const PEERS_TIMES = 2;

export interface RegressionStanding {
  /** ln of the evidence (e-value) that the cluster is worse than its own past and its peers. */
  readonly logEvidence: number;
  /** Period in which it first sufficed; null = not so far. */
  readonly regressedAt: number | null;
}

/**
 * Is the cluster worse than before, and worse than its peers? Asked after every period; the answer holds however often it
 * is asked. Each period is standardised with the scatter of the baseline (a period is one observation, not each of its
 * requests), clipped at three deviations, and the sum pays for the baseline being an estimate: S = Σx / √(1 + t/T₀), with the past
 * taken half a standard error worse than it was seen.
 *
 * Where the same hour of last week is known and was worse than the hours before it, that rise is usual: it is taken off, and
 * paid for, since it is an estimate as long as the window itself.
 *
 * Beyond evidence there must be an effect worth stopping for: 1.5 times the past, a part of what the objective tolerates,
 * and twice what peers see in the same periods.
 */
export class RegressionTest {
  private sum = 0;
  private beyondRatio = 0;
  private beyondShift = 0;
  private beyondPeers = 0;
  private periods = 0;
  private seen = 0;
  private shaped = 0;
  private regressedAt: number | null = null;

  constructor(
    private readonly read: ReadSli,
    private readonly policy: JudgePolicy,
    /** ln of the evidence that stops: ln(K/α). */
    private readonly needed: number,
  ) {}

  step(period: ReadPeriod): RegressionStanding {
    this.periods += 1;
    if (!this.read.comparable || period.counted === 0) return this.standing();
    this.seen += 1;
    this.add(period);
    const standing = this.standing();
    const enough = standing.logEvidence >= this.needed && this.seen >= LEAST_PERIODS;
    if (enough && this.matters()) this.regressedAt ??= this.periods;
    return this.regressedAt === null ? standing : { logEvidence: standing.logEvidence, regressedAt: this.regressedAt };
  }

  private add({ charged: bad, counted: total, shift, week, noise }: ReadPeriod): void {
    const { rise, shaped } = week;
    const share = this.read.baseline.share + rise;
    const upper = this.read.baseline.upper + rise;
    this.shaped += shaped ? 1 : 0;
    const { leastRatio, leastShift } = this.policy;
    this.sum += Math.min(CLIP, (bad / total - upper - shift) / noise);
    this.beyondRatio += bad - total * share * leastRatio;
    this.beyondShift += bad - total * (share + leastShift * this.read.tolerance);
    this.beyondPeers += bad - total * (share + PEERS_TIMES * shift);
  }

  private matters(): boolean {
    return [this.beyondRatio, this.beyondShift, this.beyondPeers].every((excess) => excess >= 0);
  }

  private standing(): RegressionStanding {
    const payed = Math.sqrt(
      1 + this.seen / Math.max(1, this.read.baseline.periods) + this.shaped / Math.max(1, this.seen),
    );
    return { logEvidence: logEvidence(this.sum / payed, this.seen), regressedAt: this.regressedAt };
  }
}
