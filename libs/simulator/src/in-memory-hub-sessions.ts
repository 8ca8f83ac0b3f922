import type { Reason } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { SessionOpening, SessionRef, SessionStore } from '@wavegate/runtime/hub';
import type { ClusterRecord, InMemoryHubTables } from './in-memory-hub-tables.js';
import { copyOf } from './in-memory-hub-tables.js';

/** SessionStore over the in-memory tables. */
export class InMemorySessionStore implements SessionStore {
  constructor(private readonly tables: InMemoryHubTables) {}

  async open(opening: SessionOpening): Promise<{ readonly generation: number } | { readonly refused: Reason }> {
    const cluster = this.tables.clusters.get(opening.clusterId);
    const refused = this.whyRefused(cluster, opening);
    if (refused || !cluster) return { refused: refused ?? reason('certificate_unknown') };
    cluster.generation += 1;
    cluster.certificateSerial = opening.certificateSerial;
    cluster.agentVersion = opening.agentVersion;
    cluster.facts = copyOf(opening.facts);
    this.tables.heard(cluster);
    return { generation: cluster.generation };
  }

  async beat(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    const superseded: SessionRef[] = [];
    for (const session of sessions) {
      const cluster = this.tables.clusters.get(session.clusterId);
      if (cluster && cluster.generation === session.generation) this.tables.heard(cluster);
      else superseded.push({ ...session });
    }
    return superseded;
  }

  /** Being silent counts from the last beat, not from here: a stream that ends may be followed by the next at once. */
  async close(_session: SessionRef): Promise<void> {}

  async expire(lostAfterMs: number): Promise<number> {
    const before = this.tables.now() - lostAfterMs;
    const silent = [...this.tables.clusters.values()].filter(
      ({ lostTold, removed, beatAt }) => !lostTold && !removed && (beatAt ?? -Infinity) <= before,
    );
    for (const cluster of silent) {
      cluster.lostTold = true;
      this.tables.tellRollouts(cluster.id, 'agentLost');
    }
    return silent.length;
  }

  async revoked(sessions: readonly SessionRef[]): Promise<readonly SessionRef[]> {
    return sessions.filter((session) => {
      const cluster = this.tables.clusters.get(session.clusterId);
      if (!cluster || cluster.removed) return true;
      return (
        cluster.generation === session.generation &&
        this.tables.certificates.get(cluster.certificateSerial)?.revoked === true
      );
    });
  }

  private whyRefused(cluster: ClusterRecord | undefined, opening: SessionOpening): Reason | null {
    const certificate = this.tables.certificates.get(opening.certificateSerial);
    if (!cluster || !certificate || certificate.clusterId !== cluster.id) return reason('certificate_unknown');
    if (cluster.removed || certificate.revoked) return reason('certificate_revoked');
    if (certificate.notAfter <= this.tables.now()) {
      return reason('certificate_expired', { expiredAt: certificate.notAfter });
    }
    if (cluster.uid !== opening.clusterUid) {
      return reason('cluster_uid_mismatch', { expected: cluster.uid, found: opening.clusterUid });
    }
    return cluster.approved ? null : reason('cluster_not_approved');
  }
}
