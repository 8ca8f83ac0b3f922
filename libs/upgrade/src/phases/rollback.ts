import {
  checkSkew,
  minorDistance,
  parseVersion,
  reason,
  skewReason,
  type Outcome,
  type Reason,
  type UpgradePhase,
  type Verdict,
} from '@wavegate/fleet';
import { end, goOnTo, halt, skip, standingNow, write } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { nodesAtOnce, workOnNodes } from '../node-batch.js';
import { lookAtNode, type NodeChange } from '../node-work.js';
import type { ObservedNode } from '../observed.js';
import { cordonedByUs, poolOf, type Situation } from '../situation.js';
import { apiServers, sameRelease } from '../standing.js';
import { runsOf } from '../step-runs.js';
import { hasHelped, howItHelped } from './after-rollback.js';
import { controlPlaneRung, planesAhead, takeControlPlaneBack } from './control-plane-rollback.js';
import { beginJudging, judged, whyNotPromoted } from './judging.js';

/**
 * Rung 2 of the ladder: workers back to the kubelet they had. The control plane stays where it is; a kubelet may be up
 * to three minors older than it. In an upgrade order the batch under change goes first, is judged again, and earlier
 * batches follow only while it still burns; a person's rollback order, and a plan that says so, take all of them.
 */
export function rollback(situation: Situation): UpgradeDecision {
  if (!situation.journal.rollback) return begin(situation);
  const workers = takeWorkersBack(situation);
  if (workers) return workers;
  // Kubelets first: one newer than its API server is not allowed for a moment.
  const plane = controlPlaneRung(situation) || hasPlaneRuns(situation) ? takeControlPlaneBack(situation) : null;
  if (plane) return plane;
  return isJudgedAtTheEnd(situation) ? goOnTo(situation, 'judgeRollback') : rolledBack(situation);
}

function takeWorkersBack(situation: Situation): UpgradeDecision | null {
  for (const [index, batch] of batches(situation).entries()) {
    const nodes = batch.filter((node) => !isThrough(situation, node));
    const group = { nodes, change: backOf(situation), limit: nodesAtOnce(situation), hold: null };
    const decision = nodes.length > 0 ? workOnNodes(situation, group) : null;
    if (decision) return decision;
    if (isGradual(situation) && judgedBatches(situation) <= index) return goOnTo(situation, 'judgeRollback');
  }
  return null;
}

/** What was not judged batch by batch is judged once all of it is back, where the plan names something to measure by. */
function isJudgedAtTheEnd(situation: Situation): boolean {
  const { verdict } = situation.plan.spec;
  const measured = verdict.objectives.length + verdict.alerts.length > 0;
  const some = returnedWorkers(situation).length + planesBack(situation).length > 0;
  return measured && some && !isGradual(situation) && judgementsBegun(situation) === 0;
}

const hasPlaneRuns = ({ journal }: Situation): boolean =>
  Object.values(journal.steps).some(({ step }) => step.kind === 'rollbackControlPlane');

/**
 * Did it help? Gradual: after each batch; else once, after all of it, and only to be told.
 * Quiet (or nothing more is known): it ends here. Still burning, but clearly less than before: the next earlier batch,
 * while there is one. Still burning as before: more of the same would only cost more; it ends, and a person looks.
 */
export function judgeRollback(situation: Situation): UpgradeDecision {
  const through = batches(situation).filter((batch) => batch.every((node) => isThrough(situation, node))).length;
  if (situation.stop) return rolledBack(situation);
  const gradual = isGradual(situation);
  if (judgementsBegun(situation) < (gradual ? through : 1)) return beginJudging(situation, 'judgeRollback');
  return judged(situation, 'judgeRollback', (verdict) =>
    gradual && verdict.kind === 'rollback' && through < batches(situation).length && hasHelped(situation, verdict)
      ? goOnTo(situation, 'rollback')
      : rolledBack(situation),
  );
}

/** Not promoted after the commit: `rollback` takes the rung that the plan approved, anything else waits for a person. */
export function afterCommit(situation: Situation, verdict: Verdict, phase: UpgradePhase): UpgradeDecision {
  const why = whyNotPromoted(verdict, phase);
  return verdict.kind === 'rollback' ? rollBackOrHalt(situation, why) : halt(situation, why);
}

/**
 * After the commit: rung 2 where the plan approved it beforehand and it applies, else halted for a person. What may
 * lead here (`onBurn`, `onRegression`) was the judge's to ask: its verdict says `rollback` only where the plan does.
 */
function rollBackOrHalt(situation: Situation, why: Reason): UpgradeDecision {
  const changed = changedWorkers(situation);
  const approved = situation.plan.spec.rollback.automatic.upTo === 'worker' && situation.journal.rollback === null;
  if (!approved || changed.length === 0 || tooOld(situation, changed)) return halt(situation, why);
  return write(situation, { kind: 'rollbackBegan', reason: why, batches: inBatches(situation, changed) }, why);
}

/** A rollback order: asked by a person, so nothing is judged on the way; whether it helped is, at the end. */
function begin(situation: Situation): UpgradeDecision {
  const { order, hop, workers, journal, stop } = situation;
  if (stop) return journal.withdrawal ? skip(stop) : halt(situation, stop);
  const ahead = workers.filter(({ kubelet }) => !sameRelease(kubelet, hop.from));
  const rung = planesAhead(situation).length > 0 ? controlPlaneRung(situation) : null;
  if (ahead.length === 0 && rung === null) return nothingToUndo(situation);
  const skew = tooOld(situation, ahead);
  if (skew) return skip(skew);
  const rungs = [...(ahead.length > 0 ? [2] : []), ...(rung === null ? [] : [rung])];
  const why = reason('rollback_asked', { by: order.parent.id, rungs: rungs.join(',') });
  return write(situation, { kind: 'rollbackBegan', reason: why, batches: inBatches(situation, ahead) }, why);
}

/** Nothing is ahead; or only the control plane is, and none of the approved rungs takes it back. */
function nothingToUndo(situation: Situation): UpgradeDecision {
  const { hop } = situation;
  const stays = planesAhead(situation).length > 0;
  return skip(
    stays ? reason('no_rung_applies', { committed: hop.to }) : reason('already_at_target', { version: hop.from }),
  );
}

const isGradual = ({ order, plan }: Situation): boolean =>
  order.kind === 'upgrade' && plan.spec.rollback.automatic.gradual;

const versionBefore = ({ order, hop, journal }: Situation, { name }: ObservedNode): string =>
  order.kind === 'rollback' ? hop.from : (journal.before[`kubelet/${name}`] ?? hop.from);

const backOf =
  (situation: Situation) =>
  (node: ObservedNode): NodeChange => ({ verb: 'rollbackKubelet', to: versionBefore(situation, node) });

/** Checked against what is seen, not what was planned: may these kubelets be that old? */
function tooOld(situation: Situation, nodes: readonly ObservedNode[]): Reason | null {
  const kubelets = nodes.map((node) => ({ name: node.name, version: versionBefore(situation, node) }));
  const [violation] = checkSkew({ apiServers: apiServers(situation.observed), kubelets });
  return violation ? skewReason(violation) : null;
}

/** Workers whose kubelet this order began to change, in the order in which they were begun. */
function changedWorkers(situation: Situation): ObservedNode[] {
  const begunAt = (node: ObservedNode): number => runsOf(situation, 'upgradeKubelet', node.name).last?.intendedAt ?? 0;
  return situation.workers.filter((node) => begunAt(node) > 0).sort((a, b) => begunAt(a) - begunAt(b));
}

/**
 * Oldest batch first; filled from the newest end, so that the batch under change is whole. One zone each. Nodes that
 * were only drained are let in again with the newest batch.
 */
function inBatches(situation: Situation, nodes: readonly ObservedNode[]): string[][] {
  const found: ObservedNode[][] = [];
  for (const node of [...nodes].reverse()) {
    const batch = found.at(-1);
    if (batch && hasRoom(situation, batch, node)) batch.push(node);
    else found.push([node]);
  }
  const drained = situation.workers.filter((node) => cordonedByUs(situation, node) && !nodes.includes(node));
  found[0]?.push(...drained);
  return found.map((batch) => batch.map(({ name }) => name).sort()).reverse();
}

/** Batches go back as nodes went forward: so many of a pool at once, one zone at a time. */
function hasRoom(situation: Situation, batch: readonly ObservedNode[], node: ObservedNode): boolean {
  const { plan } = situation;
  const pool = poolOf(plan, node);
  const ofPool = batch.filter((other) => poolOf(plan, other) === pool);
  const sameZone = plan.spec.drain.acrossZones || batch[0]?.zone === node.zone;
  return sameZone && ofPool.length < nodesAtOnce(situation)(pool);
}

/** Newest first, as far as the nodes still exist. */
function batches(situation: Situation): ObservedNode[][] {
  const named = situation.journal.rollback?.batches ?? [];
  return named.map((batch) => situation.workers.filter(({ name }) => batch.includes(name))).reverse();
}

function isThrough(situation: Situation, node: ObservedNode): boolean {
  const look = lookAtNode(situation, node, backOf(situation)(node));
  return look.kind === 'done' || look.kind === 'skipped';
}

const judgementsBegun = ({ journal }: Situation): number =>
  journal.judgements.filter(({ phase }) => phase === 'judgeRollback').length;
const judgedBatches = ({ journal }: Situation): number =>
  journal.judgements.filter(({ phase, verdict }) => phase === 'judgeRollback' && verdict !== null).length;

function wasChanged({ order, journal }: Situation, { name }: ObservedNode): boolean {
  const changes = Object.values(journal.steps).filter(({ step }) => 'node' in step && step.node === name);
  const verb = order.kind === 'rollback' ? 'rollbackKubelet' : 'upgradeKubelet';
  return changes.some(({ step }) => step.kind === verb);
}

/** Says what went back and what stays, so that nobody believes that the cluster is where it was. */
function rolledBack(situation: Situation): UpgradeDecision {
  const { journal, observed, workers } = situation;
  const returned = returnedWorkers(situation);
  const why = journal.rollback?.reason ?? reason('no_rung_applies', { committed: journal.committedAt ?? 0 });
  const back = planesBack(situation);
  if (returned.length === 0 && back.length === 0) return halt(situation, why);
  const staying = apiServers(observed).filter(({ name }) => !back.includes(name));
  const planes = [
    ...new Set(staying.map(({ version }) => `control plane ${version}`)),
    ...staysOnPlanes(situation, back),
  ];
  const judged = howItHelped(situation);
  const others = workers
    .filter((node) => !returned.includes(node.name) && staysChanged(situation, node))
    .map((node) => `${node.name} ${node.kubelet}${cordonedByUs(situation, node) ? ' (cordoned)' : ''}`);
  const outcome: Outcome = {
    kind: 'rolledBack',
    rung: back.length > 0 ? rungTaken(situation) : 2,
    extent: { returned: [...back.sort(), ...returned.sort()], stays: [...planes.sort(), ...others.sort()] },
    reason: why,
    standing: standingNow(situation),
    ...(judged ? { judged } : {}),
  };
  return end(outcome);
}

/** A node that was never moved is where it was, which is no news: named is what is changed, or stays closed by us. */
function staysChanged(situation: Situation, node: ObservedNode): boolean {
  const { order, hop, journal } = situation;
  const touched = Object.values(journal.steps).some(
    ({ step }) => (step.kind === 'upgradeKubelet' || step.kind === 'rollbackKubelet') && step.node === node.name,
  );
  if (cordonedByUs(situation, node) && (touched || !node.ready)) return true;
  // A rollback order changed nothing forward: what is not where it leads back to was not taken back.
  return order.kind === 'rollback'
    ? !sameRelease(node.kubelet, hop.from)
    : touched && !sameRelease(node.kubelet, versionBefore(situation, node));
}

/** Workers that this order took back and that show it. */
function returnedWorkers(situation: Situation): string[] {
  const named = new Set(situation.journal.rollback?.batches.flat());
  const isBack = (node: ObservedNode): boolean =>
    named.has(node.name) && wasChanged(situation, node) && sameRelease(node.kubelet, versionBefore(situation, node));
  return situation.workers.filter(isBack).map(({ name }) => name);
}

/** Control-plane nodes that this order took back and that show it. */
function planesBack(situation: Situation): string[] {
  const ahead = new Set(planesAhead(situation).map(({ name }) => name));
  const done = (name: string): boolean => runsOf(situation, 'rollbackControlPlane', name).last?.state === 'succeeded';
  return situation.controlPlane.map(({ name }) => name).filter((name) => done(name) && !ahead.has(name));
}

function rungTaken({ hop }: Situation): 3 | 4 {
  const [from, to] = [parseVersion(hop.from), parseVersion(hop.to)];
  return from && to && minorDistance(from, to) === 0 ? 3 : 4;
}

/** Neither rung takes etcd back, nor a kubelet of a control-plane node that is newer by now: said beside what came back. */
function staysOnPlanes({ observed, hop }: Situation, back: readonly string[]): string[] {
  const found = observed.nodes
    .filter(({ name }) => back.includes(name))
    .flatMap(({ name, staticPods, kubelet }) => [
      ...(staticPods['etcd'] ? [`etcd ${staticPods['etcd'].version}`] : []),
      ...(sameRelease(kubelet, hop.from) ? [] : [`kubelet of ${name} ${kubelet}`]),
    ]);
  return [...new Set(found)];
}
