import { reason, type Order, type Reason, type UpgradePhase } from '@wavegate/fleet';
import { SETTLE_BOUND_MS } from './bounds.js';
import { end, finishOpenSteps, halt, skip, waitFor } from './decision.js';
import type { UpgradeDecision } from './journal.js';
import { backup } from './phases/backup.js';
import { commit } from './phases/commit.js';
import { controlPlane } from './phases/control-plane.js';
import { judgeCanary, judgeControlPlane } from './phases/judge-change.js';
import { nodeCanary } from './phases/node-canary.js';
import { preflight } from './phases/preflight.js';
import { judgeRollback, rollback } from './phases/rollback.js';
import { judgeFinal, verify } from './phases/verify.js';
import { workers } from './phases/workers.js';
import { situationOf, type Situation, type UpgradeInput } from './situation.js';

const PHASES: Readonly<Record<UpgradePhase, (situation: Situation) => UpgradeDecision>> = {
  preflight,
  backup,
  controlPlane,
  judgeControlPlane,
  commit,
  nodeCanary,
  judgeCanary,
  workers,
  verify,
  judgeFinal,
  rollback,
  judgeRollback,
  done: (situation) => halt(situation, reason('aborted_mid_order')),
};

/**
 * What one cluster should do next. Level-triggered: it looks at the cluster as it is now, at what the journal says was
 * intended and learnt, and asks for the next steps, a line in the journal, a wait, or the end. Asked twice about the
 * same, it answers the same; nothing is believed because it was once done.
 */
export function decide(input: UpgradeInput): UpgradeDecision {
  const situation = situationOf(input);
  const { journal, observed, order } = situation;
  if (journal.outcome) return end(journal.outcome);
  const unknown = refusesKind(order);
  if (unknown) return skip(unknown);
  if (!observed.reachable) return withoutApi(situation);
  if (observed.uid !== order.clusterUid && journal.phase !== 'preflight') {
    return halt(situation, reason('cluster_uid_mismatch', { expected: order.clusterUid, found: observed.uid }));
  }
  return PHASES[journal.phase](situation);
}

/** Kinds that this engine carries out; the others are refused before anything is journaled. */
export function refusesKind({ kind }: Pick<Order, 'kind'>): Reason | null {
  return kind === 'upgrade' || kind === 'rollback' ? null : reason('order_unknown_kind', { kind });
}

/**
 * No API server answers: a single control plane under upgrade is away for two minutes, which is no failure. What was
 * begun is carried on, nothing new is begun, and it is waited for, not for ever.
 */
function withoutApi(situation: Situation): UpgradeDecision {
  const open = finishOpenSteps(situation);
  if (open) return open;
  const since = situation.observed.reachableSince;
  const why = reason('api_unreachable', { since });
  const until = since + SETTLE_BOUND_MS;
  return situation.at < until ? waitFor(situation, why, until) : halt(situation, why);
}
