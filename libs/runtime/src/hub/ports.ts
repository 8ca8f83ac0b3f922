import type {
  AgentReport,
  ClusterFacts,
  Finding,
  HubCommand,
  MeasuredSamples,
  OccurrenceRule,
  Order,
  OrderArgs,
  OrderKind,
  Outcome,
  Progress,
  Reason,
  Receipt,
  SliSamples,
  Verdict,
} from '@wavegate/fleet';
import type { ClusterVerdict } from '@wavegate/analysis';
import type { JudgedOrder, StoredControl } from './control-series.js';
import type { Rollout, RolloutCluster, RolloutEvent, RolloutHead, RolloutAction } from '@wavegate/rollout';

/**
 * The hub's side of the runtime needs these ports and nothing else. Production gives Postgres and gRPC, the simulation
 * gives memory and a seeded network: the loops are the same. Every port method may throw; a loop that meets a throw
 * drops what it holds in memory, waits, and starts again from the store.
 */

/** Real time in production, virtual time in simulation. Epoch ms. */
export interface HubClock {
  now(): number;
  /** Resolves after `ms`, or earlier when `wake` is called on it (see WakeBell). */
  sleep(ms: number, bell?: WakeBell): Promise<void>;
}

/** A coalescing hint that something may be there: NOTIFY, a report just committed. Losing one costs a poll interval. */
export interface WakeBell {
  ring(): void;
  /** Resolves at the next ring; a ring before the call that was not yet consumed resolves it at once. */
  next(): Promise<void>;
}

export interface RolloutClaim {
  readonly rolloutId: string;
  /** Raised at every change of holder: a commit with an older one is fenced. */
  readonly leaseEpoch: number;
  readonly revision: number;
  readonly leaseUntil: number;
  /** The store's clock at the claim. */
  readonly at: number;
}

/** `Omit` that keeps a union a union. */
export type WithoutAt<E> = E extends unknown ? Omit<E, 'at'> : never;

/** A committed report or command that the engine has not seen yet. */
export interface InboxRow {
  readonly seq: number;
  /** The store's clock when it was committed. */
  readonly at: number;
  readonly event: WithoutAt<RolloutEvent>;
}

/** One line of the audit: who did what to which object, and the evidence. Sequence and hash are the store's. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  /** "rollout/7f3c", "cluster/stg-fra-1", "token/ab12". */
  readonly object: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Everything one pass of the runner changes: one transaction, or nothing. */
export interface RolloutCommit {
  readonly claim: RolloutClaim;
  readonly head: RolloutHead;
  readonly clusters: readonly RolloutCluster[];
  /** sendOrder and withdrawOrder become rows; the store raises the cluster's epoch and fills it into the order. */
  readonly actions: readonly RolloutAction[];
  readonly audit: readonly AuditEntry[];
  readonly inboxDone: readonly number[];
}

export interface RolloutStore {
  /** The store's clock (the database's), epoch ms. */
  now(): Promise<number>;
  /**
   * Takes or renews the lease of one rollout that has something to do (inbox rows, or a wake-up that is due) and that
   * nobody else holds. `null`: nothing to do.
   */
  claim(replica: string, leaseMs: number): Promise<RolloutClaim | null>;
  /** The whole rollout. The runner keeps it between passes while revision and lease epoch stay its own. */
  load(rolloutId: string): Promise<Rollout>;
  inbox(rolloutId: string, limit: number): Promise<readonly InboxRow[]>;
  /** `fenced`: revision or lease epoch moved on; nothing was changed, and the caller must forget what it holds. */
  commit(commit: RolloutCommit): Promise<'committed' | 'fenced'>;
  /** First rows of a rollout and its `started` event, in one transaction. Throws RolloutExists for a known id. */
  create(rollout: Rollout, audit: AuditEntry): Promise<void>;
  /** A person's command as an inbox row, with its audit line. */
  appendCommand(rolloutId: string, event: WithoutAt<RolloutEvent>, audit: AuditEntry): Promise<void>;
}

/** One live stream of an agent, as the store knows it. */
export interface SessionRef {
  readonly clusterId: string;
  readonly generation: number;
}

export interface SessionOpening {
  readonly clusterId: string;
  readonly replica: string;
  /** kube-system UID from the hello; compared with the one recorded at enrolment. */
  readonly clusterUid: string;
  readonly certificateSerial: string;
  readonly agentVersion: string;
  readonly facts: ClusterFacts;
}

export type OrderState = 'open' | 'confirmed' | 'withdrawing' | 'withdrawn' | 'refused' | 'done';

export interface SessionOpened {
  readonly generation: number;
  /** Highest epoch of the cluster's orders that is over: told to the agent, whose journal may be older. Absent, 0: none. */
  readonly settledEpoch?: number;
}

export interface SessionStore {
  /** Issues the next generation and makes it the cluster's authoritative session; or refuses with a reason. */
  open(opening: SessionOpening): Promise<SessionOpened | { readonly refused: Reason }>;
  /** Says that these sessions were alive just now. Returns those that are no longer the authoritative ones. */
  beat(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]>;
  /** The stream ended. Does nothing when a newer generation is there. */
  close(session: SessionRef): Promise<void>;
  /**
   * Clusters silent for `lostAfterMs` or longer become lost: an `agentLost` inbox row for each rollout that has
   * them and is not finished. Any replica may call it; each loss is told once.
   */
  expire(lostAfterMs: number): Promise<number>;
  /** Of these live sessions' certificates, the ones revoked or whose cluster was removed. */
  revoked(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]>;
}

/** What a replica has to tell the agents it holds. */
export type Outgoing = { readonly session: SessionRef; readonly command: HubCommand };

export interface OrderStore {
  /**
   * For the sessions of this replica: orders not yet accepted, confirmations and withdrawals not yet acknowledged.
   * Idempotent: the same command is returned until the agent's answer has been taken.
   */
  outgoing(sessions: readonly SessionRef[]): Promise<readonly Outgoing[]>;
  /**
   * Commits one report of an agent: order row, cluster facts, inbox rows, in one transaction. Only then may it be
   * acknowledged. A report of a session that is not the authoritative one is refused (`fenced`). The answer may hold
   * commands for the agent: `confirm` or `withdraw` after `orderAccepted`.
   */
  take(session: SessionRef, report: StoredReport): Promise<TakenReport>;
  /** The open and recent orders of a cluster, newest first. */
  ofCluster(clusterId: string, limit: number): Promise<readonly StoredOrder[]>;
}

/** Reports that change rows: all but what a cluster counted for others. */
export type StoredReport = Exclude<AgentReport, { readonly kind: 'samples' }>;

/** What clusters that nothing is changed in counted, for those under judgement to be compared with. */
export interface ControlStore {
  /** Orders of rollouts whose phase is judged right now and that name objectives, in every replica. */
  judged(): Promise<readonly JudgedOrder[]>;
  /** Connected clusters of the rollout that wait for their first order and have no other; those that start last first. */
  peersOf(rolloutId: string, limit: number): Promise<readonly string[]>;
  controls(planDigest: string, clusterIds: readonly string[]): Promise<readonly StoredControl[]>;
  /** Merges an answer into what is there. */
  saveControl(clusterId: string, samples: MeasuredSamples): Promise<void>;
}

export type TakenReport =
  | { readonly kind: 'taken'; readonly commands: readonly HubCommand[] }
  /** Known already (a resend): acknowledged again, changes nothing. */
  | { readonly kind: 'duplicate'; readonly commands: readonly HubCommand[] }
  | { readonly kind: 'fenced'; readonly reason: Reason };

export interface StoredOrder {
  readonly order: Order;
  readonly state: OrderState;
  readonly progress: Progress | null;
  readonly findings: readonly Finding[];
  /** Oldest first. */
  readonly receipts: readonly Receipt[];
  readonly outcome: Outcome | null;
  /** Why it was refused or taken back; null otherwise. */
  readonly reason: Reason | null;
  /** Epoch ms of the store's clock. */
  readonly createdAt: number;
  /** The agent had it in its journal; null before. */
  readonly confirmedAt: number | null;
  readonly endedAt: number | null;
}

/** An order that no rollout makes: a person's, or a schedule's. The store gives it its epoch. */
export type RequestedOrder = Omit<Order, 'epoch'>;

export type RequestAnswer =
  /** `known`: an order of this id is there already (the same request again); nothing was changed. */
  | { readonly kind: 'inserted' | 'known'; readonly order: StoredOrder }
  /** One order runs at a time per cluster: this one is in the way. */
  | { readonly kind: 'busy'; readonly by: StoredOrder }
  | { readonly kind: 'noCluster' };

export type WithdrawAnswer =
  | { readonly kind: 'withdrawn'; readonly order: StoredOrder }
  /** It has ended, or is being withdrawn already; nothing was changed. */
  | { readonly kind: 'tooLate'; readonly order: StoredOrder }
  /** A rollout's order is the rollout's to take back. */
  | { readonly kind: 'ofRollout'; readonly rolloutId: string }
  | { readonly kind: 'unknown' };

/** Orders beside the rollouts'. They are dispatched, confirmed and reported exactly as theirs are. */
export interface RequestStore {
  /** Inserts the order and its plan, if it is not stored yet, with the audit line; or says why not. */
  request(order: RequestedOrder, audit: AuditEntry): Promise<RequestAnswer>;
  withdrawRequest(orderId: string, why: Reason, audit: AuditEntry): Promise<WithdrawAnswer>;
  /**
   * Requests that no agent has taken by their `startBy` end as withdrawn, and those that were taken and have told no end
   * OVERDUE_GRACE_MS after their deadline: a rollout does that for its own orders.
   */
  expireRequests(): Promise<number>;
}

/** A schedule as the loop that makes its orders sees it. */
export interface DueSchedule {
  readonly id: string;
  /** Label selector of the clusters; '' = all. */
  readonly selector: string;
  readonly rule: OccurrenceRule;
  readonly kind: OrderKind;
  readonly args: OrderArgs;
  /** Canonical text of the plan whose policies hold; null: each cluster's own request plan. */
  readonly plan: string | null;
  /** The run that is due, epoch ms; null: none comes any more. */
  readonly nextAt: number | null;
}

/** What one run did. */
export interface ScheduleRun {
  /** Epoch ms of the moment that was due, not of the moment it was found. */
  readonly dueAt: number;
  readonly orders: number;
  /** Clusters that were left out, with why: "busy", "no facts", "not approved". */
  readonly left: readonly { readonly cluster: string; readonly why: string }[];
}

export interface ScheduleStore {
  /** Oldest first. */
  due(limit: number): Promise<readonly DueSchedule[]>;
  /** The run is done; does nothing where another replica has said so already. */
  moveOn(schedule: DueSchedule, nextAt: number | null, run: ScheduleRun): Promise<void>;
}

/** Judges a wave from its clusters' ends; bound to libs/analysis by the hub. */
export interface WaveJudge {
  judge(wave: number, clusters: readonly ClusterVerdict[], samples: readonly SliSamples[]): Verdict;
}

/** Where decided `notify` and `askApproval` actions go: log and audit first, webhooks later. */
export interface Notifier {
  notify(rolloutId: string, action: RolloutAction): Promise<void>;
}

/** The stream to one agent, as the dispatcher sees it. */
export interface AgentStream {
  readonly session: SessionRef;
  /**
   * Resolves once the command is written and there is room in the window of unacknowledged messages; rejects when the
   * stream is over. Written is not delivered: only the agent's answer ends a command.
   */
  send(command: HubCommand): Promise<void>;
  /** Ends the stream and tells the agent why. */
  end(reason: Reason, retryAfterMs: number): void;
}

/** Uniform in [0, 1): jitter of retries. Seeded in simulation. */
export interface HubRandom {
  next(): number;
}

/** Fields always name what the line is about: `rollout`, `cluster`, `attempt`. ERROR only if a person must act now. */
export interface HubLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Stops a loop at its next safe point. The same shape as the agent door's, so that one object serves both. */
export interface HubCancel {
  readonly cancelled: boolean;
  /** Called once at cancellation (at once if it is already cancelled); returns a function that forgets it. */
  onCancel(act: () => void): () => void;
}

export const CRASH_POINTS = [
  'runner.beforeCommit',
  'runner.afterCommit',
  'dispatch.beforeSend',
  'dispatch.afterSend',
  'take.beforeCommit',
  'take.afterCommit',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Named places between two effects, where tests kill the hub. Nothing happens at them in production. */
export interface CrashPoints {
  reach(name: CrashPoint): void | Promise<void>;
}

/** `RolloutStore.create` was given an id that is there already: the same request twice. */
export class RolloutExists extends Error {
  override readonly name = 'RolloutExists';
}

/** No rollout of that id: `load` and `appendCommand` throw it. */
export class RolloutUnknown extends Error {
  override readonly name = 'RolloutUnknown';
}
