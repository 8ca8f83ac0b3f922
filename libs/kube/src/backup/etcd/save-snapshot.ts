import { createHash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { BackupFailed, diskFailure } from '../backup-failed.js';
import type { EtcdClient } from './etcd-client.js';

const HASH_BYTES = 32;
const PAGE_MULTIPLE = 512;

export interface SavedSnapshot {
  readonly file: string;
  readonly sizeBytes: number;
  /** Of the whole file, trailer included: what `sha256sum` says. */
  readonly sha256: string;
}

export type SaveProgress = (savedBytes: number, totalBytes: number) => void;

/** Streams a snapshot into a file that only this user can read, and checks it while it flows. No file on failure. */
export async function saveSnapshot(etcd: EtcdClient, file: string, say: SaveProgress): Promise<SavedSnapshot> {
  const check = new TrailerCheck();
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'wx', 0o600);
    let total = 0;
    for await (const { blob, remaining } of etcd.snapshot()) {
      total ||= blob.length + remaining + HASH_BYTES;
      check.update(blob);
      await writeAll(handle, blob);
      say(check.sizeBytes, total);
    }
    await handle.sync();
    await handle.close();
    return { file, ...check.finish(`the snapshot of ${etcd.address}`) };
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(file, { force: true });
    throw diskFailure(`saving the snapshot in ${file}`, error);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}

/**
 * etcd appends the SHA-256 of everything before it. Neither `etcdutl snapshot status` (it panics on a truncated file)
 * nor the page check of the database looks at it: only this, and a restore, do.
 */
export class TrailerCheck {
  private readonly body = createHash('sha256');
  private readonly whole = createHash('sha256');
  private tail: Buffer = Buffer.alloc(0);
  sizeBytes = 0;

  update(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length;
    this.whole.update(chunk);
    const seen = Buffer.concat([this.tail, chunk]);
    const cut = Math.max(0, seen.length - HASH_BYTES);
    this.body.update(seen.subarray(0, cut));
    this.tail = Buffer.from(seen.subarray(cut));
  }

  /** Throws BackupFailed `corrupt`; otherwise size and SHA-256 of the whole. */
  finish(what: string): { readonly sizeBytes: number; readonly sha256: string } {
    const { sizeBytes } = this;
    if (sizeBytes % PAGE_MULTIPLE !== HASH_BYTES) {
      const words = `has ${sizeBytes} bytes, which is not whole pages and a hash of ${HASH_BYTES}: it is cut short`;
      throw new BackupFailed('corrupt', `${what} ${words}`);
    }
    const computed = this.body.digest('hex');
    const said = this.tail.toString('hex');
    if (computed !== said) {
      const words = `is damaged: its bytes have SHA-256 ${computed.slice(0, 16)}…, etcd wrote ${said.slice(0, 16)}…`;
      throw new BackupFailed('corrupt', `${what} ${words}`);
    }
    return { sizeBytes, sha256: this.whole.digest('hex') };
  }
}
