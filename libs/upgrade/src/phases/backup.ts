import { durationMs, reason, type Reason, type Receipt } from '@wavegate/fleet';
import { SNAPSHOT_RUNS } from '../bounds.js';
import { carryOut, finishOpenSteps, goOnTo, halt, skip, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import type { Situation } from '../situation.js';
import { controlPlaneAt } from '../standing.js';
import { isInterrupted, isSpent, runsOf } from '../step-runs.js';
import { notNow } from './not-now.js';

/** No control-plane step without a fresh receipt. Only a control plane that has already arrived needs none. */
export function backup(situation: Situation): UpgradeDecision {
  const { stop, pause, order, hop, controlPlane, journal } = situation;
  if (stop) return journal.withdrawal ? skip(stop) : halt(situation, stop);
  const first = controlPlane.find((node) => !controlPlaneAt(node, hop.to));
  if (!first) return goOnTo(situation, 'controlPlane');
  const open = finishOpenSteps(situation);
  if (open) return open;
  if (!receiptProblem(situation)) return goOnTo(situation, 'controlPlane');
  return pause ? waitFor(situation, pause, order.deadline) : takeSnapshot(situation, first);
}

/** The next decision towards a receipt, or halted where none can be had. `first`: the node about to be changed. */
export function takeSnapshot(situation: Situation, first: ObservedNode): UpgradeDecision {
  const node = situation.controlPlane[0]?.name ?? first.name;
  const { last, all, name } = runsOf(situation, 'snapshotEtcd', node);
  // Nothing depends on it yet: one whose host left no word is taken anew, once the nodes are quiet again.
  const isAgain = isInterrupted(last) && !isSpent({ all });
  if (last?.state === 'failed' && !isAgain) return halt(situation, failure(last.failure));
  const unsafe = isAgain ? notNow(situation) : null;
  if (unsafe) return unsafe;
  if (all.length >= SNAPSHOT_RUNS) return halt(situation, failure(receiptProblem(situation)));
  const { verify } = situation.plan.spec.backup.etcd;
  return carryOut(situation, [{ kind: 'snapshotEtcd', name, node, verify }]);
}

const failure = (why: Reason | null): Reason =>
  why?.code === 'backup_failed'
    ? why
    : reason('backup_failed', { detail: why ? String(why.params.detail ?? why.code) : 'no receipt' });

/** In the words of its proof, where it has some. */
export function whyUnproven({ checks = [] }: Receipt): string {
  const said = checks.find((one) => /^not (restored for proof|proven by a restore): /.test(one));
  return said ? `the snapshot was ${said}` : 'the snapshot was not restored for proof';
}

/** Why the receipt at hand does not allow a control-plane step now, or null when it does. */
export function receiptProblem({ journal, plan, at }: Situation): Reason | null {
  const { receipt } = journal;
  const { verify, maxAge } = plan.spec.backup.etcd;
  if (!receipt) return reason('backup_failed', { detail: 'no receipt' });
  if (verify === 'restore' && receipt.verified !== 'restore') {
    return reason('backup_failed', { detail: whyUnproven(receipt) });
  }
  return at - receipt.takenAt > durationMs(maxAge) ? reason('receipt_stale', { takenAt: receipt.takenAt }) : null;
}
