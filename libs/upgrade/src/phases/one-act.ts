import { reason, type Reason } from '@wavegate/fleet';
import { carryOut, finishOpenSteps, halt, skip } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import type { Step, StepKind } from '../step.js';
import { runsOf } from '../step-runs.js';

/** Ends an order of one act: skipped while nothing was begun, halted afterwards. */
export function endOneAct(situation: Situation, why: Reason): UpgradeDecision {
  const begun = Object.keys(situation.journal.steps).length > 0;
  return begun ? halt(situation, why) : skip(why);
}

/** Why an order of one act may not go on: it was taken back, its time is over, or this is another cluster. */
export function oneActProblem({ observed, order, stop }: Situation): Reason | null {
  if (observed.uid !== order.clusterUid) {
    return reason('cluster_uid_mismatch', { expected: order.clusterUid, found: observed.uid });
  }
  return stop;
}

export interface OneAct {
  readonly kind: StepKind;
  /** '' for a step of the whole cluster. */
  readonly node: string;
  readonly step: (name: string) => Step;
  /** How often it is run in all where it fails. */
  readonly runs: number;
  readonly failed: (why: Reason) => Reason;
}

/** Carries out the one step; null once it has succeeded. */
export function carryOutOneAct(situation: Situation, act: OneAct): UpgradeDecision | null {
  const problem = oneActProblem(situation);
  if (problem) return endOneAct(situation, problem);
  const open = finishOpenSteps(situation);
  if (open) return open;
  const { last, failed, name } = runsOf(situation, act.kind, act.node);
  if (last?.state === 'succeeded') return null;
  if (last?.failure && failed >= act.runs) return halt(situation, act.failed(last.failure));
  return carryOut(situation, [act.step(name)]);
}

/** The failure in the words of the order, unless it already is: "the backup failed: …". */
export function inWordsOf(code: 'backup_failed' | 'restore_failed'): (why: Reason) => Reason {
  return (why) => (why.code === code ? why : reason(code, { detail: String(why.params.detail ?? why.code) }));
}
