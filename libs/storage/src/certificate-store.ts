import { appendAudit } from './audit-log.js';
import type { Database } from './database.js';
import type { CertificateRow } from './rows.js';

export interface NewCertificate {
  readonly serial: string;
  readonly clusterId: string;
  /** Epoch ms. */
  readonly notAfter: number;
  readonly publicKeySha256: string;
  /** 'enrolled' or 'renewed': how it came about, for the audit. */
  readonly how: 'enrolled' | 'renewed';
  /** More for the audit line. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** A certificate with what an admission needs to know of its cluster. */
export interface Certificate {
  readonly serial: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly clusterUid: string;
  readonly approved: boolean;
  readonly removed: boolean;
  readonly publicKeySha256: string;
  readonly notAfter: number;
  readonly revokedAt: number | null;
}

const INSERT = `
  INSERT INTO certificates (serial, cluster_id, public_key_sha256, not_after, recorded_at)
  VALUES ($1, $2, $3, $4, now_ms())`;
const FIND = `
  SELECT k.serial, k.cluster_id, k.public_key_sha256, k.not_after, k.revoked_at, c.name, c.uid, c.approved, c.removed_at
  FROM certificates k JOIN clusters c ON c.id = k.cluster_id WHERE k.serial = $1`;
const REVOKE = `
  UPDATE certificates SET revoked_at = now_ms()
  WHERE revoked_at IS NULL AND (serial = $1 OR cluster_id = $2) RETURNING serial, cluster_id`;

/** Which certificates the hub issued, to whom, and which it took back. The keys and the CA are not here. */
export class CertificateStore {
  constructor(private readonly database: Database) {}

  /** Before the certificate is handed out: one that the hub does not know opens no session. */
  async record({ serial, clusterId, notAfter, publicKeySha256, how, evidence }: NewCertificate): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.affected(INSERT, [serial, clusterId, publicKeySha256, notAfter]);
      const detail = { ...evidence, cluster: clusterId, notAfter, publicKeySha256 };
      const action = `certificate.${how}`;
      await appendAudit(tx, [{ actor: `agent/${clusterId}`, action, object: `certificate/${serial}`, detail }]);
    });
  }

  async find(serial: string): Promise<Certificate | null> {
    type Row = CertificateRow & { name: string; uid: string; approved: boolean; removed_at: number | null };
    const [row] = await this.database.rows<Row>(FIND, [serial]);
    if (!row) return null;
    return {
      serial: row.serial,
      clusterId: row.cluster_id,
      clusterName: row.name,
      clusterUid: row.uid,
      approved: row.approved,
      removed: row.removed_at !== null,
      publicKeySha256: row.public_key_sha256,
      notAfter: row.not_after,
      revokedAt: row.revoked_at,
    };
  }

  /** One certificate, or all of a cluster. The number that was revoked by this call. */
  async revoke(which: { serial: string } | { clusterId: string }, by: string): Promise<number> {
    return this.database.transaction(async (tx) => {
      const params = 'serial' in which ? [which.serial, null] : [null, which.clusterId];
      const rows = await tx.rows<{ serial: string; cluster_id: string }>(REVOKE, params);
      const line = (row: { serial: string; cluster_id: string }) => {
        return {
          actor: by,
          action: 'certificate.revoked',
          object: `certificate/${row.serial}`,
          detail: { cluster: row.cluster_id },
        };
      };
      await appendAudit(tx, rows.map(line));
      return rows.length;
    });
  }
}
