import type {
  FetchedNode,
  Finding,
  Order,
  Outcome,
  PictureSummary,
  Progress,
  Reason,
  Receipt,
  Standing,
  UpgradePhase,
  Verdict,
} from '@wavegate/fleet';
import type { Step } from './step.js';

export const JOURNAL_SCHEMA = 1;

/** A step as the journal knows it: intent before effect, evidence after. */
export interface StepRecord {
  readonly step: Step;
  readonly state: 'intended' | 'succeeded' | 'failed';
  /** Epoch ms of the newest begin. */
  readonly intendedAt: number;
  /** Epoch ms of the first begin: bounds that a restart must not stretch count from here. Absent in older journals. */
  readonly begunAt?: number;
  readonly endedAt: number | null;
  /** How often it was begun (a restart of the agent begins it again, by the same name). */
  readonly tries: number;
  /** Why it failed; null otherwise. */
  readonly failure: Reason | null;
}

/** A phase under judgement or judged. */
export interface Judgement {
  readonly phase: UpgradePhase;
  /** Epoch ms at which the change was through and judging began. */
  readonly from: number;
  readonly verdict: Verdict | null;
}

/**
 * One order's journal: everything the agent must not forget when it dies on any line. It holds what was *intended
 * and learnt*, never what can be observed. Written by compare-and-swap; one writer wins.
 */
export interface Journal {
  readonly schema: typeof JOURNAL_SCHEMA;
  readonly order: Order;
  /** accepted: kept, waiting for the hub's confirmation · running · done · withdrawn (never started) */
  readonly state: 'accepted' | 'running' | 'done' | 'withdrawn';
  readonly acceptedAt: number;
  readonly startedAt: number | null;
  readonly phase: UpgradePhase;
  /** Keyed by step name. */
  readonly steps: Readonly<Record<string, StepRecord>>;
  /** Of the preflight; those of the validation after the upgrade are marked as such. */
  readonly findings: readonly Finding[];
  /** How the workloads stood before the first change: what the validation compares with. Absent in older journals. */
  readonly picture?: PictureSummary;
  readonly receipt: Receipt | null;
  /** Of a prefetch, one for each node that it has reached. */
  readonly fetched?: readonly FetchedNode[];
  readonly judgements: readonly Judgement[];
  /** The point of no return of the control plane; null before it. */
  readonly committedAt: number | null;
  /** Versions before the first change: what a rollback goes back to. Filled at the start. */
  readonly before: Standing;
  /** Why a rollback began, and which worker nodes are to go back, oldest batch first; null while none is under way. */
  readonly rollback: {
    readonly reason: Reason;
    readonly since: number;
    readonly batches: readonly (readonly string[])[];
  } | null;
  /** The hub asked to stop at the next safe point. */
  readonly withdrawal: Reason | null;
  readonly outcome: Outcome | null;
  /** The hub has acknowledged the outcome. */
  readonly reported: boolean;
  /** What it works at, for the screens. */
  readonly progress: Progress | null;
}

/**
 * What the engine wants of the loop.
 * `steps`: carry these out (all at once: they never disturb each other). `wait`: nothing to do until something
 * changes, at the latest at `until`. `note`: the journal must first say this (phase moved, judging began, committed,
 * rollback begun): write it and ask again. `done`: the attempt is over.
 */
export type UpgradeDecision =
  | { readonly kind: 'steps'; readonly phase: UpgradePhase; readonly steps: readonly Step[]; readonly reason: Reason }
  | { readonly kind: 'wait'; readonly phase: UpgradePhase; readonly reason: Reason; readonly until: number }
  | { readonly kind: 'note'; readonly phase: UpgradePhase; readonly note: Note; readonly reason: Reason }
  | { readonly kind: 'done'; readonly outcome: Outcome };

export type Note =
  | { readonly kind: 'phaseReached'; readonly phase: UpgradePhase }
  | { readonly kind: 'judgingBegan'; readonly phase: UpgradePhase }
  | { readonly kind: 'judged'; readonly phase: UpgradePhase; readonly verdict: Verdict }
  | { readonly kind: 'committed' }
  | { readonly kind: 'rollbackBegan'; readonly reason: Reason; readonly batches: readonly (readonly string[])[] };
