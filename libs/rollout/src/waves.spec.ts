import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { plan } from './plan.js';
import { fleetOf, planOf, type SpecInput } from './testing/fleet-fixture.js';
import { provenSize } from './waves.js';

const sizes = (count: number, strategy: SpecInput['strategy']): number[] =>
  plan(planOf({ strategy }), fleetOf(count)).waves.map(({ clusterIds }) => clusterIds.length);

describe('how many clusters a clean start proves', () => {
  it.each([
    [0, 2, 2],
    [1, 2, 2],
    [3, 2, 3],
    [5, 2, 4],
    [10, 2, 7],
    [20, 2, 14],
    [50, 2, 34],
    [0, 1, 1],
    [1, 1, 1],
  ])('after %d clean clusters, with %d to lose: %d', (clean, mayLose, size) => {
    expect(provenSize(clean, mayLose)).toBe(size);
  });
});

describe('waves that are no larger than what the ones before prove', () => {
  it('a plan that does not ask for them has the waves of its shares', () => {
    expect(sizes(100, { waves: ['5%', '25%', '100%'] })).toEqual([5, 20, 75]);
  });

  it('a share that is too large at once is taken in several waves, and shares stay barriers', () => {
    expect(sizes(40, { waves: ['5%', '25%', '100%'], adaptive: true })).toEqual([2, 2, 3, 3, 7, 12, 11]);
  });

  it('a cautious plan begins with one cluster', () => {
    expect(sizes(6, { waves: ['100%'], adaptive: true, mayLose: 1 })[0]).toBe(1);
  });

  it('whatever the fleet: every cluster is in one wave, and no wave is larger than what is proven before it', () => {
    const shares = fc.constantFrom<string[][]>(['100%'], ['10%', '100%'], ['5%', '25%', '50%', '100%']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), shares, fc.integer({ min: 1, max: 9 }), (count, waves, mayLose) => {
        let before = 0;
        for (const size of sizes(count, { waves, adaptive: true, mayLose })) {
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(provenSize(before, mayLose));
          before += size;
        }
        expect(before).toBe(count);
      }),
      { numRuns: 40 },
    );
  });

  it('an approval asked before a share is asked once, before its first wave', () => {
    const { waves } = plan(planOf({ strategy: { waves: ['10%', '100%'], adaptive: true } }), fleetOf(20));
    expect(waves.map(({ share }) => share)).toEqual(['10%', '100%', '100%', '100%', '100%']);
  });
});
