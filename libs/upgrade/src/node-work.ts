import { durationMs, reason, type Reason } from '@wavegate/fleet';
import { DRAIN_AGAIN_MS, NODE_READY_BOUND_MS, OBSERVATION_LAG_MS, SETTLE_BOUND_MS, STEP_RUNS } from './bounds.js';
import type { StepRecord } from './journal.js';
import type { ObservedNode } from './observed.js';
import { cordonedByUs, type Situation } from './situation.js';
import { sameRelease } from './standing.js';
import type { Step } from './step.js';
import { isSettled, settlesAt } from './settled.js';
import { isInterrupted, isSpent, openRuns, runsOf, timedOut } from './step-runs.js';

/** What is to become of a node's kubelet: forward in an upgrade, back in a rollback. */
export interface NodeChange {
  readonly verb: 'upgradeKubelet' | 'rollbackKubelet';
  readonly to: string;
}

/**
 * What one node needs next, seen afresh: drain → kubelet → Ready at the version → uncordon.
 *
 * step     carry this out; `paused`: it is tried on, but a person must clear what blocks it
 * wait     something must show first, until then
 * paused   a person must clear what blocks it; tried again from `until` on
 * stuck    nothing more is done to it, and no further node is begun
 * skipped  left as it is by the plan's word
 * done     Ready at the version, and our cordon gone
 */
export type NodeLook =
  | { readonly kind: 'step'; readonly step: Step; readonly paused?: boolean }
  | { readonly kind: 'wait' | 'paused'; readonly reason: Reason; readonly until: number }
  | { readonly kind: 'stuck'; readonly reason: Reason }
  | { readonly kind: 'skipped' | 'done' };

export function lookAtNode(situation: Situation, node: ObservedNode, change: NodeChange): NodeLook {
  const open = openRuns(situation.journal).find(({ step }) => 'node' in step && step.node === node.name);
  if (open) return resumed(situation, open);
  return sameRelease(node.kubelet, change.to)
    ? arrived(situation, node, change)
    : (kubeletLook(situation, node, change) ?? { kind: 'step', step: kubeletStep(situation, node, change) });
}

function resumed(situation: Situation, open: StepRecord): NodeLook {
  const late = timedOut(situation, open);
  if (late) return { kind: 'stuck', reason: late };
  return { kind: 'step', step: open.step, ...(isPausedDrain(situation, open) ? { paused: true } : {}) };
}

/** Beyond its timeout, in this run or in one before: nothing else is begun until a person has cleared what blocks it. */
function isPausedDrain(situation: Situation, { step, intendedAt, begunAt = intendedAt }: StepRecord): boolean {
  const { timeout, onTimeout } = situation.plan.spec.drain;
  if (step.kind !== 'drainNode' || onTimeout !== 'pause') return false;
  const isLate = situation.at >= begunAt + durationMs(timeout);
  return isLate || runsOf(situation, 'drainNode', step.node).all.some(isBlocked);
}

/** At the version: Ready, then let pods in again. */
function arrived(situation: Situation, node: ObservedNode, change: NodeChange): NodeLook {
  if (!node.ready) return untilReady(situation, node, change);
  const again = interruptedLook(situation, node, change);
  if (again) return again;
  return cordonedByUs(situation, node) ? uncordon(situation, node) : { kind: 'done' };
}

function untilReady(situation: Situation, node: ObservedNode, change: NodeChange): NodeLook {
  const since = runsOf(situation, change.verb, node.name).last?.endedAt ?? node.readySince;
  const until = since + NODE_READY_BOUND_MS;
  const why = reason('node_not_ready', { node: node.name, until });
  return situation.at < until ? { kind: 'wait', reason: why, until } : { kind: 'stuck', reason: why };
}

export function uncordon(situation: Situation, node: ObservedNode): NodeLook {
  const runs = runsOf(situation, 'uncordonNode', node.name);
  if (runs.failed >= STEP_RUNS) return stuckOn(node, runs.last);
  return (
    notShownYet(situation, runs.last) ?? {
      kind: 'step',
      step: { kind: 'uncordonNode', name: runs.name, node: node.name },
    }
  );
}

/**
 * The host left no word of the step's end: it is begun again once the node is back, a control-plane node also settled.
 * At the new version too: a package manager that was cut off has to be finished. Null where the last run ended by its word.
 */
function interruptedLook(situation: Situation, node: ObservedNode, change: NodeChange): NodeLook | null {
  const runs = runsOf(situation, change.verb, node.name);
  if (!isInterrupted(runs.last)) return null;
  if (isSpent(runs)) return stuckOn(node, runs.last);
  if (!node.ready) return untilReady(situation, node, change);
  if (node.role === 'controlPlane' && !isSettled(situation, node)) return untilQuiet(situation, node, runs.last);
  if (!isOut(situation, node)) return drainLook(situation, node);
  return { kind: 'step', step: { ...runs.last.step, name: runs.name } };
}

function untilQuiet(situation: Situation, node: ObservedNode, { endedAt }: StepRecord): NodeLook {
  const bound = (endedAt ?? situation.at) + SETTLE_BOUND_MS;
  const until = Math.min(settlesAt(situation, node) ?? bound, bound);
  if (situation.at < bound) return { kind: 'wait', reason: reason('settling', { node: node.name, until }), until };
  return { kind: 'stuck', reason: reason('node_not_ready', { node: node.name, until: bound }) };
}

/** Everything that comes before the kubelet step; null when the node is out and its kubelet may be changed. */
function kubeletLook(situation: Situation, node: ObservedNode, change: NodeChange): NodeLook | null {
  const runs = runsOf(situation, change.verb, node.name);
  if (isSpent(runs)) return stuckOn(node, runs.last);
  const again = interruptedLook(situation, node, change);
  if (again) return again;
  if (runs.last?.state === 'succeeded') return untilVersionShows(situation, node, { ...change, ended: runs.last });
  return isOut(situation, node) ? null : drainLook(situation, node);
}

/** The step's own word is never enough: the node must say its version itself. */
function untilVersionShows(
  { at }: Situation,
  node: ObservedNode,
  { to, ended }: NodeChange & { readonly ended: StepRecord },
): NodeLook {
  const until = (ended.endedAt ?? at) + NODE_READY_BOUND_MS;
  if (at < until) return { kind: 'wait', reason: reason('node_not_ready', { node: node.name, until }), until };
  const component = `kubelet/${node.name}`;
  return { kind: 'stuck', reason: reason('version_mismatch', { component, expected: to, observed: node.kubelet }) };
}

/** Pods are off it and none comes back; or there is nowhere for them to go, and the plan consented to that. */
function isOut(situation: Situation, node: ObservedNode): boolean {
  if (isNotDrained(situation, node)) return true;
  const drained =
    cordonedByUs(situation, node) || runsOf(situation, 'drainNode', node.name).last?.state === 'succeeded';
  return node.cordoned && node.podsToEvict === 0 && drained;
}

/** On a single-node cluster nothing is drained away: `topology: singleNode` consents to the downtime. */
export function isNotDrained({ plan, observed }: Situation, node: ObservedNode): boolean {
  return plan.spec.topology === 'singleNode' && !observed.nodes.some((other) => other !== node && isSchedulable(other));
}

/** Ready and open, whoever might have closed it. Taints are not seen here. */
export const isSchedulable = (node: ObservedNode): boolean => node.ready && !node.cordoned;

/** The drain of one node: asked for, waited for, or at an end that the plan's `onTimeout` decides. */
export function drainLook(situation: Situation, node: ObservedNode): NodeLook {
  const runs = runsOf(situation, 'drainNode', node.name);
  const { last } = runs;
  if (last?.state === 'failed' && isBlocked(last)) return afterDrainTimeout(situation, node, last);
  // A drain that succeeds again and again while pods come back never ends by itself.
  if (runs.failed >= STEP_RUNS || runs.all.length > 2 * STEP_RUNS) return stuckOn(node, last);
  return notShownYet(situation, last) ?? { kind: 'step', step: drainStep(situation, node) };
}

function drainStep(situation: Situation, { name: node }: ObservedNode): Step {
  const timeoutMs = durationMs(situation.plan.spec.drain.timeout);
  return { kind: 'drainNode', name: runsOf(situation, 'drainNode', node).name, node, timeoutMs };
}

const isBlocked = ({ failure }: StepRecord): boolean =>
  failure?.code === 'drain_timed_out' || failure?.code === 'drain_blocked';

function afterDrainTimeout(situation: Situation, node: ObservedNode, { failure, endedAt }: StepRecord): NodeLook {
  const why = failure ?? reason('drain_timed_out', { node: node.name, pod: '', pdb: '' });
  switch (situation.plan.spec.drain.onTimeout) {
    case 'skipNode':
      return cordonedByUs(situation, node) ? uncordon(situation, node) : { kind: 'skipped' };
    case 'pause': {
      const until = (endedAt ?? situation.at) + DRAIN_AGAIN_MS;
      if (situation.at < until) return { kind: 'paused', reason: why, until };
      return { kind: 'step', step: drainStep(situation, node), paused: true };
    }
    case 'failCluster':
      return { kind: 'stuck', reason: why };
  }
}

/** Evidence younger than the observer's lag is not contradicted: wait for it to show instead of doing it again. */
function notShownYet({ at }: Situation, last: StepRecord | null): NodeLook | null {
  const until = (last?.endedAt ?? 0) + OBSERVATION_LAG_MS;
  if (last?.state !== 'succeeded' || at >= until) return null;
  const node = 'node' in last.step ? last.step.node : '';
  return { kind: 'wait', reason: reason('settling', { node, until }), until };
}

function stuckOn(node: ObservedNode, last: StepRecord | null): NodeLook {
  const step = last?.step.kind ?? 'drainNode';
  // Reasons that name the node say more than any step's failure.
  if (last?.failure && last.failure.code !== 'step_failed' && 'node' in last.failure.params) {
    return { kind: 'stuck', reason: last.failure };
  }
  const detail = last?.failure ? String(last.failure.params.detail ?? last.failure.code) : 'pods keep coming back';
  return { kind: 'stuck', reason: reason('step_failed', { step, node: node.name, detail }) };
}

function kubeletStep(situation: Situation, node: ObservedNode, { verb, to }: NodeChange): Step {
  return { kind: verb, name: runsOf(situation, verb, node.name).name, node: node.name, from: node.kubelet, to };
}

/** Something of this order was begun on the node (since a rollback began, where one did). */
export function isBegun(situation: Situation, node: ObservedNode, { verb }: NodeChange): boolean {
  const ran = (kind: Step['kind']): boolean => runsOf(situation, kind, node.name).all.length > 0;
  return cordonedByUs(situation, node) || ran('drainNode') || ran(verb);
}

/** Its kubelet may be half-way: the node is finished even when the order is to stop. One only drained is let go. */
export function mustBeFinished(situation: Situation, node: ObservedNode, { verb }: NodeChange): boolean {
  return runsOf(situation, verb, node.name).all.length > 0;
}
