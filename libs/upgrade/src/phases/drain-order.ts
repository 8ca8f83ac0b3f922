import { reason, type DrainArgs, type Reason } from '@wavegate/fleet';
import { carryOut, complete, halt, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { drainLook, isSchedulable, uncordon, type NodeLook } from '../node-work.js';
import type { ObservedNode } from '../observed.js';
import { cordonedByUs, type Situation } from '../situation.js';
import { openRuns, runsOf, timedOut } from '../step-runs.js';
import { endOneAct, oneActProblem } from './one-act.js';

/**
 * Empties one node by the plan's drain policy.
 *
 * not begun    the node must be the one that was meant, and not the last that takes pods, unless the plan consents
 * draining     carried out, or waited for, as a node of an upgrade is
 * paused       a person must clear what blocks it (`onTimeout: pause`); tried on by itself until the deadline
 * empty        stays closed under this order's cordon, or is opened again (`uncordonAfter`)
 */
export function drainOrder(situation: Situation): UpgradeDecision {
  const { args } = situation.order;
  if (args?.kind !== 'drain') return endOneAct(situation, reason('order_malformed', { field: 'args' }));
  const problem = oneActProblem(situation) ?? wrongNode(situation, args);
  if (problem) return endOneAct(situation, problem);
  const node = situation.observed.nodes.find(({ name }) => name === args.node);
  if (!node) return endOneAct(situation, reason('node_unknown', { node: args.node }));
  const open = openRuns(situation.journal)[0];
  if (open) {
    const late = timedOut(situation, open);
    return late ? halt(situation, late) : carryOut(situation, [open.step]);
  }
  return act(
    situation,
    node,
    isEmptied(situation, node, args) ? afterDrain(situation, node, args) : drainLook(situation, node),
  );
}

/** Looked at at every pass: a node may be replaced by one of the same name while its drain is blocked. */
function wrongNode({ observed, plan, journal }: Situation, { node: name, nodeUid }: DrainArgs): Reason | null {
  const node = observed.nodes.find((one) => one.name === name);
  if (!node) return reason('node_unknown', { node: name });
  // An observer of an older agent does not say; then the name alone decides, as it did there.
  if (nodeUid !== '' && node.uid !== undefined && node.uid !== nodeUid) {
    return reason('node_uid_mismatch', { node: name, expected: nodeUid, found: node.uid });
  }
  const others = observed.nodes.some((other) => other !== node && isSchedulable(other));
  const begun = Object.keys(journal.steps).length > 0;
  const consented = plan.spec.topology === 'singleNode';
  return others || begun || consented ? null : reason('last_schedulable_node', { node: name });
}

/**
 * The drain said so, or a person cleared what blocked it. Emptied once is emptied: with `uncordonAfter` pods are back on
 * the node before the order ends. A node that `skipNode` let go was never empty, although it was opened again.
 */
function isEmptied(situation: Situation, node: ObservedNode, { uncordonAfter }: DrainArgs): boolean {
  const { last } = runsOf(situation, 'drainNode', node.name);
  const waits = situation.plan.spec.drain.onTimeout === 'pause';
  if (!last || (last.state !== 'succeeded' && !waits)) return false;
  if (uncordonAfter && runsOf(situation, 'uncordonNode', node.name).last) return true;
  return node.cordoned && node.podsToEvict === 0;
}

function afterDrain(situation: Situation, node: ObservedNode, { uncordonAfter }: DrainArgs): NodeLook {
  return uncordonAfter && cordonedByUs(situation, node) ? uncordon(situation, node) : { kind: 'done' };
}

function act(situation: Situation, node: ObservedNode, look: NodeLook): UpgradeDecision {
  switch (look.kind) {
    case 'step':
      return carryOut(situation, [look.step]);
    case 'wait':
    case 'paused':
      return waitFor(situation, look.reason, look.until);
    case 'stuck':
      return halt(situation, look.reason);
    case 'skipped':
      return halt(situation, whyLeft(situation, node));
    case 'done':
      return complete(situation, cordonedByUs(situation, node) ? [node.name] : []);
  }
}

/** `onTimeout: skipNode` lets the node go; of a drain that was all there was to do. */
function whyLeft(situation: Situation, node: ObservedNode): Reason {
  const { last } = runsOf(situation, 'drainNode', node.name);
  return last?.failure ?? reason('drain_timed_out', { node: node.name, pod: '', pdb: '' });
}
