import {
  durationMs,
  ORDER_KINDS,
  reason,
  type Order,
  type OrderKind,
  type Reason,
  type UpgradePhase,
} from '@wavegate/fleet';
import { SETTLE_BOUND_MS } from './bounds.js';
import { end, finishOpenSteps, halt, skip, waitFor } from './decision.js';
import type { UpgradeDecision } from './journal.js';
import { backup } from './phases/backup.js';
import { backupOrder } from './phases/backup-order.js';
import { commit } from './phases/commit.js';
import { controlPlane } from './phases/control-plane.js';
import { judgeCanary, judgeControlPlane } from './phases/judge-change.js';
import { drainOrder } from './phases/drain-order.js';
import { nodeCanary } from './phases/node-canary.js';
import { preflight } from './phases/preflight.js';
import { preflightOrder } from './phases/preflight-order.js';
import { prefetchOrder } from './phases/prefetch-order.js';
import { restoreOrder } from './phases/restore-order.js';
import { judgeRollback, rollback } from './phases/rollback.js';
import { judgeFinal, verify } from './phases/verify.js';
import { workers } from './phases/workers.js';
import { openRuns } from './step-runs.js';
import { situationOf, type Situation, type UpgradeInput } from './situation.js';

type Decide = (situation: Situation) => UpgradeDecision;

const PHASES: Readonly<Record<UpgradePhase, Decide>> = {
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
  drain: drainOrder,
  restore: restoreOrder,
  prefetch: prefetchOrder,
  done: (situation) => halt(situation, reason('aborted_mid_order')),
};

const byPhase: Decide = (situation) => PHASES[situation.journal.phase](situation);

/** An upgrade goes through phases; the other orders are one act, whatever phase their journal names. */
const ORDERS: Readonly<Record<OrderKind, Decide>> = {
  upgrade: byPhase,
  rollback: byPhase,
  preflight: preflightOrder,
  backup: backupOrder,
  drain: drainOrder,
  restore: restoreOrder,
  prefetch: prefetchOrder,
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
  if (isOfPhases(order) && observed.uid !== order.clusterUid && journal.phase !== 'preflight') {
    return halt(situation, reason('cluster_uid_mismatch', { expected: order.clusterUid, found: observed.uid }));
  }
  return ORDERS[order.kind](situation);
}

const isOfPhases = ({ kind }: Order): boolean => kind === 'upgrade' || kind === 'rollback';

/** The outage of the only control-plane node under its step is announced, not reported: with the moment it should be over. */
function declared(situation: Situation, open: UpgradeDecision): UpgradeDecision {
  const { controlPlane, observed, plan, journal } = situation;
  const [only, other] = controlPlane;
  const restarts = openRuns(journal).some(({ step }) => RESTARTS_API.includes(step.kind));
  if (open.kind !== 'steps' || !only || other || !restarts) return open;
  const since = observed.reachableSince;
  const until = since + durationMs(plan.spec.verdict.allowance.controlPlane);
  return { ...open, reason: reason('api_away_as_declared', { node: only.name, since, until }) };
}

const RESTARTS_API: readonly string[] = ['upgradeControlPlane', 'rollbackControlPlane', 'upgradeKubelet'];

/** Kinds that this engine carries out; the others (a newer hub's) are refused before anything is journaled. */
export function refusesKind({ kind }: Pick<Order, 'kind'>): Reason | null {
  return ORDER_KINDS.includes(kind) ? null : reason('order_unknown_kind', { kind });
}

/**
 * No API server answers: a single control plane under upgrade is away for two minutes, which is no failure. What was
 * begun is carried on, nothing new is begun, and it is waited for, not for ever.
 */
function withoutApi(situation: Situation): UpgradeDecision {
  const open = finishOpenSteps(situation);
  if (open) return declared(situation, open);
  const since = situation.observed.reachableSince;
  const why = reason('api_unreachable', { since });
  const until = since + SETTLE_BOUND_MS;
  return situation.at < until ? waitFor(situation, why, until) : halt(situation, why);
}
