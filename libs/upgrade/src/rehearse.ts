import { durationMs, type Order, type Outcome, type Plan, type Reason, type Verdict } from '@wavegate/fleet';
import { decide } from './decide.js';
import {
  acceptOrder,
  applyNote,
  beginStep,
  endStep,
  openJudgement,
  rememberBefore,
  startOrder,
  type StepEvidence,
} from './journal-changes.js';
import type { Journal, Note } from './journal.js';
import type { Observed, ObservedNode } from './observed.js';
import { standing } from './standing.js';
import type { Step } from './step.js';

/** One thing that the engine would do, in its order, if everything goes well. */
export type RehearsedAct =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'wait'; readonly reason: Reason; readonly untilMs: number }
  | { readonly kind: 'note'; readonly note: Note }
  | { readonly kind: 'done'; readonly outcome: Outcome };

export interface Rehearsal {
  readonly acts: readonly RehearsedAct[];
  /** The cluster as it would stand then: where the next hop's rehearsal begins. */
  readonly observed: Observed;
}

/** More than any real order takes; an engine that goes round in circles is a mistake of ours. */
const MOST_PASSES = 20_000;
/** Short, so that no wait is over before it was seen. */
const STEP_MS = 1_000;
const LOOK_MS = 60_000;
const PROMOTED: Verdict = { schema: 1, kind: 'promote', period: null, reasons: [], slis: [] };

/**
 * What the engine would do with this cluster, step by step, if every step succeeded and every verdict promoted. It is
 * `decide` itself that is asked, over a cluster on which each step has its effect: no second list of what an upgrade is.
 */
export function rehearse(order: Order, plan: Plan, start: Observed, at: number): Rehearsal {
  const stage = new Stage(order, plan, start, at);
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    if (stage.pass()) return { acts: stage.acts, observed: stage.observed };
  }
  throw new RangeError(`rehearse: no end after ${MOST_PASSES} passes`);
}

class Stage {
  readonly acts: RehearsedAct[] = [];
  private journal: Journal;

  constructor(
    order: Order,
    private readonly plan: Plan,
    public observed: Observed,
    private at: number,
  ) {
    this.journal = rememberBefore(startOrder(acceptOrder(order, at), at), standing(observed));
  }

  /** True at the end. */
  pass(): boolean {
    const { plan, journal, at } = this;
    const { order } = journal;
    const observed = { ...this.observed, at };
    const open = openJudgement(journal);
    const judged = open && at >= open.from + durationMs(plan.spec.verdict.minSoak);
    const verdict = judged ? { phase: open.phase, verdict: PROMOTED } : null;
    const decision = decide({ order, plan, observed, journal, verdict, hubAwaySince: null, at });
    switch (decision.kind) {
      case 'done':
        this.acts.push({ kind: 'done', outcome: decision.outcome });
        return true;
      case 'wait':
        this.acts.push({ kind: 'wait', reason: decision.reason, untilMs: decision.until - at });
        this.at = Math.min(decision.until, at + LOOK_MS);
        return false;
      case 'note':
        this.acts.push({ kind: 'note', note: decision.note });
        this.journal = applyNote(journal, decision.note, at);
        return false;
      case 'steps':
        for (const step of decision.steps) this.carryOut(step);
        return false;
    }
  }

  private carryOut(step: Step): void {
    this.acts.push({ kind: 'step', step });
    const begun = beginStep(this.journal, step, this.at);
    this.at += STEP_MS;
    this.journal = endStep(begun, step.name, evidenceOf(step, this.at), this.at);
    const { id } = this.journal.order;
    const nodes = this.observed.nodes.map((node) =>
      'node' in step && node.name === step.node ? afterStep(node, step, id) : node,
    );
    this.observed = { ...this.observed, nodes };
  }
}

function evidenceOf(step: Step, takenAt: number): StepEvidence {
  if (step.kind !== 'snapshotEtcd') return { kind: 'succeeded' };
  const figures = { path: '', sha256: '', revision: 0, totalKeys: 0, sizeBytes: 0 };
  return { kind: 'succeeded', receipt: { node: step.node, ...figures, takenAt, verified: step.verify } };
}

/** The node as it would stand after the step. */
function afterStep(node: ObservedNode, step: Step, orderId: string): ObservedNode {
  switch (step.kind) {
    case 'drainNode':
      return { ...node, cordoned: true, cordonedBy: orderId, podsToEvict: 0 };
    case 'uncordonNode':
      return { ...node, cordoned: false, cordonedBy: null };
    case 'upgradeKubelet':
    case 'rollbackKubelet':
      return { ...node, kubelet: step.to };
    case 'upgradeControlPlane':
    case 'rollbackControlPlane':
      return { ...node, staticPods: atVersion(node, step.to, 'emulate' in step ? step.emulate : undefined) };
    default:
      return node;
  }
}

/** etcd has versions of its own, which only kubeadm of the target knows. */
function atVersion({ staticPods }: ObservedNode, version: string, emulates?: string): ObservedNode['staticPods'] {
  const pods = Object.entries(staticPods).map(([component, { emulates: _was, ...pod }]) =>
    component === 'etcd' ? [component, pod] : [component, { ...pod, version, ...(emulates ? { emulates } : {}) }],
  );
  return Object.fromEntries(pods) as ObservedNode['staticPods'];
}
