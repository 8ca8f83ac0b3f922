import { describe, expect, it } from '@jest/globals';
import { isInRange } from './sli-definition.js';

describe('a range of versions', () => {
  it.each([
    ['*', '1.2', true],
    ['>=1.26', '1.26', true],
    ['>=1.26', '1.26.0', true],
    ['>=1.26', 'v1.35.4', true],
    ['>=1.26', '1.25.16', false],
    ['>1.26', '1.26.9', false],
    ['>1.26', '1.27.0', true],
    ['<1.27', '1.26.9', true],
    ['<1.27', '1.27.0', false],
    ['<=1.27', '1.27.3', true],
    ['>=1.23 <1.27', '1.23', true],
    ['>=1.23 <1.27', '1.22', false],
    ['>=1.23 <1.27', '1.27', false],
    // Minors are numbers, not text.
    ['>=1.9', '1.10', true],
    ['<1.10', '1.9', true],
    // Components count majors of their own: 2.0 is later than 1.99.
    ['>=2.0', '1.99', false],
    ['>=1.5', '2.0', true],
    ['<2.0', '1.99', true],
    ['nonsense', '1.30', false],
    ['>=1.26 nonsense', '1.30', false],
    ['>=1.26', 'nonsense', false],
  ])('%s, %s → %s', (range, version, expected) => {
    expect(isInRange(range, version)).toBe(expected);
  });
});
