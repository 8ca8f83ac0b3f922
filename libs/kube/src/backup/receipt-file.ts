import { BackupFailed, messageOf } from './backup-failed.js';
import { RECEIPT_END, type BackupKind } from './backup-name.js';
import type { BackupStore, StoredObject } from './store/backup-store.js';

/** What was found in an etcd snapshot before it was put away. */
export interface SnapshotFacts {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly revision: number;
  /** Keys alive at that revision. */
  readonly totalKeys: number;
  /** Those of them under the prefix of Kubernetes. */
  readonly registryKeys: number;
  readonly prefix: string;
  readonly etcdVersion: string;
}

/** What an export of manifests holds. */
export interface ExportFacts {
  readonly objects: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly secrets: boolean;
}

/** The file beside a backup. Without it a file is no backup: it is written last, and removed first. */
export interface ReceiptFile {
  readonly schema: 1;
  readonly kind: BackupKind;
  readonly cluster: string;
  /** Host it was taken on, or of the API server it was taken from. */
  readonly node: string;
  readonly takenAt: string;
  /** Of the stored object, as `sha256sum` says. */
  readonly object: StoredObject;
  /** How it was proven: `restore` is a scratch etcd; `status` hash and pages only; manifests are read back. */
  readonly verified: 'restore' | 'status';
  /** In words, one line each: what was checked, and what could not be. */
  readonly checks: readonly string[];
  /** Public keys; empty: it is not encrypted. */
  readonly encryptedTo: readonly string[];
  /** Names of the host's files in an etcd backup: PKI, static pods, EncryptionConfiguration. */
  readonly hostFiles?: readonly string[];
  readonly snapshot?: SnapshotFacts;
  readonly export?: ExportFacts;
}

export async function writeReceipt(store: BackupStore, name: string, receipt: ReceiptFile): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`);
  await store.write(`${name}${RECEIPT_END}`, once(bytes));
}

/** Throws BackupFailed: without a receipt a file is not known to be whole. */
export async function readReceipt(store: BackupStore, name: string): Promise<ReceiptFile> {
  const path = store.pathOf(`${name}${RECEIPT_END}`);
  let text = '';
  try {
    for await (const chunk of await store.read(`${name}${RECEIPT_END}`)) text += String(chunk);
  } catch (error) {
    // A store that cannot be asked says nothing about what lies in it.
    if (error instanceof BackupFailed && error.trouble !== 'invalid') throw error;
    const words = `${store.pathOf(name)} has no receipt beside it (${messageOf(error)}): it was not finished, or moved alone`;
    throw new BackupFailed('incomplete', words, { cause: error });
  }
  try {
    const receipt = JSON.parse(text) as Partial<ReceiptFile>;
    if (receipt.schema !== 1 || !receipt.object) throw new Error('its schema is not 1');
    return receipt as ReceiptFile;
  } catch (error) {
    throw new BackupFailed('corrupt', `${path} is no receipt of ours: ${messageOf(error)}`, { cause: error });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
