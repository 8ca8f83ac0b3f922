import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openPacer } from './pacer.js';

describe('the pace of evictions', () => {
  it('ten at once, then five a second → the eleventh waits 200 ms, the fifteenth a second', () => {
    const pacer = openPacer(5, 10);
    const waits = Array.from({ length: 15 }, () => pacer.take(1_000));
    expect(waits.slice(0, 10)).toEqual(new Array(10).fill(0));
    expect(waits.slice(10)).toEqual([200, 400, 600, 800, 1_000]);
  });

  it('a pause of two seconds → ten more may go at once, not more', () => {
    const pacer = openPacer(5, 10);
    for (let i = 0; i < 10; i += 1) pacer.take(0);
    const later = Array.from({ length: 11 }, () => pacer.take(2_000));
    expect(later.filter((wait) => wait === 0)).toHaveLength(10);
  });

  it('whatever the moments of asking, no second sees more than the burst and the rate', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), (waits, perSecond) => {
        const pacer = openPacer(perSecond, 10);
        let now = 0;
        const goes = waits.map((gap) => ((now += gap), now + pacer.take(now)));
        return goes.every((from) => goes.filter((at) => at >= from && at < from + 1000).length <= 10 + perSecond);
      }),
    );
  });
});
