import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { reason, type AgentReport, type ClusterFacts, type HubCommand } from '@wavegate/fleet';
import {
  SessionRegistry,
  type AgentStream,
  type AuditEntry,
  type SessionOpening,
  type SessionRef,
} from '@wavegate/runtime/hub';
import type {
  CertificateDesk,
  CertificateRecord,
  IssuedCertificate,
  Redeemed,
  ReportDesk,
  SessionDesk,
  TokenDesk,
  WireCounters,
} from '../../../apps/hub/src/agents/ports.js';

interface Token {
  readonly secretHash: Buffer;
  readonly name: string;
  readonly expiresAt: number;
  used: boolean;
}

/** What the hub's database does for the wire, in memory, for these tests only. */
export class InMemoryDesks {
  readonly issued = new Map<string, CertificateRecord & { revokedAt: number | null }>();
  readonly audited: AuditEntry[] = [];
  readonly refusals = new Map<string, number>();
  readonly taken: { readonly session: SessionRef; readonly report: AgentReport }[] = [];
  readonly opened: SessionOpening[] = [];
  readonly closed: SessionRef[] = [];
  connectedAgents = 0;
  /** What a report is answered with. */
  answers: (session: SessionRef, report: AgentReport) => readonly HubCommand[] = () => [];
  /** Awaited before a report is committed: a slow or broken store. */
  beforeTake: () => Promise<void> = () => Promise.resolve();
  readonly #tokens = new Map<string, Token>();
  readonly #clusters = new Map<string, string>();
  readonly #generations = new Map<string, number>();

  token(name: string, expiresAt: number): string {
    const id = randomBytes(6).toString('hex');
    const secret = randomBytes(16).toString('hex');
    this.#tokens.set(id, { secretHash: sha256(secret), name, expiresAt, used: false });
    return `${id}.${secret}`;
  }

  readonly tokens: TokenDesk = {
    redeem: (text, facts, at) => Promise.resolve(this.#redeem(text, facts, at)),
  };

  #redeem(text: string, facts: ClusterFacts, at: number): Redeemed {
    const [id = '', secret = ''] = text.split('.');
    const token = this.#tokens.get(id);
    if (!token || !timingSafeEqual(token.secretHash, sha256(secret))) return { refused: reason('token_unknown') };
    if (token.used) return { refused: reason('token_used') };
    if (token.expiresAt <= at) return { refused: reason('token_expired') };
    if (this.#clusters.has(token.name)) return { refused: reason('cluster_name_taken', { name: token.name }) };
    for (const [name, uid] of this.#clusters) {
      if (uid === facts.uid) return { refused: reason('cluster_uid_known', { cluster: name }) };
    }
    token.used = true;
    this.#clusters.set(token.name, facts.uid);
    return { clusterId: token.name, clusterName: token.name, approved: true };
  }

  readonly certificates: CertificateDesk = {
    record: (certificate: IssuedCertificate) => {
      const clusterUid = this.#clusters.get(certificate.clusterId) ?? '';
      const { clusterId, serial, how, evidence } = certificate;
      const line = { actor: `agent/${clusterId}`, action: `certificate.${how}`, object: `certificate/${serial}` };
      this.audited.push({ ...line, detail: { ...evidence, cluster: clusterId } });
      this.issued.set(certificate.serial, { ...certificate, clusterUid, revokedAt: null });
      return Promise.resolve();
    },
    find: (serial) => Promise.resolve(this.issued.get(serial) ?? null),
  };

  /** Of these sessions, those whose certificates were all revoked. */
  revoked(sessions: readonly SessionRef[]): readonly SessionRef[] {
    const bad = [...this.issued.values()].filter((record) => record.revokedAt !== null);
    return sessions.filter(({ clusterId }) => bad.some((record) => record.clusterId === clusterId));
  }

  revoke(clusterId: string, at: number): void {
    for (const record of this.issued.values()) if (record.clusterId === clusterId) record.revokedAt = at;
  }

  readonly counters: WireCounters = {
    refused: (code) => void this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1),
    connected: (agents) => (this.connectedAgents = agents),
    issued: () => undefined,
  };

  readonly sessions: SessionDesk = {
    open: (opening) => {
      this.opened.push(opening);
      const expected = this.#clusters.get(opening.clusterId) ?? '';
      if (expected !== opening.clusterUid) {
        return Promise.resolve({ refused: reason('cluster_uid_mismatch', { expected, found: opening.clusterUid }) });
      }
      const generation = (this.#generations.get(opening.clusterId) ?? 0) + 1;
      this.#generations.set(opening.clusterId, generation);
      return Promise.resolve({ generation });
    },
    close: (session) => {
      this.closed.push(session);
      return Promise.resolve();
    },
  };

  readonly reports: ReportDesk = {
    take: async (stream, report) => {
      try {
        await this.beforeTake();
      } catch {
        stream.end(reason('store_unavailable', { retryAfterMs: 100 }), 100);
        return 'ended';
      }
      this.taken.push({ session: stream.session, report });
      for (const command of this.answers(stream.session, report)) stream.send(command).catch(() => undefined);
      return 'acknowledge';
    },
  };

  /** The runtime's own, as in production. */
  readonly streams = new SessionRegistry();

  live(clusterId: string): AgentStream | null {
    const session = this.streams.sessions().find((one) => one.clusterId === clusterId);
    return session ? this.streams.find(session) : null;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
