export { checkRecipients, newIdentity, seal, unseal } from './archive/seal.js';
export { BackupFailed, type BackupTrouble } from './backup-failed.js';
export {
  DEFAULT_BACKUP,
  DEFAULT_BACKUP_FOLDER,
  etcdBackupJob,
  etcdLookJob,
  etcdProofJob,
  exportJob,
  unsafeTarget,
  type BackupSettings,
  type EtcdBackupWork,
  type ExportWork,
} from './backup-job.js';
export { exportByJob, snapshotByJob } from './backup-step.js';
export { toSharedReceipt, toTerminationMessage, type Drill } from './termination-message.js';
export {
  backupName,
  keepNewest,
  readBackupName,
  RECEIPT_END,
  type BackupKeeping,
  type BackupKind,
} from './backup-name.js';
export type { BackupProgress, SayProgress } from './backup-progress.js';
export { openEtcd, type EtcdAccess } from './etcd/etcd-access.js';
export { lookAtEtcd, type EtcdLook, type EtcdMember } from './etcd/look-at-etcd.js';
export { takeEtcdBackup, type BackupTaken, type EtcdBackupAsked } from './etcd/etcd-backup.js';
export { readReceipt, type ReceiptFile } from './receipt-file.js';
export type { BackupStore, StoredObject } from './store/backup-store.js';
export { openStore, openStoreOf, type StoreSettings } from './store/open-store.js';
export { newestBackup, verifyBackup, type Verified, type VerifyAsked } from './verify-backup.js';
export { APPLY_ORDER, takeManifestsBackup, type ManifestsAsked } from './manifests/manifests-backup.js';
