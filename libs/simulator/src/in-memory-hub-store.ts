import type { Cluster, Labels, Reason } from '@wavegate/fleet';
import type { Rollout, RolloutEvent } from '@wavegate/rollout';
import type {
  AuditEntry,
  AuditHead,
  AuditRow,
  InboxRow,
  OrderStore,
  Outgoing,
  RequestAnswer,
  RequestedOrder,
  RequestStore,
  RolloutClaim,
  RolloutCommit,
  RolloutStore,
  SessionOpening,
  SessionRef,
  StoredReport,
  SessionStore,
  StoredOrder,
  TakenReport,
  WithdrawAnswer,
  WithoutAt,
} from '@wavegate/runtime/hub';
import { InMemoryOrderStore } from './in-memory-hub-orders.js';
import { InMemoryRequestStore } from './in-memory-hub-requests.js';
import { InMemoryRolloutStore } from './in-memory-hub-rollouts.js';
import { InMemorySessionStore } from './in-memory-hub-sessions.js';
import { copyOf, InMemoryHubTables } from './in-memory-hub-tables.js';

/** A cluster as enrolment would leave it. */
export interface EnrolledCluster {
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  readonly labels?: Labels;
  readonly approved?: boolean;
  readonly certificateSerial: string;
  /** Epoch ms; never by default. */
  readonly certificateNotAfter?: number;
}

/**
 * The hub's store in memory, by the same contract as Postgres (hub-store-contract.ts): a hub that crashes in a
 * simulation loses its loops and keeps this. One object is all three ports, as one database is.
 */
export class InMemoryHubStore implements RolloutStore, SessionStore, OrderStore, RequestStore {
  private readonly tables: InMemoryHubTables;
  private readonly rollouts: InMemoryRolloutStore;
  private readonly sessions: InMemorySessionStore;
  private readonly orders: InMemoryOrderStore;
  private readonly requests: InMemoryRequestStore;

  constructor(clock: { now(): number }) {
    this.tables = new InMemoryHubTables(clock);
    this.rollouts = new InMemoryRolloutStore(this.tables);
    this.sessions = new InMemorySessionStore(this.tables);
    this.orders = new InMemoryOrderStore(this.tables);
    this.requests = new InMemoryRequestStore(this.tables);
  }

  enrol({ id, name, uid, labels = {}, approved = true, ...certificate }: EnrolledCluster): void {
    const { certificateSerial, certificateNotAfter: notAfter = Number.MAX_SAFE_INTEGER } = certificate;
    const silent = { epoch: 0, generation: 0, beatAt: null, lostTold: true, facts: null, agentVersion: '' };
    this.tables.clusters.set(id, { id, name, uid, labels, approved, removed: false, certificateSerial, ...silent });
    this.tables.certificates.set(certificateSerial, { clusterId: id, notAfter, revoked: false });
  }

  /** A renewal: the earlier certificates stay valid until they expire. */
  addCertificate(clusterId: string, serial: string, notAfter: number): void {
    this.tables.certificates.set(serial, { clusterId, notAfter, revoked: false });
  }

  revokeCertificate(serial: string): void {
    const certificate = this.tables.certificates.get(serial);
    if (certificate) certificate.revoked = true;
  }

  removeCluster(id: string): void {
    const cluster = this.tables.clusters.get(id);
    if (cluster) cluster.removed = true;
  }

  /** The inventory, as planning sees it: by name. */
  clusters(): readonly Cluster[] {
    const listed = [...this.tables.clusters.values()].filter(({ removed }) => !removed);
    return listed
      .map(({ id, name, labels, facts, lostTold }) => copyOf({ id, name, labels, facts, connected: !lostTold }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  auditRows(): readonly AuditRow[] {
    return copyOf(this.tables.audit);
  }

  auditHead(): AuditHead {
    return { ...this.tables.auditHead };
  }

  /** Ids of all rollouts, in the order of their creation. */
  rolloutIds(): readonly string[] {
    return [...this.tables.rollouts.keys()];
  }

  now(): Promise<number> {
    return this.rollouts.now();
  }
  claim(replica: string, leaseMs: number): Promise<RolloutClaim | null> {
    return this.rollouts.claim(replica, leaseMs);
  }
  load(rolloutId: string): Promise<Rollout> {
    return this.rollouts.load(rolloutId);
  }
  inbox(rolloutId: string, limit: number): Promise<readonly InboxRow[]> {
    return this.rollouts.inbox(rolloutId, limit);
  }
  commit(commit: RolloutCommit): Promise<'committed' | 'fenced'> {
    return this.rollouts.commit(commit);
  }
  create(rollout: Rollout, audit: AuditEntry): Promise<void> {
    return this.rollouts.create(rollout, audit);
  }
  appendCommand(rolloutId: string, event: WithoutAt<RolloutEvent>, audit: AuditEntry): Promise<void> {
    return this.rollouts.appendCommand(rolloutId, event, audit);
  }

  open(opening: SessionOpening): Promise<{ readonly generation: number } | { readonly refused: Reason }> {
    return this.sessions.open(opening);
  }
  beat(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    return this.sessions.beat(sessions);
  }
  close(session: SessionRef): Promise<void> {
    return this.sessions.close(session);
  }
  expire(lostAfterMs: number): Promise<number> {
    return this.sessions.expire(lostAfterMs);
  }
  revoked(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    return this.sessions.revoked(sessions);
  }

  outgoing(sessions: readonly SessionRef[]): Promise<readonly Outgoing[]> {
    return this.orders.outgoing(sessions);
  }
  take(session: SessionRef, report: StoredReport): Promise<TakenReport> {
    return this.orders.take(session, report);
  }
  ofCluster(clusterId: string, limit: number): Promise<readonly StoredOrder[]> {
    return this.orders.ofCluster(clusterId, limit);
  }

  request(order: RequestedOrder, audit: AuditEntry): Promise<RequestAnswer> {
    return this.requests.request(order, audit);
  }
  withdrawRequest(orderId: string, why: Reason, audit: AuditEntry): Promise<WithdrawAnswer> {
    return this.requests.withdrawRequest(orderId, why, audit);
  }
  expireRequests(): Promise<number> {
    return this.requests.expireRequests();
  }
}
