import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resolveCount, shareOf, toleratedFailures } from './budget.js';

describe('counts and percentages', () => {
  it.each<[number | string, number, 'up' | 'down', number, number]>([
    [10, 3, 'down', 1, 10],
    ['5%', 100, 'up', 1, 5],
    ['5%', 41, 'up', 1, 3],
    ['5%', 41, 'down', 1, 2],
    ['7%', 100, 'up', 0, 7],
    ['29%', 100, 'down', 0, 29],
    ['2.5%', 40, 'up', 0, 1],
    ['1%', 10, 'down', 1, 1],
    ['1%', 10, 'down', 0, 0],
    ['100%', 38, 'down', 0, 38],
    ['0%', 38, 'up', 0, 0],
    ['50%', 0, 'up', 0, 0],
  ])('%s of %d rounded %s, at least %d → %d', (value, total, rounding, min, expected) => {
    expect(resolveCount(value, total, rounding, min)).toBe(expected);
  });

  it('a share is read from a percentage only', () => {
    expect([shareOf('25%'), shareOf('12.5%'), shareOf(25), shareOf('25'), shareOf('-5%')]).toEqual([
      0.25,
      0.125,
      null,
      null,
      null,
    ]);
  });
});

describe('failures tolerated', () => {
  const budget = { firstWave: 0, laterWaves: '5%' };

  it.each([
    [1, 1, 0],
    [1, 500, 0],
    [2, 8, 1],
    [2, 20, 1],
    [3, 39, 1],
    [3, 40, 2],
    [4, 100, 5],
  ])('by default wave %d of %d clusters tolerates %d', (wave, size, expected) => {
    expect(toleratedFailures(budget, wave, size)).toBe(expected);
  });

  it('a plan that says 0 for later waves means 0', () => {
    expect(toleratedFailures({ firstWave: 0, laterWaves: 0 }, 2, 100)).toBe(0);
    expect(toleratedFailures({ firstWave: 0, laterWaves: '0%' }, 2, 100)).toBe(0);
  });

  it('a first wave may be given a budget, by count or by share', () => {
    expect(toleratedFailures({ firstWave: 2, laterWaves: '5%' }, 1, 3)).toBe(2);
    expect(toleratedFailures({ firstWave: '50%', laterWaves: '5%' }, 1, 3)).toBe(1);
  });

  it('a larger wave never tolerates less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(5000), fc.nat(50), (percent, size, more) => {
        const given = { firstWave: 0, laterWaves: `${percent}%` };
        expect(toleratedFailures(given, 2, size + more)).toBeGreaterThanOrEqual(toleratedFailures(given, 2, size));
      }),
    );
  });
});
