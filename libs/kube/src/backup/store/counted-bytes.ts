import { createHash } from 'node:crypto';
import { BackupFailed } from '../backup-failed.js';

/** Hashes and counts what flows through. */
export class CountedBytes {
  private readonly hash = createHash('sha256');
  private digest: string | null = null;
  sizeBytes = 0;

  /** `chunk` passes unchanged. */
  see(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.sizeBytes += chunk.length;
  }

  async *through(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.see(chunk);
      yield chunk;
    }
  }

  get sha256(): string {
    return (this.digest ??= this.hash.digest('hex'));
  }

  /** Throws when the bytes that came back are not those that were sent. */
  async mustComeBack(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const back = new CountedBytes();
    for await (const chunk of body) back.see(chunk);
    if (back.sha256 === this.sha256) return;
    const words = `${back.sizeBytes} bytes came back of ${this.sizeBytes} that were written`;
    const found = back.sizeBytes === this.sizeBytes ? 'other bytes came back than were written' : words;
    throw new BackupFailed('corrupt', `${path}: ${found}; the store cannot be trusted, and nothing was kept`);
  }
}
