import type { AgentReport, ClusterFacts, Finding, HubCommand, Order, Reason, SliSamples } from '@wavegate/fleet';
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
  /** Forgets done and reported journals beyond the newest `keep`. */
  prune(keep: number): Promise<void>;
}

/** What carrying out a step gave. A thrown error is not a failure of the step: the loop observes again and retries. */
export type StepResult =
  | {
      readonly kind: 'succeeded';
      readonly receipt?: Receipt;
      readonly findings?: readonly Finding[];
    }
  | { readonly kind: 'failed'; readonly reason: Reason };

export interface StepContext {
  readonly order: Order;
  /**
   * 1 + how often this step has ended as `failed` before (a restart of the agent does not count: it adopts what it
   * finds). Node Jobs carry it in their name, so that a second try is a new Job and a restart is not.
   */
  readonly attempt: number;
  /** Newest reason the step waits for, shown by the screens; lossy. */
  report(reason: Reason): void;
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
   * were not changed) and returns the names of the nodes that stay cordoned by us, half-upgraded.
   */
  release(order: Order): Promise<readonly string[]>;
}

/** Where SLI samples come from. `from` is the moment of the change; the baseline lies before it. */
export interface Metrics {
  samples(request: {
    readonly objectives: readonly string[];
    readonly from: number;
    readonly until: number;
    readonly periodMs: number;
    readonly baselinePeriods: number;
  }): Promise<readonly SliSamples[]>;
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
