import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { toYaml } from './to-yaml.js';

/** kubectl reads YAML 1.1 with some of 1.2; what both read alike is right. */
const readers = [{ version: '1.1' as const }, { version: '1.2' as const }];

describe('YAML of objects', () => {
  it('any JSON → read back as it was, by both versions of YAML', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('a', ' b', '', 'c: d', '# e', '\t', '- f', '---', 'ü'), { maxLength: 5 })
        .map((lines) => lines.join('\n')),
      fc.constantFrom(
        'yes',
        'NO',
        'on',
        'y',
        'null',
        '~',
        '012',
        '0x1f',
        '1e3',
        '1_000',
        '12:30:45',
        '2026-11-21',
        '.inf',
        '=',
        '<<',
        '*a',
        '&b',
        '!c',
        '- d',
        '? e',
        'f: g',
        'h #i',
        "'",
        '"',
        '%',
        '@',
        '`',
        '{}',
        '[]',
        '\u2028',
        '\u0085',
        '\ufeff',
      ),
    );
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(text, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), value, { minKeys: 1 }), (object) => {
        const plain = JSON.parse(JSON.stringify(object)) as unknown;
        for (const reader of readers) expect(parse(toYaml(plain), reader)).toEqual(plain);
      }),
      { numRuns: 200 },
    );
  });

  it('an ordinary object → as a person would write it', () => {
    const object = {
      kind: 'ConfigMap',
      data: { script: 'echo a\necho b\n', on: 'yes' },
      list: [{ a: 1, b: [] }, [2, 3], 'x'],
    };
    expect(toYaml(object)).toMatchInlineSnapshot(`
      "kind: ConfigMap
      data:
        script: |
          echo a
          echo b
        "on": "yes"
      list:
        - a: 1
          b: []
        - - 2
          - 3
        - x
      "
    `);
  });
});
