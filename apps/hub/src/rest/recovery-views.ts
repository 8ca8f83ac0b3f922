import {
  APPROVALS_NEEDED,
  APPROVE_WITHIN_MS,
  RUNGS,
  describeOutcome,
  describeReason,
  runbookOf,
  verifyRecovery,
  type ClusterFacts,
  type Recovery,
} from '@wavegate/fleet';
import type { NamedOrder } from '@wavegate/storage';
import type { z } from 'zod';
import type * as shapes from './recovery-shapes.js';
import { toReasonView, toTime } from './views.js';

type RecoveryView = z.infer<typeof shapes.RecoveryShape>;

/** What is known beside the recovery itself. */
export interface RecoveryKnown {
  readonly at: number;
  /** Rung 6: orders of the cluster that the snapshot does not know the end of. */
  readonly since: readonly NamedOrder[];
  /** The order that looked afterwards. */
  readonly look: NamedOrder | null;
  readonly facts: ClusterFacts | null;
}

export function toRecoveryView(recovery: Recovery, known: RecoveryKnown): RecoveryView {
  const { id, rung, node, order, version, askedBy, askedAt, approvals, epoch, takenAt } = recovery;
  const verification = toVerification(recovery, known);
  return {
    ...{ id, cluster: recovery.clusterName, rung, node, order, version, askedBy, epoch },
    state: stateOf(recovery, verification, known.at),
    loses: losesOf(recovery),
    askedAt: toTime(askedAt),
    approveUntil: toTime(askedAt + APPROVE_WITHIN_MS),
    approvalsNeeded: APPROVALS_NEEDED[rung],
    approvals: approvals.map(({ by, at }) => ({ by, at: toTime(at) })),
    takenAt: takenAt > 0 ? toTime(takenAt) : null,
    // Shown to nobody before it is approved: what is on a screen gets run.
    stages:
      epoch === null
        ? []
        : runbookOf(recovery).map(({ title, on, lines, until }) => ({ title, on: [...on], lines: [...lines], until })),
    lost: known.since.map(toLost),
    verification,
  };
}

function losesOf({ rung, takenAt, node }: Recovery): string {
  if (rung === 5) return `nothing of the cluster; what lies only on ${node} (emptyDir, local volumes) goes with it`;
  return `${RUNGS[6].dataLoss} (not before ${toTime(takenAt)}); volumes, load balancers and other things outside do not go back with it`;
}

function stateOf(recovery: Recovery, verification: RecoveryView['verification'], at: number): RecoveryView['state'] {
  if (verification?.good) return 'verified';
  if (recovery.epoch !== null) return 'approved';
  return at >= recovery.askedAt + APPROVE_WITHIN_MS ? 'expired' : 'asked';
}

function toLost({ order, state, createdAt, endedAt, outcome, reason }: NamedOrder): RecoveryView['lost'][number] {
  const text = outcome ? describeOutcome(outcome) : reason ? describeReason(reason) : 'its end is not known';
  return { order: order.id, kind: order.kind, state, at: toTime(endedAt ?? createdAt), text };
}

function toVerification(recovery: Recovery, { look, facts }: RecoveryKnown): RecoveryView['verification'] {
  if (!look) return null;
  const { order, outcome, findings, reason } = look;
  const base = { order: order.id, reason: reason && toReasonView(reason), ended: look.endedAt !== null };
  if (outcome?.kind === 'completed' && facts) {
    const verdict = verifyRecovery(recovery, { standing: outcome.standing, findings, facts });
    return { ...base, good: verdict.good, checks: verdict.checks.map((check) => ({ ...check })) };
  }
  const text = outcome ? describeOutcome(outcome) : 'the agent has not answered yet';
  return { ...base, good: false, checks: [{ good: false, text }] };
}
