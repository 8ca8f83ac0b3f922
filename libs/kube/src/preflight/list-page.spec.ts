import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { continueOf, eachItem } from './list-page.js';

function read(text: string): { items: unknown[]; next: string } {
  const items: unknown[] = [];
  const next = eachItem(Buffer.from(text), (item) => void items.push(item));
  return { items, next };
}

const managed = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 });
const key = fc.oneof(fc.string(), fc.constantFrom('managedFields', 'metadata', 'items', 'a"b\\', '🙂'));
const object = fc.dictionary(key, fc.jsonValue(), { maxKeys: 5 });

describe('a page of a list', () => {
  it('any objects, with or without managedFields → the same objects without them, and the next page', () => {
    const item = fc.record({ before: object, metadata: object, managed, spec: object, place: fc.nat(2) });
    const given = fc.record({ items: fc.array(item, { maxLength: 5 }), next: fc.string(), first: fc.boolean() });
    fc.assert(
      fc.property(given, ({ items, next, first }) => {
        const bare = items.map(({ before, metadata, spec }) => {
          const { managedFields: _mine, ...named } = metadata;
          return { before, metadata: named, spec };
        });
        const full = bare.map(({ before, metadata, spec }, at) => {
          const { managed: managedFields = [], place = 2 } = items[at] ?? {};
          if (place === 0) return { before, metadata: { managedFields, ...metadata }, spec };
          return { before, metadata: place === 1 ? { ...metadata, managedFields } : metadata, spec };
        });
        const metadata = { resourceVersion: '7', continue: next };
        const list = first ? { kind: 'items', metadata, items: full } : { items: full, metadata };
        const text = JSON.stringify(list);
        expect(read(text)).toEqual({ items: JSON.parse(JSON.stringify(bare)), next });
        if (first) expect(continueOf(Buffer.from(text))).toBe(/[^ -~]/.test(next) ? expect.anything() : next);
      }),
      { numRuns: 300 },
    );
  });

  it('managedFields that stand elsewhere than in the metadata of an object → kept', () => {
    const items = [{ metadata: { name: 'a' }, spec: { managedFields: [1], metadata: { managedFields: [2] } } }];
    expect(read(JSON.stringify({ items })).items).toEqual(items);
  });

  it('no items, null, blanks between → nothing lost', () => {
    expect(read('{"kind":"L","metadata":{}}')).toEqual({ items: [], next: '' });
    expect(read('{"items":null,"metadata":{"continue":"x"}}')).toEqual({ items: [], next: 'x' });
    expect(read('{ "items" : [ {"a":1} , {"b":[{}]} ] }').items).toEqual([{ a: 1 }, { b: [{}] }]);
  });

  it('cut off anywhere → an error, never a shorter list', () => {
    const text = JSON.stringify({ metadata: { continue: 'n' }, items: [{ metadata: { name: 'a"}]' } }, { b: 1 }] });
    for (let length = 1; length < text.length; length += 1) expect(() => read(text.slice(0, length))).toThrow();
  });

  it('only the beginning is here → the next page is known once the items begin', () => {
    const text = '{"kind":"PodList","metadata":{"resourceVersion":"1","continue":"abc"},"items":[{"metadata":';
    expect(continueOf(Buffer.from(text))).toBe('abc');
    expect(continueOf(Buffer.from(text.slice(0, 60)))).toBeNull();
    expect(continueOf(Buffer.from('{"kind":"PodList","metadata":{},"items":[{'))).toBe('');
    expect(continueOf(Buffer.from('{"items":[{"a":1'))).toBeNull();
  });
});
