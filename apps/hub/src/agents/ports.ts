import type { AgentReport, ClusterFacts, Reason } from '@wavegate/fleet';
import type { AgentStream, HubLog, SessionRef, SessionStore } from '@wavegate/runtime/hub';

/**
 * What the listeners for agents need from the rest of the hub. Postgres and the runtime give it in production; the
 * integration tests of the wire give memory.
 */

export type Redeemed =
  | { readonly clusterId: string; readonly clusterName: string; readonly approved: boolean }
  | { readonly refused: Reason };

export interface TokenDesk {
  /**
   * Uses up a join token ("id.secret") for the cluster it is bound to and records the cluster's UID, in one
   * transaction: two agents with the same token are told apart here. `at` is epoch ms. The same key
   * (`publicKeySha256`, of the request) may ask again: the answer to its first call may have been lost with the hub.
   */
  redeem(tokenText: string, facts: ClusterFacts, at: number, publicKeySha256: string): Promise<Redeemed>;
}

export interface IssuedCertificate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly clusterId: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the key (SPKI), hex: which key stands behind the certificate, without the certificate. */
  readonly publicKeySha256: string;
  readonly how: 'enrolled' | 'renewed';
  /** For the audit: a renewal names what it replaces, and whether that had expired. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface CertificateRecord {
  readonly clusterId: string;
  /** kube-system UID recorded at enrolment. */
  readonly clusterUid: string;
  readonly notAfter: number;
  /** Epoch ms; null while it is good. Also set when the cluster was removed. */
  readonly revokedAt: number | null;
}

export interface CertificateDesk {
  /** Durable and audited, in one transaction, before the agent gets the certificate: one that nobody recorded is refused. */
  record(certificate: IssuedCertificate): Promise<void>;
  find(serial: string): Promise<CertificateRecord | null>;
}

/** `/metrics` shows these; the label is the reason's code, the same word as on the wire and in the log. */
export interface WireCounters {
  /** wavegate_agent_refusals_total{reason}: whatever the hub refused or ended, on either listener. */
  refused(reasonCode: string): void;
  /** wavegate_agents_connected */
  connected(agents: number): void;
  /** wavegate_certificates_issued_total{way="enrol"|"renew"} */
  issued(way: 'enrol' | 'renew'): void;
}

/** The streams of this replica: `SessionRegistry` of the runtime. It ends the older of two streams of one cluster. */
export interface StreamRegistry {
  register(stream: AgentStream, at: number): void;
  unregister(session: SessionRef): void;
  /** Any message is a sign of life, heartbeats too. */
  heard(session: SessionRef, at: number): void;
}

/** `ReportTaker` of the runtime: commits one report. `ended`: not committed, and the stream was ended. */
export interface ReportDesk {
  take(stream: AgentStream, report: AgentReport): Promise<'acknowledge' | 'ended'>;
}

export type SessionDesk = Pick<SessionStore, 'open' | 'close'>;

/** One line each; never secrets. */
export type WireLog = Pick<HubLog, 'info' | 'warn'>;
