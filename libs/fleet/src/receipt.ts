/** What a backup is a copy of. */
export const BACKUP_KINDS = ['etcd', 'velero', 'manifests'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

/** Proof that a backup can be restored, made by whoever took it. Small: the backup itself stays where it is stored. */
export interface Receipt {
  /** Absent in receipts of older agents, which backed up etcd only. */
  readonly backup?: BackupKind;
  /** Where it was taken; '' for what no single node took. */
  readonly node: string;
  /** Where it lies: a path on the node, a URL of the object store, the name of a Velero backup. */
  readonly path: string;
  /** 64 hex digits over the stored bytes; '' where another program stores them (Velero). */
  readonly sha256: string;
  /** etcd's revision; 0 for backups without one. */
  readonly revision: number;
  /** Keys of etcd, or objects. */
  readonly totalKeys: number;
  readonly sizeBytes: number;
  /** Epoch ms. */
  readonly takenAt: number;
  /** Epoch ms of a proof that came later: a drill on a stored backup, a restore. Absent: proven as it was taken. */
  readonly provenAt?: number;
  /** `restore`: restored somewhere apart and compared; `status`: looked at only (hash, page check, phase). */
  readonly verified: 'restore' | 'status';
  /** What was proven, a sentence each. */
  readonly checks?: readonly string[];
  /** Recipients whose keys can open it; absent or empty: not encrypted by us. */
  readonly encryptedTo?: readonly string[];
}

/** Epoch ms of the moment at which this was last known to be good. */
export function provenAt(receipt: Pick<Receipt, 'takenAt' | 'provenAt'>): number {
  return receipt.provenAt ?? receipt.takenAt;
}

export function backupOf({ backup = 'etcd' }: Pick<Receipt, 'backup'>): BackupKind {
  return backup;
}
