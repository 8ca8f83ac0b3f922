import { reason, resolveCount, type Reason } from '@wavegate/fleet';
import { NODE_READY_BOUND_MS } from './bounds.js';
import { carryOut, halt, waitFor } from './decision.js';
import type { UpgradeDecision } from './journal.js';
import { isBegun, lookAtNode, mustBeFinished, type NodeChange, type NodeLook } from './node-work.js';
import type { ObservedNode } from './observed.js';
import { poolOf, type Situation } from './situation.js';
import { lastEndedAt } from './step-runs.js';

export interface NodeGroup {
  /** In the order in which they are worked on. */
  readonly nodes: readonly ObservedNode[];
  readonly change: (node: ObservedNode) => NodeChange;
  /** Nodes out at once: in all, or of each pool. Never two zones at once, unless the plan asks for it. */
  readonly limit: number | ((pool: string) => number);
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
  const paused = inWork.find(({ look }) => look.kind === 'paused' || (look.kind === 'step' && look.paused)) ?? null;
  const mayBegin = !situation.stop && !stuck && !paused && !group.hold;
  const fresh = mayBegin ? nextNodes(situation, group.limit, { looked, unfinished, inWork }) : [];
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

interface Nodes {
  readonly looked: readonly Looked[];
  readonly unfinished: readonly Looked[];
  readonly inWork: readonly Looked[];
}

/** As many of each pool as it has room for. */
function nextNodes({ plan }: Situation, limit: NodeGroup['limit'], { looked, unfinished, inWork }: Nodes): Looked[] {
  const ready = unfinished.filter((entry) => !entry.begun && entry.node.ready);
  const zone = (inWork[0] ?? ready[0])?.node.zone;
  const candidates = ready.filter(({ node }) => plan.spec.drain.acrossZones || node.zone === zone);
  const firstOf = (room: number, belongs: (entry: Looked) => boolean): Looked[] => {
    const out = inWork.filter(belongs).length + notReadyElsewhere(looked.filter(belongs));
    return candidates.filter(belongs).slice(0, Math.max(0, room - out));
  };
  if (typeof limit === 'number') return firstOf(limit, () => true);
  const pools = [...new Set(candidates.map(({ node }) => poolOf(plan, node)))];
  return pools.flatMap((pool) => firstOf(limit(pool), ({ node }) => poolOf(plan, node) === pool));
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
  // A person clears what blocks the drain, or aborts; it is tried again by itself, and until then the reason is shown.
  if (paused?.look.kind === 'paused') return waitFor(situation, paused.look.reason, paused.look.until);
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

/** `maxUnavailable`: a number or a share of the pool's workers, rounded down, at least one. */
export function nodesAtOnce({ plan, workers }: Pick<Situation, 'plan' | 'workers'>): (pool: string) => number {
  return (pool) => {
    const all = workers.filter((node) => poolOf(plan, node) === pool);
    return resolveCount(plan.spec.drain.maxUnavailable, all.length, 'down', 1);
  };
}
