import type { SliSamples } from '@wavegate/fleet';
import { ErrorBudget, type BudgetStanding } from './error-budget.js';
import type { JudgePolicy } from './judge-input.js';
import { NonInferiority, type Proof } from './non-inferiority.js';
import { LEAST_PEERS } from './peer-shift.js';
import { readSli, type ReadPeriod, type ReadSli } from './read-periods.js';
import type { WeekShape } from './week-shape.js';
import { RegressionTest } from './regression-test.js';

/** Periods of baseline from which on the error rate α holds as it stands (reference: T₀ ≥ 60). */
const WHOLE_BASELINE = 60;

/** What one objective's samples say up to and with one period. */
export interface SliStanding {
  readonly budget: BudgetStanding;
  /** ln of the evidence for a regression, and the period in which it sufficed. */
  readonly logEvidence: number;
  readonly regressedAt: number | null;
  readonly proof: Proof;
  readonly bad: number;
  readonly total: number;
  readonly missing: number;
  /** Missing without the declared disruption explaining it. */
  readonly unseen: number;
  /** Periods with events. */
  readonly seen: number;
  /** One of the last two periods has events (the newest sample may be late): what is not seen now may be anything. */
  readonly fresh: boolean;
  readonly peers: number;
  readonly week: WeekShape;
}

/** An objective followed from the change on: one standing per period, none of which depends on a later sample. */
export interface SliTrack {
  readonly read: ReadSli;
  readonly standings: readonly SliStanding[];
  /** The evidence (e-value) that stops. */
  readonly needed: number;
}

export interface Tracking {
  readonly policy: JudgePolicy;
  /** How many objectives may stop the cluster: they share the error rate α between them. */
  readonly decisive: number;
  readonly disruptionSeconds?: readonly (number | null)[];
}

/** O(periods). */
export function trackSli(sli: SliSamples, { policy, decisive, disruptionSeconds }: Tracking): SliTrack {
  const read = readSli(sli, policy, disruptionSeconds);
  // A past shorter than an hour of minutes is known less well than the test assumes: it asks for more.
  const shortness = Math.max(1, WHOLE_BASELINE / Math.max(1, read.baseline.periods));
  const needed = (Math.max(1, decisive) / policy.alpha) * shortness;
  const budget = new ErrorBudget(read, policy);
  const regression = new RegressionTest(read, policy, Math.log(needed));
  const proof = new NonInferiority(read, policy);
  const counts = new Counts();
  const standings = read.periods.map((period): SliStanding => {
    const heard = policy.withoutControls === 'judge' || period.peers >= LEAST_PEERS;
    const tested = regression.step(heard ? period : { ...period, counted: 0 });
    return counts.standing(period, { budget: budget.step(period), proof: proof.step(period), ...tested });
  });
  return { read, standings, needed };
}

type Ruled = Pick<SliStanding, 'budget' | 'logEvidence' | 'regressedAt' | 'proof'>;

/** The samples as they came, before any allowance: the evidence must be recomputable. */
class Counts {
  private bad = 0;
  private total = 0;
  private missing = 0;
  private unseen = 0;
  private seen = 0;
  private before = false;

  standing(period: ReadPeriod, { budget, logEvidence, regressedAt, proof }: Ruled): SliStanding {
    this.bad += period.bad;
    this.total += period.total;
    this.missing += period.missing ? 1 : 0;
    this.unseen += period.missing && !period.excused ? 1 : 0;
    this.seen += period.total > 0 ? 1 : 0;
    const fresh = period.total > 0 || this.before;
    this.before = period.total > 0;
    const { bad, total, missing, unseen, seen } = this;
    const { peers, week } = period;
    return { budget, logEvidence, regressedAt, proof, bad, total, missing, unseen, seen, fresh, peers, week };
  }
}
