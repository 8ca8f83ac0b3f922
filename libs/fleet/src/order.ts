import { digestOf } from './canonical.js';
import type { DrainProgress } from './drain-progress.js';
import type { OrderArgs } from './order-args.js';
import type { Controls, JudgedSamples, MeasuredSamples, MeasureRequest } from './judged-samples.js';
import type { Outcome } from './outcome.js';
import type { Reason } from './reason.js';
import type { Finding } from './finding.js';
import type { Verdict } from './verdict.js';
import type { ClusterFacts, Labels } from './cluster.js';
import type { Receipt } from './receipt.js';

export const ORDER_SCHEMA = 1;
export const ORDER_KINDS = ['preflight', 'upgrade', 'rollback', 'backup', 'drain', 'restore', 'prefetch'] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/** One minor (or patch) step of a cluster's way to the target; versions without the leading v. */
export interface Hop {
  /** 1-based: hop 1 of 2. */
  readonly index: number;
  readonly of: number;
  readonly from: string;
  readonly to: string;
}

export interface OrderParent {
  readonly kind: 'rollout' | 'schedule' | 'request';
  readonly id: string;
}

/**
 * What the hub asks one agent to do for one cluster: a closed set of kinds with typed arguments, no shell text.
 * Durable on the hub before it is sent and in the agent's journal before it is acknowledged.
 */
export interface Order {
  readonly schema: typeof ORDER_SCHEMA;
  /** `orderId(…)`: derived, so that a decision taken twice names the same order. */
  readonly id: string;
  readonly kind: OrderKind;
  readonly parent: OrderParent;
  readonly clusterId: string;
  /** kube-system UID the order was made for; an agent in another cluster refuses it. */
  readonly clusterUid: string;
  readonly attempt: number;
  readonly hop: Hop;
  /** Of this order's kind; absent for upgrade and rollback, and in preflight orders of older hubs. */
  readonly args?: OrderArgs;
  /** Counter per cluster, raised in the transaction that inserts the order; an agent refuses a lower one than it has seen. */
  readonly epoch: number;
  /** The plan's canonical bytes as text, and their SHA-256: policies are read from here. */
  readonly plan: string;
  readonly planDigest: string;
  /** Rungs that a person approved for this order beyond the plan's automatic ones (rollback orders). */
  readonly approvedRungs: readonly number[];
  /**
   * The hub's labels of the cluster as they were when the order was inserted: selectors of the plan (severities,
   * waivers) are judged by them. Absent in orders of older hubs: then the labels are not known.
   */
  readonly labels?: Labels;
  /** Epoch ms: not started later than this. */
  readonly startBy: number;
  /** Epoch ms: the agent ends the order by its own decision after this. */
  readonly deadline: number;
}

/** Same inputs, same id: parent, cluster, attempt, kind and hop name an order. 32 hex digits. */
// eslint-disable-next-line wavegate/parameters -- the five words of the sentence that names an order
export function orderId(
  parent: OrderParent,
  clusterId: string,
  attempt: number,
  kind: OrderKind,
  hopIndex: number,
): string {
  return digestOf({ parent: { kind: parent.kind, id: parent.id }, clusterId, attempt, kind, hopIndex }).slice(0, 32);
}

/** What the agent works at right now: lossy by design, newest wins; the screens and `explain` show it. */
export interface Progress {
  readonly orderId: string;
  readonly phase: UpgradePhase;
  readonly reason: Reason;
  /** Epoch ms of the moment this reason began. */
  readonly since: number;
  /** Nodes done / all that the order changes. */
  readonly nodesDone: number;
  readonly nodesTotal: number;
  /** Nodes under drain right now, pod by pod; absent while none is. */
  readonly drains?: readonly DrainProgress[];
  /** While a phase is judged: the newest samples (PROGRESS_BOUNDS). */
  readonly samples?: JudgedSamples;
}

export const UPGRADE_PHASES = [
  'preflight',
  'backup',
  'controlPlane',
  'judgeControlPlane',
  'commit',
  'nodeCanary',
  'judgeCanary',
  'workers',
  'verify',
  'judgeFinal',
  'rollback',
  'judgeRollback',
  // Orders of one act; preflight and backup orders are in the phases of those names.
  'drain',
  'restore',
  'prefetch',
  'done',
] as const;
export type UpgradePhase = (typeof UPGRADE_PHASES)[number];

/** Agent → hub, in the words of the fleet. Durable kinds are acknowledged by the hub only after commit. */
export type AgentReport =
  | { readonly kind: 'facts'; readonly facts: ClusterFacts }
  /** The order is in the agent's journal; it waits for the hub's confirmation before it starts. */
  | { readonly kind: 'orderAccepted'; readonly orderId: string; readonly epoch: number }
  /** Refused before anything was touched. */
  | { readonly kind: 'orderRefused'; readonly orderId: string; readonly reason: Reason }
  | { readonly kind: 'orderWithdrawn'; readonly orderId: string; readonly started: boolean }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'findings'; readonly orderId: string; readonly findings: readonly Finding[] }
  /** A backup was taken and looked at; told at once, since the order may last hours more. */
  | { readonly kind: 'receipt'; readonly orderId: string; readonly receipt: Receipt }
  | {
      readonly kind: 'verdict';
      readonly orderId: string;
      readonly phase: UpgradePhase;
      readonly verdict: Verdict;
      /** What it rests on (VERDICT_BOUNDS); absent from agents of older releases, and where nothing was measured. */
      readonly samples?: JudgedSamples;
    }
  /** The answer to `measure`: about no order. */
  | { readonly kind: 'samples'; readonly samples: MeasuredSamples }
  | { readonly kind: 'outcome'; readonly orderId: string; readonly epoch: number; readonly outcome: Outcome };

/** Kinds that must not be lost: the agent keeps them until acknowledged and resends them after a reconnect. */
export function isDurable(report: AgentReport): boolean {
  return report.kind !== 'progress' && report.kind !== 'samples';
}

/** Hub → agent. */
export type HubCommand =
  | { readonly kind: 'order'; readonly order: Order }
  /** Start now: the acceptance is committed and the order was not withdrawn meanwhile. */
  | { readonly kind: 'confirm'; readonly orderId: string; readonly epoch: number }
  /** Do not start; or, once running, stop at the next safe point (`mode`). */
  | { readonly kind: 'withdraw'; readonly orderId: string; readonly epoch: number; readonly reason: Reason }
  /** Count what the plan's objectives ask for, for others to be compared with. Only to agents whose hello takes it. */
  | { readonly kind: 'measure'; readonly request: MeasureRequest }
  /** What peers did in the periods under judgement. Only to agents whose hello takes it. */
  | { readonly kind: 'controls'; readonly controls: Controls }
  /** Please reconnect elsewhere or later. */
  | { readonly kind: 'goAway'; readonly reason: Reason; readonly retryAfterMs: number };
