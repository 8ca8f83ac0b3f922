import type { ClusterEvidence, Hop, Labels, Outcome, Reason, VerdictKind } from '@wavegate/fleet';

export const ROLLOUT_SCHEMA = 1;

/**
 * running   decisions are being taken
 * paused    a person stopped new starts; what runs, runs on
 * blocked   a gate refuses and only a person can go on (budget exceeded, verdict, …)
 * aborted   no new start, ever; ends as `finished` would when nothing is in flight any more
 * finished  every cluster has an outcome (finishedAt is set; aborted rollouts keep the word `aborted`)
 */
export type RolloutState = 'running' | 'paused' | 'blocked' | 'aborted' | 'finished';

/**
 * waiting    clusters of earlier waves are not through
 * open       its clusters may start
 * soaking    all its clusters have ended well; soak runs from `healthyAt`
 * passed     its gates passed; the next wave may open
 */
export type WavePhase = 'waiting' | 'open' | 'soaking' | 'passed';

/** One gate's answer; all gates are evaluated and all answers are kept. */
export interface GateResult {
  readonly gate: 'window' | 'freeze' | 'approval' | 'soak' | 'budget' | 'verdict';
  readonly answer: 'pass' | 'wait' | 'block';
  readonly reason: Reason;
  /** Epoch ms at which the answer may change by itself; null when only an event or a person can change it. */
  readonly until: number | null;
}

/**
 * A wave's row, kept in the head. Counters instead of lists: the head must not grow with the number of clusters.
 * `waiting + inFlight + done` = size.
 */
export interface WaveState {
  /** 1-based. */
  readonly index: number;
  /** The share as the plan says it: "25%". */
  readonly share: string;
  readonly size: number;
  readonly phase: WavePhase;
  readonly since: number;
  readonly waiting: number;
  readonly inFlight: number;
  readonly upgraded: number;
  readonly failures: number;
  readonly skipped: number;
  /** Of `inFlight`: started, then silent. They keep their slot, and count as failures for the budget too. */
  readonly lost: number;
  /** Failures tolerated by the plan (already a number). */
  readonly tolerated: number;
  /** Audited overrides on top, by `resume --allow N`. */
  readonly allowed: number;
  readonly openedAt: number | null;
  /** When the last cluster of the wave turned healthy: the soak's start. */
  readonly healthyAt: number | null;
  readonly approvals: readonly { readonly by: string; readonly at: number }[];
  readonly verdict: VerdictKind | null;
  /** Why it is no promotion, where the judge of waves says so; absent in heads of older releases. */
  readonly verdictReasons?: readonly Reason[];
  /** Who took a verdict other than `promote` upon themselves, by `resume --allow N`; null: nobody. Audited. */
  readonly verdictOverriddenBy: string | null;
  readonly gates: readonly GateResult[];
}

/** The head row: everything about a rollout that is not about one cluster. */
export interface RolloutHead {
  readonly schema: typeof ROLLOUT_SCHEMA;
  readonly id: string;
  readonly name: string;
  readonly planDigest: string;
  /** Canonical text of the plan; frozen. */
  readonly plan: string;
  readonly state: RolloutState;
  readonly reason: Reason;
  readonly since: number;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** Latest `at` that was decided with: time never runs backwards for one rollout. */
  readonly at: number;
  readonly currentWave: number;
  readonly maxInFlight: number;
  readonly waves: readonly WaveState[];
  /** The one wake-up that is outstanding, epoch ms; null when only events or people can move the rollout. */
  readonly wakeAt: number | null;
  /** What a person is asked, while there is something that only a person can move (other clusters may still work). */
  readonly asks: Reason | null;
  /** Failures seen, each different one once; absent before the first, and in heads of older releases. */
  readonly failures?: readonly KnownFailure[];
}

/** The first cluster that failed in one way. */
export interface KnownFailure {
  /** Digest of the failure's fingerprint. */
  readonly key: string;
  readonly clusterId: string;
  readonly clusterName: string;
}

/**
 * waiting     not started: a gate, its wave, its ring or a slot holds it back (the reason says which); with an outcome,
 *             a rollback was asked for and waits for a slot
 * ordered     its order is inserted; the agent has not begun (the offline policy still applies)
 * upgrading   begun: the agent works at it; with `orderId` null it stands between two hops and keeps its slot
 * lost        begun, then silent; keeps its slot
 * rollingBack a rollback order is out or runs
 * done        has its outcome
 */
export type ClusterPhase = 'waiting' | 'ordered' | 'upgrading' | 'lost' | 'rollingBack' | 'done';

/** One cluster's row within a rollout. */
export interface RolloutCluster {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly clusterUid: string;
  /** Frozen at the start: what ordered and gated it. */
  readonly labels: Labels;
  readonly wave: number;
  /** Rank in the whole order, from 0. */
  readonly position: number;
  /** Index into the plan's rings; null for canaries (exempt from the barrier) and where the plan has none. */
  readonly ring: number | null;
  readonly hops: readonly Hop[];
  readonly phase: ClusterPhase;
  readonly reason: Reason;
  readonly since: number;
  /** From 1; `retry` raises it. */
  readonly attempt: number;
  /** Hop under way or next, 1-based. */
  readonly hop: number;
  /** Order in flight, or the last one. */
  readonly orderId: string | null;
  /** Epoch ms since when its agent is silent; null while it is connected. */
  readonly offlineSince: number | null;
  readonly outcome: Outcome | null;
  /** What its verdicts left for the wave's; absent where nothing was measured. */
  readonly evidence?: readonly ClusterEvidence[];
  /** Why the order in hand was being taken back when its agent fell silent: taken up again when it is heard of. */
  readonly askedBefore?: Reason | null;
  /** Nodes, for the estimates and the screens. */
  readonly nodes: number;
}

/** What the engine decides about: the head and every cluster's row. */
export interface Rollout {
  readonly head: RolloutHead;
  readonly clusters: ReadonlyMap<string, RolloutCluster>;
}
