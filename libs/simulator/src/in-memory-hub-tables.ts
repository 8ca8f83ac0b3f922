import type { ClusterFacts, Finding, Labels, Order, Outcome, Progress, Receipt, Verdict } from '@wavegate/fleet';
import type { RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type {
  AuditEntry,
  AuditHead,
  AuditRow,
  OrderStanding,
  StandingChange,
  StoredOrder,
  WithoutAt,
} from '@wavegate/runtime/hub';
import { AUDIT_GENESIS, chainAudit } from '@wavegate/runtime/hub';

/** A cluster with its session, as `clusters` and `sessions` hold it in Postgres. */
export interface ClusterRecord {
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  labels: Labels;
  approved: boolean;
  removed: boolean;
  facts: ClusterFacts | null;
  agentVersion: string;
  /** Raised with each order. */
  epoch: number;
  generation: number;
  beatAt: number | null;
  /** The rollouts were told that it is silent; true from the start, since it has never been heard of. */
  lostTold: boolean;
  certificateSerial: string;
}

export interface OrderRecord {
  readonly order: Order;
  standing: OrderStanding;
  progress: Progress | null;
  findings: readonly Finding[];
  verdicts: { phase: string; verdict: Verdict }[];
  receipts: readonly Receipt[];
  outcome: Outcome | null;
  readonly createdAt: number;
  confirmedAt: number | null;
  endedAt: number | null;
}

export interface RolloutRecord {
  head: RolloutHead;
  readonly clusters: Map<string, RolloutCluster>;
  revision: number;
  leaseOwner: string | null;
  leaseUntil: number;
  leaseEpoch: number;
}

export interface InboxRecord {
  readonly seq: number;
  readonly rolloutId: string;
  readonly at: number;
  readonly event: WithoutAt<RolloutEvent>;
  done: boolean;
}

/** Rows go in and out as copies: a caller that changes what it was given changes nothing here, as with a database. */
export function copyOf<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

/** A row of an order that nobody has answered yet. */
export function newOrderRecord(order: Order, rolloutId: string | null, createdAt: number): OrderRecord {
  const standing: OrderStanding = {
    ...{ orderId: order.id, clusterId: order.clusterId, rolloutId, epoch: order.epoch, state: 'open' },
    ...{ startBy: order.startBy, begun: false, withdrawAcknowledged: false, withdrawReason: null },
  };
  const evidence = { progress: null, findings: [], verdicts: [], receipts: [], outcome: null };
  return { order, standing, ...evidence, createdAt, confirmedAt: null, endedAt: null };
}

const ENDED = new Set(['withdrawn', 'refused', 'done']);

/** What a standing's change does to a row, its times included. */
export function changeStanding(record: OrderRecord, change: StandingChange | null, at: number): void {
  record.standing = { ...record.standing, ...change };
  const { state } = record.standing;
  if (state === 'confirmed') record.confirmedAt ??= at;
  record.endedAt = ENDED.has(state) ? (record.endedAt ?? at) : null;
}

export function storedOrder(record: OrderRecord): StoredOrder {
  const { order, standing, progress, findings, receipts, outcome, createdAt, confirmedAt, endedAt } = record;
  const { state, withdrawReason } = standing;
  const shown = { order, state, progress, findings, receipts, outcome, reason: withdrawReason };
  return copyOf({ ...shown, createdAt, confirmedAt, endedAt });
}

/** The tables and what every transaction does to them. A port method that does not wait in the middle is a transaction. */
export class InMemoryHubTables {
  readonly clusters = new Map<string, ClusterRecord>();
  readonly certificates = new Map<string, { readonly clusterId: string; notAfter: number; revoked: boolean }>();
  readonly rollouts = new Map<string, RolloutRecord>();
  readonly orders = new Map<string, OrderRecord>();
  readonly audit: AuditRow[] = [];
  auditHead: AuditHead = AUDIT_GENESIS;
  private inboxRows: InboxRecord[] = [];
  private inboxSeq = 0;
  private auditedAt = 0;

  constructor(private readonly clock: { now(): number }) {}

  now(): number {
    return this.clock.now();
  }

  append(rolloutId: string, event: WithoutAt<RolloutEvent>): void {
    this.inboxSeq += 1;
    this.inboxRows.push({ seq: this.inboxSeq, rolloutId, at: this.now(), event: copyOf(event), done: false });
  }

  undone(rolloutId: string): readonly InboxRecord[] {
    return this.inboxRows.filter((row) => row.rolloutId === rolloutId && !row.done);
  }

  /** Done rows are dropped: only Postgres keeps them for evidence, and a long simulation must not grow. */
  markDone(seqs: readonly number[]): void {
    const done = new Set(seqs);
    this.inboxRows = this.inboxRows.filter((row) => !done.has(row.seq));
  }

  writeAudit(entries: readonly AuditEntry[]): void {
    this.auditedAt = Math.max(this.auditedAt, this.now());
    const rows = chainAudit(this.auditHead, entries, this.auditedAt);
    this.audit.push(...rows);
    const last = rows.at(-1);
    if (last) this.auditHead = { seq: last.seq, hash: last.hash };
  }

  /** Every unfinished rollout that has the cluster is told once that it fell silent, or came back. */
  tellRollouts(clusterId: string, kind: 'agentLost' | 'agentReturned'): void {
    for (const { head, clusters } of this.rollouts.values()) {
      if (head.finishedAt === null && clusters.has(clusterId)) this.append(head.id, { kind, clusterId });
    }
  }

  /** A sign of life. */
  heard(cluster: ClusterRecord): void {
    cluster.beatAt = this.now();
    if (!cluster.lostTold) return;
    cluster.lostTold = false;
    this.tellRollouts(cluster.id, 'agentReturned');
  }
}
