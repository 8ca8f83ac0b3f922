import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LiveKeys } from './live-keys.js';

describe('counting live keys', () => {
  it('any log of puts and deletes → the count of a map that keeps the keys', () => {
    const key = fc.integer({ min: 0, max: 40 }).map((number) => `/registry/pods/p-${number}`);
    const log = fc.array(fc.record({ key, put: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(log, (entries) => {
        const keys = new LiveKeys();
        const map = new Map<string, true>();
        for (const entry of entries) {
          if (entry.put) map.set(entry.key, true);
          else map.delete(entry.key);
          keys[entry.put ? 'put' : 'remove'](Buffer.from(entry.key));
        }
        return keys.count === map.size;
      }),
    );
  });

  it('fifty thousand names that differ by a letter → none is taken for another', () => {
    const keys = new LiveKeys();
    for (let number = 0; number < 50_000; number += 1)
      keys.put(Buffer.from(`/registry/configmaps/shop/object-${number}`));
    expect(keys.count).toBe(50_000);
  });
});
