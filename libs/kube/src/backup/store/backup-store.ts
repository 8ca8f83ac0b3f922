import type { Readable } from 'node:stream';

/** What lies in a store after it was read back. */
export interface StoredObject {
  /** As a person finds it: an absolute path, or an s3:// URL. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Where backups lie. A name is visible only once its bytes are whole: nothing half-written ever has it. */
export interface BackupStore {
  /** For people: `/var/lib/wavegate/backups`, `s3://bucket/prefix`. */
  readonly where: string;
  /** Leaves the host that the cluster runs on. */
  readonly remote: boolean;
  /** Throws BackupFailed with what stands in the way of writing there; leaves nothing. */
  probe(): Promise<void>;
  /** Writes, reads back, compares. Throws BackupFailed, and then nothing of that name is there. */
  write(name: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  /** Throws BackupFailed `invalid` when there is none. */
  read(name: string): Promise<Readable>;
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
  pathOf(name: string): string;
}
