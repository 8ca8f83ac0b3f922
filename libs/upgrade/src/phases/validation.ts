import { reason } from '@wavegate/fleet';
import { VALIDATE_AGAIN_MS, VALIDATION_BOUND_MS } from '../bounds.js';
import { carryOut, finishOpenSteps, halt, waitFor } from '../decision.js';
import type { Journal, StepRecord, UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import { runsOf } from '../step-runs.js';

/**
 * The validation after an upgrade: the preflight's registry once more, compared with the picture taken before.
 *
 * It looks once as soon as every version shows, so that people read early what is amiss, and never stands between a
 * verdict and its rollback. Only an attempt that would end as upgraded is held by what blocks: pods that a drain moved
 * get VALIDATION_BOUND_MS after the last change to be ready elsewhere, and then the attempt halts, the finding named.
 */
export function firstValidation(situation: Situation): UpgradeDecision | null {
  const open = finishOpenSteps(situation);
  if (open) return open;
  const { last, name } = runsOf(situation, 'validate');
  return last ? null : carryOut(situation, [{ kind: 'validate', name, target: situation.hop.to }]);
}

/** `then`, once nothing blocks. */
export function unlessInvalid(situation: Situation, then: (situation: Situation) => UpgradeDecision): UpgradeDecision {
  const begun = firstValidation(situation);
  if (begun) return begun;
  const { last, name } = runsOf(situation, 'validate');
  const why = last ? whatBlocks(situation.journal, last) : null;
  if (!last || !why) return then(situation);
  const endedAt = last.endedAt ?? situation.at;
  const until = lastChangeAt(situation.journal) + VALIDATION_BOUND_MS;
  // Judged by a look from after the bound: an old one says how it was while pods were still on their way.
  if (endedAt >= until) return halt(situation, reason('validation_failed', why));
  const again = endedAt + VALIDATE_AGAIN_MS;
  if (situation.at >= again) return carryOut(situation, [{ kind: 'validate', name, target: situation.hop.to }]);
  return waitFor(situation, reason('validation_waiting', { ...why, until }), again);
}

interface Blocking {
  /** 0: the look itself failed, and `first` says why. */
  readonly findings: number;
  readonly first: string;
  readonly object: string;
}

function whatBlocks({ findings }: Journal, { failure }: StepRecord): Blocking | null {
  if (failure) return { findings: 0, first: String(failure.params.detail ?? failure.code), object: '' };
  const blocking = findings.filter(({ phase, severity }) => phase === 'after' && severity === 'block');
  const [first] = blocking;
  return first ? { findings: blocking.length, first: first.code, object: first.object } : null;
}

/** When something last ended that may have moved a pod: looking moves none. */
function lastChangeAt({ steps, startedAt, acceptedAt }: Journal): number {
  const ends = Object.values(steps).flatMap(({ step, endedAt }) => (step.kind === 'validate' ? [] : [endedAt ?? 0]));
  return Math.max(startedAt ?? acceptedAt, ...ends);
}
