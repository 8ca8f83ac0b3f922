import type { Hop, OrderKind, Reason } from '@wavegate/fleet';
import type { RolloutCluster, RolloutHead } from './rollout.js';

/** What has to be done, in the imperative. The runner carries actions out; several replicas may try, one commits. */
export type RolloutAction =
  /** Insert the order (the store raises the cluster's epoch in the same transaction and fills it in). */
  | {
      readonly kind: 'sendOrder';
      readonly orderId: string;
      readonly orderKind: OrderKind;
      readonly clusterId: string;
      readonly clusterUid: string;
      readonly attempt: number;
      readonly hop: Hop;
      readonly approvedRungs: readonly number[];
      readonly startBy: number;
      readonly deadline: number;
    }
  | { readonly kind: 'withdrawOrder'; readonly clusterId: string; readonly orderId: string; readonly reason: Reason }
  | { readonly kind: 'judgeWave'; readonly wave: number }
  | { readonly kind: 'askApproval'; readonly wave: number; readonly have: number; readonly need: number }
  /** Something a person should hear of; the reason says what. */
  | { readonly kind: 'notify'; readonly clusterId: string | null; readonly reason: Reason };

/**
 * What `decide` answers: rows that changed (all others stay as they are), what has to be done, and whether the event
 * fitted. Wake-ups are `head.wakeAt`, so that at most one is outstanding per rollout and it is saved with the rest.
 */
export interface Decision {
  /** The new head; the same object as before when nothing in it changed. */
  readonly head: RolloutHead;
  /** Changed rows only. */
  readonly clusters: readonly RolloutCluster[];
  readonly actions: readonly RolloutAction[];
  /** Why the event changed nothing; null when it fitted. */
  readonly ignored: string | null;
  /** For rollbackAsked: clusters for which no rung applies, each with its reason. */
  readonly cannot: readonly { readonly clusterId: string; readonly reason: Reason }[];
}
