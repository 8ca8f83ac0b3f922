import { reason, type Reason, type SliComparison, type SliEvidence } from '@wavegate/fleet';
import type { JudgePolicy } from './judge-input.js';
import { sharesOf, upperBound } from './non-inferiority.js';
import { LEAST_PEERS } from './peer-shift.js';
import type { SliStanding, SliTrack } from './sli-track.js';
import { NO_SHAPE } from './week-shape.js';

/** Evidence for a regression that does not stop yet but forbids a promotion: three to one. */
const SUSPICION = Math.log(3);
/** Evidence is shown up to here; beyond it nobody counts. */
const MOST_EVIDENCE = 1e9;

type State = SliEvidence['state'];

/** What one objective says after a period, and, where it asks to stop, since when. */
export interface SliJudgement {
  readonly state: State;
  /** 1-based period at which the error budget rule first fired; null = it did not. */
  readonly firedAt: number | null;
  /** 1-based period at which the regression was first evident. */
  readonly regressedAt: number | null;
}

/** `period` is 1-based; 0 = none yet. */
export function judgeSli(track: SliTrack, period: number, policy: JudgePolicy): SliJudgement {
  const standing = isSane(track, policy) ? track.standings[period - 1] : undefined;
  if (!standing) return { state: 'noData', firedAt: null, regressedAt: null };
  const { budget, regressedAt } = standing;
  const state = stateOf(track, standing, policy);
  return { state, firedAt: budget.fired?.period ?? null, regressedAt };
}

/** Comparisons with what is not a number are false, and false is never a promotion; the rest is refused here. */
function isSane({ read }: SliTrack, policy: JudgePolicy): boolean {
  return read.tolerance > 0 && read.tolerance < 1 && policy.periodMs > 0;
}

function stateOf(track: SliTrack, standing: SliStanding, policy: JudgePolicy): State {
  const { budget, regressedAt } = standing;
  if (budget.fired) return 'burning';
  if (regressedAt !== null) return 'worse';
  // No data comes next: what was not seen cannot be good, and half a window unseen is not seen.
  if (lacksData(standing)) return 'noData';
  return budget.burning ? 'burning' : stateOfQuiet(track, standing, policy);
}

/** Nothing burns: is there enough to say that it is as good as before? */
function stateOfQuiet(track: SliTrack, standing: SliStanding, policy: JudgePolicy): State {
  // Written this way round so that a policy that is not a number never counts as enough.
  if (!(standing.total >= policy.minEvents)) return 'tooFew';
  if (!track.read.comparable) return 'noBaseline';
  if (policy.withoutControls === 'hold' && standing.peers < LEAST_PEERS) return 'noControls';
  return isProven(standing, policy) && isSettled(standing, policy) ? 'good' : 'unproven';
}

/** Worse by the margin since the change is ruled out. */
function isProven({ proof }: SliStanding, { promoteAlpha }: JudgePolicy): boolean {
  return proof.step >= -Math.log(promoteAlpha);
}

/** Long enough watched that a leak is ruled out too, and nothing looks like a beginning regression. */
function isSettled({ seen, proof, logEvidence }: SliStanding, policy: JudgePolicy): boolean {
  const soaked = seen * policy.periodMs >= policy.minSoakMs;
  return soaked && proof.leak >= -Math.log(policy.promoteAlpha) && logEvidence < SUSPICION;
}

function lacksData({ total, budget, unseen, missing, seen, fresh }: SliStanding): boolean {
  const periods = Math.max(seen, 1) + missing;
  return total === 0 || budget.recent === 0 || !fresh || unseen * 2 > periods;
}

/** The numbers a judgement rests on. */
export function evidenceOf(track: SliTrack, period: number, policy: JudgePolicy): SliEvidence {
  const { name, decisive, queries, causes } = track.read.sli;
  const { state } = judgeSli(track, period, policy);
  const standing = isSane(track, policy) ? track.standings[period - 1] : undefined;
  const asked = { ...(queries ? { queries } : {}), ...(causes ? { causes } : {}) };
  if (!standing) {
    const nothing = { periods: period, bad: 0, total: 0, missing: period, consumed: 0, burn: 0 };
    return { name, decisive, ...nothing, state, ...asked };
  }
  const { bad, total, missing, budget } = standing;
  const numbers = { periods: period, bad, total, missing, consumed: budget.consumed, burn: budget.burn };
  const compared = track.read.comparable ? { comparison: comparisonOf(track, period, policy) } : {};
  return { name, decisive, ...numbers, state, ...compared, ...asked };
}

function comparisonOf({ read, standings, needed }: SliTrack, period: number, policy: JudgePolicy): SliComparison {
  const standing = standings[period - 1];
  const { bad = 0, total = 0, logEvidence = 0, peers = 0, week = NO_SHAPE } = standing ?? {};
  return {
    baselinePeriods: read.baseline.periods,
    before: read.baseline.mean,
    now: total > 0 ? bad / total : 0,
    overdispersion: read.baseline.phi,
    evidence: Math.min(MOST_EVIDENCE, Math.exp(logEvidence)),
    evidenceNeeded: needed,
    atMost: upperBound(read, policy, period),
    allowed: sharesOf(read, policy).allowed,
    peers: peers >= LEAST_PEERS ? peers : 0,
    ...(week.weeks > 0 ? { week: { weeks: week.weeks, rise: week.rise } } : {}),
  };
}

/** Why the objective does not promote, or null where it does. */
export function reasonOf(track: SliTrack, period: number, policy: JudgePolicy): Reason | null {
  const objective = track.read.sli.name;
  const { state } = judgeSli(track, period, policy);
  switch (state) {
    case 'good':
      return null;
    case 'burning':
      return burningReason(track, period, policy);
    case 'worse':
      return regressionReason(track, period);
    case 'unproven':
      return unprovenReason(track, period, policy);
    case 'noBaseline':
      return reason('baseline_missing', {
        ...{ objective, periods: track.read.baseline.periods, need: policy.minBaseline },
      });
    case 'noControls':
      return reason('controls_missing', {
        ...{ objective, have: track.standings[period - 1]?.peers ?? 0, need: LEAST_PEERS },
      });
    case 'noData':
    case 'tooFew':
      return reason('no_data', { objective });
  }
}

function burningReason({ read, standings }: SliTrack, period: number, policy: JudgePolicy): Reason | null {
  const objective = read.sli.name;
  const standing = standings[period - 1];
  if (!standing) return null;
  const { fired, peersToo, consumed } = standing.budget;
  if (fired?.rule === 'fast') return reason('slo_fast_burn', { objective, burn: rounded(fired.burn) });
  if (!fired && peersToo) return reason('slo_peers_too', { objective, peers: standing.peers });
  const since = fired ?? { consumed, period };
  const minutes = rounded((since.period * policy.periodMs) / 60_000);
  return reason('slo_burned', { objective, consumedPercent: rounded(since.consumed * 100), minutes });
}

/** Numbers of the period in which it became evident: later ones do not change the reason. */
export function regressionReason({ read, standings }: SliTrack, period: number): Reason {
  const at = standings[period - 1]?.regressedAt ?? period;
  const { bad = 0, total = 0, peers = 0 } = standings[at - 1] ?? {};
  const now = total > 0 ? bad / total : 0;
  const times = rounded(now / (read.baseline.mean > 0 ? read.baseline.mean : read.baseline.share));
  return reason('slo_regressed', {
    ...{ objective: read.sli.name, times, periods: at, peers: peers >= LEAST_PEERS ? peers : 0 },
  });
}

function unprovenReason({ read, standings }: SliTrack, period: number, policy: JudgePolicy): Reason {
  const standing = standings[period - 1];
  if (standing && isProven(standing, policy)) {
    return reason('slo_unsettled', { objective: read.sli.name, periods: standing.seen });
  }
  const atMostPercent = percent(upperBound(read, policy, period));
  const allowedPercent = percent(sharesOf(read, policy).allowed);
  return reason('slo_unproven', { objective: read.sli.name, atMostPercent, allowedPercent });
}

/** One decimal: 2.4 % is what a person reads; the evidence keeps the exact share. */
const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Two digits that count: 0.13 %, 4.2 %, 12 %. */
const percent = (share: number): number => Number((share * 100).toPrecision(2));
