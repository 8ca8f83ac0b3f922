import { describe, expect, it } from '@jest/globals';
import { describeOutcome } from './describe-outcome.js';
import { describeBytes, describeReceipt } from './describe-receipt.js';
import type { Receipt } from './receipt.js';

const receipt: Receipt = {
  ...{ node: 'cp-1', path: '/b', sha256: 'ab', revision: 88213, totalKeys: 10230, sizeBytes: 4_404_019 },
  ...{ takenAt: Date.UTC(2026, 10, 21, 6, 30), verified: 'restore' },
};

describe('a receipt in words', () => {
  it('of an older agent → etcd; what was counted and how it was proven', () => {
    expect(describeReceipt(receipt)).toMatch(
      /^etcd on cp-1 at 2026-11-21T06:30Z: 4\.2 MiB, 10230 keys at revision 88213, restored for proof$/,
    );
  });

  it('only looked at, of objects, sealed → said so', () => {
    const text = describeReceipt({
      ...receipt,
      backup: 'manifests',
      node: '',
      verified: 'status',
      encryptedTo: ['a', 'b'],
    });
    expect(text).toContain('10230 objects, looked at, not restored, encrypted to 2 recipients');
    expect(text).not.toContain(' on ');
  });

  it('proven later, by a drill → both moments', () => {
    const text = describeReceipt({ ...receipt, provenAt: Date.UTC(2026, 10, 28, 3) });
    expect(text).toMatch(/^etcd on cp-1 at 2026-11-21T06:30Z: .*, restored for proof at 2026-11-28T03:00Z$/);
  });

  it('in the outcome of its order, with what stays cordoned', () => {
    const outcome = { kind: 'completed', standing: {}, cordoned: ['w-1'], receipts: [receipt] } as const;
    expect(describeOutcome(outcome)).toMatch(/^completed; etcd on cp-1 .*; left cordoned: w-1$/);
    expect(describeOutcome({ ...outcome, cordoned: [], receipts: [] })).toBe('completed');
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10 * 1024 ** 2, '10 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%d bytes → %s', (bytes, text) => {
    expect(describeBytes(bytes)).toBe(text);
  });
});
