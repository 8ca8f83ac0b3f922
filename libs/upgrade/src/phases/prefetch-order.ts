import { reason, type FetchedNode, type PrefetchArgs, type Reason } from '@wavegate/fleet';
import { PREFETCH_AT_ONCE, STEP_RUNS } from '../bounds.js';
import { carryOut, complete, end, finishOpenSteps, standingNow } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { ObservedNode } from '../observed.js';
import type { Situation } from '../situation.js';
import { controlPlaneAt, sameRelease } from '../standing.js';
import type { Step } from '../step.js';
import { openRuns, runsOf, timedOut } from '../step-runs.js';
import { endOneAct, oneActProblem } from './one-act.js';

/**
 * Lays the target's packages and images onto nodes, a few at a time, and touches nothing that runs.
 *
 * A node that cannot be served does not keep the others from it: each is tried, and at the end those that lack something
 * are named with the first reason. Asking again fetches only what is missing.
 */
export function prefetchOrder(situation: Situation): UpgradeDecision {
  const { args } = situation.order;
  if (args?.kind !== 'prefetch') return endOneAct(situation, reason('order_malformed', { field: 'args' }));
  const problem = oneActProblem(situation) ?? unknownNode(situation, args);
  if (problem) return endOneAct(situation, problem);
  const wanted = wantedNodes(situation, args);
  if (wanted.length === 0) return endOneAct(situation, reason('nothing_to_prefetch', { version: situation.hop.to }));
  const open = openRuns(situation.journal);
  if (open.some((run) => timedOut(situation, run) !== null)) return finishOpenSteps(situation) ?? complete(situation);
  const begun = new Set(open.map(({ step }) => step.name));
  const next = wanted
    .filter((node) => isToBeServed(situation, node))
    .map((node) => stepOn(situation, node))
    .filter(({ name }) => !begun.has(name))
    .slice(0, Math.max(0, PREFETCH_AT_ONCE - open.length));
  const steps = [...open.map(({ step }) => step), ...next];
  return steps.length > 0 ? carryOut(situation, steps) : afterAll(situation, wanted);
}

function unknownNode({ observed }: Situation, { nodes }: PrefetchArgs): Reason | null {
  const unknown = nodes.find((name) => observed.nodes.every((node) => node.name !== name));
  return unknown === undefined ? null : reason('node_unknown', { node: unknown });
}

/** Those that were asked for and are not at the target already. */
function wantedNodes({ observed, hop }: Situation, { nodes }: PrefetchArgs): readonly ObservedNode[] {
  const isThere = (node: ObservedNode): boolean =>
    sameRelease(node.kubelet, hop.to) && (node.role === 'worker' || controlPlaneAt(node, hop.to));
  return observed.nodes
    .filter(({ name }) => nodes.length === 0 || nodes.includes(name))
    .filter((node) => !isThere(node))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A node that is not Ready is left for the end: its Job would only wait, and it may come back meanwhile. */
function isToBeServed(situation: Situation, node: ObservedNode): boolean {
  const { last, failed } = runsOf(situation, 'prefetchNode', node.name);
  return last?.state !== 'succeeded' && failed < STEP_RUNS && node.ready;
}

function stepOn(situation: Situation, { name: node }: ObservedNode): Step {
  const { from, to } = situation.hop;
  return { kind: 'prefetchNode', name: runsOf(situation, 'prefetchNode', node).name, node, from, to };
}

function afterAll(situation: Situation, wanted: readonly ObservedNode[]): UpgradeDecision {
  const fetched = [...(situation.journal.fetched ?? [])].sort((a, b) => (a.node < b.node ? -1 : 1));
  const missing = wanted.filter(({ name }) => runsOf(situation, 'prefetchNode', name).last?.state !== 'succeeded');
  const [first] = missing;
  if (!first) return withFetched(complete(situation), fetched);
  const why = reason('prefetch_incomplete', {
    ...{ have: wanted.length - missing.length, of: wanted.length, nodes: named(missing) },
    detail: `${first.name}: ${whyMissing(situation, first)}`,
  });
  return withFetched(end({ kind: 'halted', reason: why, standing: standingNow(situation), cordoned: [] }), fetched);
}

function withFetched(decision: UpgradeDecision, fetched: readonly FetchedNode[]): UpgradeDecision {
  if (decision.kind !== 'done') return decision;
  const { outcome } = decision;
  return outcome.kind === 'completed' || outcome.kind === 'halted' ? end({ ...outcome, fetched }) : decision;
}

const NAMED = 5;

function named(nodes: readonly ObservedNode[]): string {
  const more = nodes.length - NAMED;
  const names = nodes.slice(0, NAMED).map(({ name }) => name);
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function whyMissing(situation: Situation, { name, ready }: ObservedNode): string {
  const { last } = runsOf(situation, 'prefetchNode', name);
  if (!last?.failure) return ready ? 'not tried' : 'the node is not Ready';
  return String(last.failure.params.detail ?? last.failure.code);
}
