import { describe, expect, it } from '@jest/globals';
import { describeFailure, expectedSightings, runSeeds } from './run-seeds.js';
import { Sightings } from './sightings.js';

const SEEDS = Number(process.env['SEEDS'] ?? '300');
const FROM = Number(process.env['FROM'] ?? '1');
const CHUNK = 25;
/** Fewer worlds than this may honestly miss a rare fault. */
const ENOUGH_FOR_VACUITY = 50;

/** One half of the seeds: two test files, so that two processors share them. */
export function simulateHalf(half: 'first' | 'second'): void {
  const middle = FROM + Math.ceil(SEEDS / 2);
  const [from, end] = half === 'first' ? [FROM, middle] : [middle, FROM + SEEDS];
  const sightings = new Sightings();

  describe(`simulated rollouts, ${end - from} seeds from ${from}`, () => {
    for (let start = from; start < end; start += CHUNK) {
      const count = Math.min(CHUNK, end - start);
      it(`seeds ${start} to ${start + count - 1}: whatever fails, every promise holds and every rollout ends`, async () => {
        const { failures, sightings: seen } = await runSeeds(start, count);
        sightings.add(seen);
        expect(failures.map(describeFailure).join('\n\n')).toBe('');
      });
    }

    it('over all seeds → every kind of fault and every interesting outcome really occurred', () => {
      const enough = end - from >= ENOUGH_FOR_VACUITY;
      const missing = enough ? sightings.missing(expectedSightings(end - from)) : [];
      expect({ missing, seen: missing.length > 0 ? sightings.table() : '' }).toEqual({ missing: [], seen: '' });
    });
  });
}
