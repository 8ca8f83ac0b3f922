import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { BackupFailed } from '../backup-failed.js';
import { TrailerCheck } from './save-snapshot.js';

const body = Buffer.alloc(4_096, 'page');
const snapshot = Buffer.concat([body, createHash('sha256').update(body).digest()]);

function check(bytes: Buffer, chunk: number) {
  const trailer = new TrailerCheck();
  for (let at = 0; at < bytes.length; at += chunk) trailer.update(bytes.subarray(at, at + chunk));
  return trailer.finish('the snapshot');
}

describe('the hash that etcd appends', () => {
  it.each([1, 7, 31, 32, 33, 512, 5_000])(
    'in pieces of %i bytes → agrees, and the whole has its own SHA-256',
    (chunk) => {
      const sha256 = createHash('sha256').update(snapshot).digest('hex');
      expect(check(snapshot, chunk)).toEqual({ sizeBytes: 4_128, sha256 });
    },
  );

  it('a byte missing, at the end or in the middle → cut short', () => {
    const short = Buffer.concat([snapshot.subarray(0, 100), snapshot.subarray(101)]);
    for (const bytes of [snapshot.subarray(0, -1), short, Buffer.alloc(0)])
      expect(() => check(bytes, 512)).toThrow(/cut short/);
  });

  it('any one bit flipped → damaged', () => {
    for (let at = 0; at < snapshot.length; at += 61) {
      const bytes = Buffer.from(snapshot);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at & 7));
      expect(() => check(bytes, 1_000)).toThrow(BackupFailed);
    }
  });
});
