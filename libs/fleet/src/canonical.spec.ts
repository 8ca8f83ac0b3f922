import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText, digestOf, sha256Hex } from './canonical.js';

describe('canonical text', () => {
  it('keys are sorted, white space and undefined are gone', () => {
    expect(canonicalText({ b: [1, undefined, { d: 'x', c: null }], a: undefined, A: true })).toBe(
      '{"A":true,"b":[1,null,{"c":null,"d":"x"}]}',
    );
  });

  it.each([NaN, Infinity, 1n, () => 1])('%p has no JSON form → refused', (value) => {
    expect(() => canonicalText({ value })).toThrow(TypeError);
  });

  it('SHA-256 agrees with the standard’s example', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('the order of keys never matters, and the text reads back as the value', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, turned(item)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const clean: unknown = JSON.parse(JSON.stringify(value));
        expect(digestOf(turned(clean))).toBe(digestOf(clean));
        expect(JSON.parse(canonicalText(clean))).toEqual(clean);
      }),
    );
  });
});
