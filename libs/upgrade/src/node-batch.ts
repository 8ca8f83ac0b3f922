import { reason, resolveCount, type Reason } from '@wavegate/fleet';
import { NODE_READY_BOUND_MS } from './bounds.js';
import { carryOut, halt, waitFor } from './decision.js';
import type { UpgradeDecision } from './journal.js';
import { isBegun, lookAtNode, mustBeFinished, type NodeChange, type NodeLook } from './node-work.js';
import type { ObservedNode } from './observed.js';
import type { Situation } from './situation.js';
import { lastEndedAt } from './step-runs.js';

export interface NodeGroup {
  /** In the order in which they are worked on. */
  readonly nodes: readonly ObservedNode[];
  readonly change: (node: ObservedNode) => NodeChange;
  /** Nodes out at once. Never two zones at once. */
  readonly limit: number;
  /** Why no further node may be begun right now, and until when that is looked at again; null = may. */
  readonly hold: { readonly reason: Reason; readonly until: number } | null;
}

interface Looked {
  readonly node: ObservedNode;
  readonly look: NodeLook;
  readonly begun: boolean;
  readonly mustEnd: boolean;
}

/**
 * The next decision on a group of nodes, or null when each is done or skipped. A node begun is finished before the
 * order stops; one that is stuck lets the others in work finish, and then halts the order; nothing new is begun
 * meanwhile.
 */
export function workOnNodes(situation: Situation, group: NodeGroup): UpgradeDecision | null {
  const looked = group.nodes.map((node) => lookedAt(situation, node, group.change(node)));
  const unfinished = looked.filter(({ look }) => look.kind !== 'done' && look.kind !== 'skipped');
  if (unfinished.length === 0) return situation.stop ? halt(situation, situation.stop) : null;
  const inWork = unfinished.filter(({ begun, mustEnd }) => (situation.stop ? mustEnd : begun));
  const stuck = inWork.find(({ look }) => look.kind === 'stuck') ?? null;
  const paused = inWork.find(({ look }) => look.kind === 'paused') ?? null;
  const mayBegin = !situation.stop && !stuck && !paused && !group.hold;
  const fresh = mayBegin ? nextNodes(unfinished, inWork, group.limit - notReadyElsewhere(looked)) : [];
  const steps = [...inWork, ...fresh].flatMap(({ look }) => (look.kind === 'step' ? [look.step] : []));
  if (steps.length > 0) return carryOut(situation, steps);
  return waitingFor(situation, group, { inWork, stuck, paused, unfinished });
}

function lookedAt(situation: Situation, node: ObservedNode, change: NodeChange): Looked {
  const look = lookAtNode(situation, node, change);
  return {
    node,
    look,
    begun: isBegun(situation, node, change),
    mustEnd: mustBeFinished(situation, node, change),
  };
}

/** Nodes that are out without us count against the limit: capacity does not ask who took it. */
function notReadyElsewhere(looked: readonly Looked[]): number {
  return looked.filter(({ node, look, begun }) => !node.ready && (!begun || look.kind === 'skipped')).length;
}

function nextNodes(unfinished: readonly Looked[], inWork: readonly Looked[], limit: number): Looked[] {
  const candidates = unfinished.filter((entry) => !entry.begun && entry.node.ready);
  const zone = (inWork[0] ?? candidates[0])?.node.zone;
  return candidates.filter(({ node }) => node.zone === zone).slice(0, Math.max(0, limit - inWork.length));
}

interface Waiting {
  readonly inWork: readonly Looked[];
  readonly stuck: Looked | null;
  readonly paused: Looked | null;
  readonly unfinished: readonly Looked[];
}

function waitingFor(situation: Situation, group: NodeGroup, { inWork, stuck, paused, unfinished }: Waiting) {
  const waits = inWork.flatMap(({ look }) => (look.kind === 'wait' ? [look] : []));
  const soonest = [...waits].sort((a, b) => a.until - b.until)[0];
  if (soonest) return waitFor(situation, soonest.reason, soonest.until);
  if (stuck && 'reason' in stuck.look) return halt(situation, stuck.look.reason);
  if (situation.stop) return halt(situation, situation.stop);
  // A person clears what blocks the drain, aborts, or lets the deadline pass: until then the reason is on the screen.
  if (paused && 'reason' in paused.look) return waitFor(situation, paused.look.reason, situation.order.deadline);
  if (group.hold) return waitFor(situation, group.hold.reason, group.hold.until);
  return untilNodesReturn(situation, unfinished);
}

/** There is work, but nodes that we did not touch are out: wait for them, not for ever. */
function untilNodesReturn(situation: Situation, unfinished: readonly Looked[]): UpgradeDecision {
  const until = lastEndedAt(situation.journal) + NODE_READY_BOUND_MS;
  const out = unfinished.find(({ node }) => !node.ready) ?? unfinished[0];
  const why = reason('node_not_ready', { node: out?.node.name ?? '', until });
  return situation.at < until ? waitFor(situation, why, until) : halt(situation, why);
}

/** `maxUnavailable`: a number or a share of the workers, rounded down, at least one. */
export function nodesAtOnce({ plan, workers: all }: Situation): number {
  return resolveCount(plan.spec.drain.maxUnavailable, all.length, 'down', 1);
}
