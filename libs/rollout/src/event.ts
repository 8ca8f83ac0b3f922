import type { ClusterEvidence, Outcome, Reason, Verdict } from '@wavegate/fleet';

export type RollbackScope =
  | { readonly kind: 'cluster'; readonly clusterId: string }
  | { readonly kind: 'wave'; readonly wave: number }
  | { readonly kind: 'rollout' };

/**
 * What happened, in the past tense. `at` (epoch ms, the database's clock, monotone per rollout) is the only clock.
 * An event that does not fit changes nothing, and the decision says so.
 */
export type RolloutEvent = { readonly at: number } & (
  | { readonly kind: 'started' }
  | { readonly kind: 'woke' }
  // from agents
  | { readonly kind: 'orderStarted'; readonly clusterId: string; readonly orderId: string }
  | { readonly kind: 'orderRefused'; readonly clusterId: string; readonly orderId: string; readonly reason: Reason }
  /**
   * The withdrawal is certain: the agent acknowledged it without having begun, or the order was never confirmed. An
   * order that has begun is never `orderWithdrawn`: it stops at its next safe point and its `clusterEnded` follows.
   */
  | { readonly kind: 'orderWithdrawn'; readonly clusterId: string; readonly orderId: string }
  | {
      readonly kind: 'clusterEnded';
      readonly clusterId: string;
      readonly orderId: string;
      readonly outcome: Outcome;
      /** What its verdicts leave for the wave's; absent where nothing was measured. */
      readonly evidence?: readonly ClusterEvidence[];
    }
  | { readonly kind: 'agentLost'; readonly clusterId: string }
  | { readonly kind: 'agentReturned'; readonly clusterId: string }
  /** The hub judged the wave (analysis.judgeWave), asked for by the action `judgeWave`. */
  | { readonly kind: 'waveJudged'; readonly wave: number; readonly verdict: Verdict }
  // from people
  | { readonly kind: 'paused'; readonly by: string }
  | { readonly kind: 'resumed'; readonly by: string; readonly allow: number }
  | { readonly kind: 'aborted'; readonly by: string }
  | { readonly kind: 'approved'; readonly by: string; readonly wave: number; readonly planDigest: string }
  | { readonly kind: 'retried'; readonly by: string; readonly clusterId: string }
  | { readonly kind: 'skipped'; readonly by: string; readonly clusterId: string }
  | {
      readonly kind: 'rollbackAsked';
      readonly by: string;
      readonly scope: RollbackScope;
      /** Rungs (3 and up) that the person approves with this request. */
      readonly approvedRungs: readonly number[];
    }
);
export type RolloutEventKind = RolloutEvent['kind'];
