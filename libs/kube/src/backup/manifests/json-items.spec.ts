import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseExactly } from './exact-json.js';
import { jsonItems } from './json-items.js';

async function split(text: string, chunk: number): Promise<{ items: string[]; frame: unknown }> {
  const bytes = Buffer.from(text);
  const body = (function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  })();
  const items: string[] = [];
  const reading = jsonItems(body as unknown as AsyncIterable<Uint8Array>);
  for (let step = await reading.next(); ; step = await reading.next()) {
    if (step.done) return { items, frame: JSON.parse(step.value.text) };
    items.push(step.value);
  }
}

describe('a list that is split while it arrives', () => {
  it('any objects, in any pieces, metadata before or after → the same objects and the same rest', async () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    const given = fc.record({
      items: fc.array(object, { maxLength: 6 }),
      chunk: fc.integer({ min: 1, max: 50 }),
      first: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ items, chunk, first }) => {
        const metadata = { continue: 'tok"en]}', resourceVersion: '1' };
        const list = first ? { kind: 'items', metadata, items } : { items, kind: 'L', metadata };
        const found = await split(JSON.stringify(list), chunk);
        expect(found.items.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(items)));
        expect(found.frame).toEqual({ ...list, items: [] });
      }),
      { numRuns: 150 },
    );
  });

  it('without any, as null, or with blanks between → nothing lost', async () => {
    expect(await split('{"kind":"L","items":null}', 3)).toEqual({ items: [], frame: { kind: 'L', items: null } });
    expect((await split('{ "items" : [ {"a":1} , {"b":[{}]} ] }', 2)).items).toEqual(['{"a":1}', '{"b":[{}]}']);
  });

  it('a connection that breaks → an error, never a shorter list', async () => {
    await expect(split('{"items":[{"a":1},{"b"', 5)).rejects.toThrow(/broke off/);
  });
});

describe('numbers', () => {
  it('beyond what a number holds → kept as they were written; others as numbers', () => {
    expect(JSON.stringify(parseExactly('{"a":9223372036854775807,"b":[ -9223372036854775808],"c":12,"d":1e21}'))).toBe(
      '{"a":9223372036854775807,"b":[-9223372036854775808],"c":12,"d":1e+21}',
    );
  });
});
