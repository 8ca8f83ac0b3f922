import type {
  AgentReport,
  BlockingAlerts,
  ClusterFacts,
  DeclaredGauge,
  DeclaredObjective,
  DrainProgress,
  FetchedNode,
  Finding,
  GaugeSamples,
  HardGate,
  HubCommand,
  Order,
  PictureSummary,
  Plan,
  Reason,
  SliSamples,
} from '@wavegate/fleet';
import type { Journal, Observed, Step, Receipt } from '@wavegate/upgrade';

// Adapters speak of journals, steps and observations, and may import this door only.
export type { Journal, Observed, ObservedNode, Receipt, Step } from '@wavegate/upgrade';

/**
 * The agent's side of the runtime needs these ports and nothing else. Production gives Kubernetes and gRPC, the
 * simulation a seeded cluster and network: the loops are the same.
 */

export interface AgentClock {
  /** Epoch ms. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: Cancel): Promise<void>;
}

/** A minimal abort signal, so that this room needs no DOM types. */
export interface Cancel {
  readonly cancelled: boolean;
  /** Called once at cancellation (at once if it is already cancelled); returns a function that forgets it. */
  onCancel(act: () => void): () => void;
}

/** Uniform in [0, 1): jitter. Seeded in simulation. */
export interface AgentRandom {
  next(): number;
}

/** Connection attempts end in a stream or in one of these: one clear cause each. */
export interface LinkRefusal {
  readonly kind: 'unreachable' | 'unknownCa' | 'certificateExpired' | 'certificateRevoked' | 'refused';
  readonly reason: Reason | null;
  readonly message: string;
  /** Epoch-free hint of the hub: not before this many ms; null = own back-off. */
  readonly retryAfterMs: number | null;
}

export interface HubStream {
  readonly generation: number;
  /** Highest epoch of this cluster's orders that is over for the hub; 0: none, or a hub that does not tell. */
  readonly settledEpoch: number;
  /** Commands in order; ends when the stream is over. */
  readonly commands: AsyncIterable<HubCommand>;
  /**
   * Durable reports resolve when the hub has committed and acknowledged them, and reject when the stream ends before;
   * the caller keeps them and sends them again on the next stream. Lossy ones resolve once written or dropped.
   */
  send(report: AgentReport): Promise<void>;
  close(): void;
}

export interface HubLink {
  /** One attempt. Never waits for retries: the session loop does. */
  connect(hello: { readonly facts: ClusterFacts }): Promise<HubStream | LinkRefusal>;
  /** Renews the certificate when its time has come (two thirds of its life ± jitter); true when a new one is in use. */
  renewIfDue(): Promise<boolean>;
}

/** A journal with the version its store gave it (resourceVersion). */
export interface StoredJournal {
  readonly journal: Journal;
  readonly version: string;
}

/** Somebody else wrote the journal: a twin of this agent. */
export class JournalConflict extends Error {
  override readonly name = 'JournalConflict';
}

export interface JournalStore {
  /** All kept journals (the last 20), in no order. */
  list(): Promise<readonly StoredJournal[]>;
  /** Compare-and-swap: `version` null creates. Throws JournalConflict when the stored version is another one. */
  save(journal: Journal, version: string | null): Promise<string>;
  /** Forgets done and reported journals beyond the newest `keep`, but never that of the order `spare`. */
  prune(keep: number, spare?: string): Promise<void>;
}

/** What carrying out a step gave. A thrown error is not a failure of the step: the loop observes again and retries. */
export type StepResult =
  | {
      readonly kind: 'succeeded';
      readonly receipt?: Receipt;
      readonly findings?: readonly Finding[];
      /** Of a preflight: how the workloads stood. */
      readonly picture?: PictureSummary;
      /** Of a prefetch: what is on the node now. */
      readonly fetched?: FetchedNode;
    }
  | { readonly kind: 'failed'; readonly reason: Reason };

export interface StepContext {
  readonly order: Order;
  /**
   * 1 + how often this step has ended as `failed` before (a restart of the agent does not count: it adopts what it
   * finds). Node Jobs carry it in their name, so that a second try is a new Job and a restart is not.
   */
  readonly attempt: number;
  /** Epoch ms at which the step was intended, by the journal: its bounds count from here, whoever carries it out. */
  readonly begunAt?: number;
  /** How the workloads stood before the order's first change, by the journal; null where nobody looked. */
  readonly before?: PictureSummary | null;
  /** Epoch ms of the newest etcd snapshot that this agent has restored for proof; null where its journals know none. */
  readonly receiptAt?: number | null;
  /** Newest reason the step waits for, shown by the screens; lossy. */
  report(reason: Reason): void;
  /** Every pod of the node under drain; lossy, and may be called often. */
  reportDrain?(drain: DrainProgress): void;
  /** Set when the agent is stopping: leave at the next safe point, without a result, by throwing StepInterrupted. */
  readonly cancel: Cancel;
}

/** The step was left at a safe point because the agent stops; a restarted agent goes on by the step's name. */
export class StepInterrupted extends Error {
  override readonly name = 'StepInterrupted';
}

/** How a kind of cluster is upgraded, in verbs. */
export interface Driver {
  readonly name: 'kubeadm' | 'simulated';
  facts(): Promise<ClusterFacts>;
  /** Calls back (coalesced) whenever facts may have changed; returns a function that stops it. */
  onChange(act: () => void): () => void;
  observe(order: Order): Promise<Observed>;
  /** Idempotent by the step's name: adopts what an earlier try began. */
  carryOut(step: Step, context: StepContext): Promise<StepResult>;
  /**
   * After an order ended or was withdrawn: takes back what must not stay (our annotations; our cordon on nodes that
   * were not changed) and returns the names of the nodes that stay cordoned by us: half-upgraded ones, and those in
   * `keep`, which the order was asked to leave closed.
   */
  release(order: Order, keep?: readonly string[]): Promise<readonly string[]>;
}

export interface GaugeRequest {
  readonly gauges: readonly DeclaredGauge[];
  readonly from: number;
  readonly until: number;
  readonly periodMs: number;
  /** Most periods of the past that are of use. */
  readonly baselinePeriods: number;
  readonly baselineUntil: number;
  readonly windowMs: number;
}

/** Where SLI samples come from. `from` is the moment of the change; the baseline lies before it. */
export interface Metrics {
  samples(request: {
    readonly objectives: readonly string[];
    readonly from: number;
    readonly until: number;
    readonly periodMs: number;
    readonly baselinePeriods: number;
    /** The same objectives, as the plan says them; sources that know a name by themselves need only the names. */
    readonly declared?: readonly DeclaredObjective[];
    /** End of the baseline, before anything was changed; absent: `from`. The change itself must not be its own measure. */
    readonly baselineUntil?: number;
  }): Promise<readonly SliSamples[]>;
  /**
   * Of each period from `from` on, the seconds in which our own probe was not answered; null = it did not look. What a
   * declared disruption may cover. Absent: nobody probes.
   */
  disruption?(request: {
    readonly from: number;
    readonly until: number;
    readonly periodMs: number;
  }): Promise<readonly (number | null)[]>;
  /**
   * What is measured and not counted, over the same times; `windowMs` is how long is judged at most. Advisory: whatever
   * is left out, empty or thrown changes no verdict. Absent: nobody measures.
   */
  gauges?(request: GaugeRequest): Promise<readonly GaugeSamples[]>;
  /** Alerts that fire since the change began (`since`), each a violated gate. Throws where nobody can say. */
  firing?(request: {
    readonly alerts: readonly BlockingAlerts[];
    readonly since: number;
  }): Promise<readonly HardGate[]>;
}

/** Keeps alerts of nodes under work from waking people, by silences that run out by themselves (opt-in by the plan). */
export interface Silences {
  /**
   * Makes, renews and ends this order's silences so that exactly those of `nodes` stand: what an earlier agent made is
   * adopted, never made twice. Idempotent; to be asked again within a minute. Throws where it could not be done in full.
   */
  keep(request: { readonly order: Order; readonly plan: Plan; readonly nodes: readonly string[] }): Promise<void>;
}

/** What the cluster's admin allows, whatever the hub asks (a ConfigMap owned by them). Null = allowed. */
export interface LocalPolicy {
  refuses(order: Order, at: number): Promise<Reason | null>;
}

/** Fields name what the line is about: `order`, `attempt`, `node`. ERROR only if a person must act now. */
export interface AgentLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
