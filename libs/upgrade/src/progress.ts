import type { Outcome, Progress, Reason, UpgradePhase } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { Journal, UpgradeDecision } from './journal.js';
import type { Observed } from './observed.js';
import { sameRelease } from './standing.js';

/**
 * What the screens show of a decision. `since` is when this reason began: it is kept while phase, code and node stay
 * the same, so that "waits 9 m for this pod" survives every pass in between.
 */
export function progressOf(decision: UpgradeDecision, journal: Journal, observed: Observed, at: number): Progress {
  const phase: UpgradePhase = decision.kind === 'done' ? 'done' : decision.phase;
  const why = decision.kind === 'done' ? reasonOfOutcome(decision.outcome) : decision.reason;
  const before = journal.progress;
  const same = before?.phase === phase && before.reason.code === why.code && nodeOf(before.reason) === nodeOf(why);
  return {
    orderId: journal.order.id,
    phase,
    reason: why,
    since: same ? before.since : at,
    ...counted(journal, observed),
  };
}

const nodeOf = ({ params }: Reason): string => String(params.node ?? '');

/** Nodes whose kubelet is where the order wants it, of those it is to bring there. */
function counted(journal: Journal, { nodes }: Observed): Pick<Progress, 'nodesDone' | 'nodesTotal'> {
  const { order, rollback } = journal;
  if (order.kind !== 'upgrade' && order.kind !== 'rollback') return countedOfOneAct(journal, nodes);
  const named = new Set(rollback?.batches.flat());
  const concerned = rollback ? nodes.filter(({ name }) => named.has(name)) : nodes;
  const done = concerned.filter(({ kubelet }) => sameRelease(kubelet, order.hop.to) !== (rollback !== null));
  return { nodesDone: done.length, nodesTotal: concerned.length };
}

/** A drain empties one node, a prefetch serves many; the other orders of one act change none. */
function countedOfOneAct(
  { order, steps, fetched = [] }: Journal,
  nodes: Observed['nodes'],
): Pick<Progress, 'nodesDone' | 'nodesTotal'> {
  if (order.args?.kind === 'prefetch') {
    return { nodesDone: fetched.length, nodesTotal: order.args.nodes.length || nodes.length };
  }
  const drained = Object.values(steps).some(({ step, state }) => step.kind === 'drainNode' && state === 'succeeded');
  const isDrain = order.kind === 'drain';
  return { nodesDone: isDrain && drained ? 1 : 0, nodesTotal: isDrain ? 1 : 0 };
}

/** One line on how it ended. */
export function reasonOfOutcome(outcome: Outcome): Reason {
  switch (outcome.kind) {
    case 'upgraded':
      return reason('verified', { version: outcome.standing[firstOf(outcome.standing)] ?? '' });
    case 'completed':
      return reason('order_completed');
    case 'rolledBack':
    case 'halted':
    case 'skipped':
      return outcome.reason;
    case 'lost':
      return reason('agent_lost', { since: outcome.since });
  }
}

const firstOf = (standing: Readonly<Record<string, string>>): string =>
  Object.keys(standing).find((component) => component.startsWith('apiserver/')) ?? '';
