import {
  checkSkew,
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
import { cordonedByUs, type Situation } from '../situation.js';
import { apiServers, sameRelease } from '../standing.js';
import { runsOf } from '../step-runs.js';
import { beginJudging, judged, whyNotPromoted } from './judging.js';

/**
 * Rung 2 of the ladder: workers back to the kubelet they had. The control plane stays where it is; a kubelet may be up
 * to three minors older than it. In an upgrade order the batch under change goes first, is judged again, and earlier
 * batches follow only while it still burns; a person's rollback order takes all of them.
 */
export function rollback(situation: Situation): UpgradeDecision {
  if (!situation.journal.rollback) return begin(situation);
  for (const [index, batch] of batches(situation).entries()) {
    const nodes = batch.filter((node) => !isThrough(situation, node));
    const group = { nodes, change: backOf(situation), limit: nodesAtOnce(situation), hold: null };
    const decision = nodes.length > 0 ? workOnNodes(situation, group) : null;
    if (decision) return decision;
    if (isGradual(situation) && judgedBatches(situation) <= index) return goOnTo(situation, 'judgeRollback');
  }
  return rolledBack(situation);
}

/**
 * Quiet (or nothing more is known): it ends here. Still burning, but clearly less than before: the next earlier batch,
 * while there is one. Still burning as before: more of the same would only cost more; it ends, and a person looks.
 */
export function judgeRollback(situation: Situation): UpgradeDecision {
  const through = batches(situation).filter((batch) => batch.every((node) => isThrough(situation, node))).length;
  if (situation.stop) return rolledBack(situation);
  if (judgementsBegun(situation) < through) return beginJudging(situation, 'judgeRollback');
  return judged(situation, 'judgeRollback', (verdict) =>
    verdict.kind === 'rollback' && through < batches(situation).length && hasHelped(situation, verdict)
      ? goOnTo(situation, 'rollback')
      : rolledBack(situation),
  );
}

/** Not promoted after the commit: `rollback` takes the rung that the plan approved, anything else waits for a person. */
export function afterCommit(situation: Situation, verdict: Verdict, phase: UpgradePhase): UpgradeDecision {
  const why = whyNotPromoted(verdict, phase);
  return verdict.kind === 'rollback' ? rollBackOrHalt(situation, why) : halt(situation, why);
}

/** After the commit: rung 2 where the plan approved it beforehand and it applies, else halted for a person. */
function rollBackOrHalt(situation: Situation, why: Reason): UpgradeDecision {
  const { automatic, onBurn } = situation.plan.spec.rollback;
  const changed = changedWorkers(situation);
  const approved = automatic.upTo === 'worker' && onBurn === 'rollback' && situation.journal.rollback === null;
  if (!approved || changed.length === 0 || tooOld(situation, changed)) return halt(situation, why);
  return write(situation, { kind: 'rollbackBegan', reason: why, batches: inBatches(situation, changed) }, why);
}

/** A rollback order: asked by a person, so nothing is judged on the way. */
function begin(situation: Situation): UpgradeDecision {
  const { order, hop, workers, journal, stop } = situation;
  if (stop) return journal.withdrawal ? skip(stop) : halt(situation, stop);
  const ahead = workers.filter(({ kubelet }) => !sameRelease(kubelet, hop.from));
  if (ahead.length === 0) return skip(reason('already_at_target', { version: hop.from }));
  const skew = tooOld(situation, ahead);
  if (skew) return skip(skew);
  const why = reason('rollback_asked', { by: order.parent.id, rungs: '2' });
  return write(situation, { kind: 'rollbackBegan', reason: why, batches: inBatches(situation, ahead) }, why);
}

/** Half the burn of the verdict before, or less: rung 2 is the right medicine. Gates have no degree: violated is violated. */
function hasHelped({ journal }: Situation, now: Verdict): boolean {
  const before = journal.judgements.filter(({ verdict }) => verdict?.kind === 'rollback' && verdict !== now);
  const last = before
    .map(({ verdict }) => verdict)
    .filter((verdict) => verdict !== null)
    .at(-1);
  return last !== undefined && worstBurn(now) <= worstBurn(last) / 2 && worstBurn(last) > 0;
}

const worstBurn = ({ slis }: Verdict): number =>
  Math.max(0, ...slis.filter(({ decisive }) => decisive).map(({ burn }) => burn));

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
  const limit = nodesAtOnce(situation);
  const found: ObservedNode[][] = [];
  for (const node of [...nodes].reverse()) {
    const batch = found.at(-1);
    if (batch && batch.length < limit && batch[0]?.zone === node.zone) batch.push(node);
    else found.push([node]);
  }
  const drained = situation.workers.filter((node) => cordonedByUs(situation, node) && !nodes.includes(node));
  found[0]?.push(...drained);
  return found.map((batch) => batch.map(({ name }) => name).sort()).reverse();
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
  const named = new Set(journal.rollback?.batches.flat());
  const isBack = (node: ObservedNode): boolean =>
    named.has(node.name) && wasChanged(situation, node) && sameRelease(node.kubelet, versionBefore(situation, node));
  const returned = workers.filter(isBack).map(({ name }) => name);
  const why = journal.rollback?.reason ?? reason('no_rung_applies', { committed: journal.committedAt ?? 0 });
  if (returned.length === 0) return halt(situation, why);
  const planes = [...new Set(apiServers(observed).map(({ version }) => `control plane ${version}`))];
  const others = workers.filter((node) => !isBack(node)).map(({ name, kubelet }) => `${name} ${kubelet}`);
  const outcome: Outcome = {
    kind: 'rolledBack',
    rung: 2,
    extent: { returned: returned.sort(), stays: [...planes.sort(), ...others.sort()] },
    reason: why,
    standing: standingNow(situation),
  };
  return end(outcome);
}
