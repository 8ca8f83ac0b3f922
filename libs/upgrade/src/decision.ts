import { reason, type Outcome, type Reason, type Standing, type UpgradePhase } from '@wavegate/fleet';
import type { Note, UpgradeDecision } from './journal.js';
import { cordonedByUs, type Situation } from './situation.js';
import { standing } from './standing.js';
import type { Step } from './step.js';
import { openRuns, reasonOfStep, timedOut } from './step-runs.js';

export function carryOut({ journal }: Situation, steps: readonly Step[]): UpgradeDecision {
  const [first] = steps;
  if (!first) throw new RangeError('carryOut: no step');
  return { kind: 'steps', phase: journal.phase, steps, reason: reasonOfStep(first) };
}

/** Waits until something changes, at the latest until `until`, and never beyond the deadline while that is ahead. */
export function waitFor({ journal, order, at }: Situation, why: Reason, until: number): UpgradeDecision {
  const latest = at < order.deadline ? Math.min(until, order.deadline) : until;
  return { kind: 'wait', phase: journal.phase, reason: why, until: Math.max(at + 1, latest) };
}

export function write({ journal }: Situation, note: Note, why: Reason = reason('gate_passed')): UpgradeDecision {
  return { kind: 'note', phase: journal.phase, note, reason: why };
}

export function goOnTo(situation: Situation, phase: UpgradePhase): UpgradeDecision {
  return write(situation, { kind: 'phaseReached', phase });
}

export function end(outcome: Outcome): UpgradeDecision {
  return { kind: 'done', outcome };
}

/** Stopped where it stands. Names what stands at which version and which nodes our cordon keeps out. */
export function halt(situation: Situation, why: Reason): UpgradeDecision {
  const cordoned = situation.observed.nodes.filter((node) => cordonedByUs(situation, node)).map(({ name }) => name);
  return end({ kind: 'halted', reason: why, standing: standingNow(situation), cordoned: cordoned.sort() });
}

/** An order of one act did what it was asked. `cordoned`: nodes that it leaves closed on purpose. */
export function complete(situation: Situation, cordoned: readonly string[] = []): UpgradeDecision {
  const { receipt } = situation.journal;
  const receipts = receipt ? [receipt] : [];
  return end({ kind: 'completed', standing: standingNow(situation), cordoned, receipts });
}

/** Ended before anything was touched. */
export function skip(why: Reason): UpgradeDecision {
  return end({ kind: 'skipped', reason: why });
}

/** The last known picture; what stood at the start where the cluster has not been seen since. */
export function standingNow({ observed, journal }: Situation): Standing {
  return observed.nodes.length > 0 ? standing(observed) : journal.before;
}

/** Steps that were begun and have not ended, again by their names; null when there are none. */
export function finishOpenSteps(situation: Situation): UpgradeDecision | null {
  const open = openRuns(situation.journal);
  if (open.length === 0) return null;
  const late = open.map((run) => timedOut(situation, run)).find((why) => why !== null);
  return late
    ? halt(situation, late)
    : carryOut(
        situation,
        open.map(({ step }) => step),
      );
}
