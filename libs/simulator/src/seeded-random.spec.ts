import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from './seeded-random.js';

const draws = (random: SeededRandom, count: number): number[] => Array.from({ length: count }, () => random.next());

describe('SeededRandom', () => {
  it('the same seed → the same draws', () => {
    expect(draws(new SeededRandom('7'), 50)).toEqual(draws(new SeededRandom('7'), 50));
    expect(draws(new SeededRandom('7'), 5)).not.toEqual(draws(new SeededRandom('8'), 5));
  });

  it('one draw more in one place → the draws of a split stream stay', () => {
    const one = new SeededRandom('7');
    const other = new SeededRandom('7');
    other.next();
    expect(draws(one.split('network'), 20)).toEqual(draws(other.split('network'), 20));
  });

  it('ten thousand draws → spread evenly over [0, 1)', () => {
    const counts = new Array<number>(10).fill(0);
    for (const value of draws(new SeededRandom('spread'), 10_000)) counts[Math.floor(value * 10)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('seeds that differ by one digit → first draws that have nothing to do with each other', () => {
    const firsts = Array.from({ length: 1_000 }, (_, i) => new SeededRandom(`fleet/${i}/fault`).int(0, 9));
    for (let value = 0; value < 10; value++) {
      expect(Math.abs(firsts.filter((first) => first === value).length - 100)).toBeLessThan(40);
    }
    const same = firsts.filter((first, i) => first === firsts[i + 1]).length;
    expect(Math.abs(same - 100)).toBeLessThan(40);
  });

  it('int → both ends are reached and never left; shuffle keeps every item', () => {
    const random = new SeededRandom('ints');
    const seen = new Set(Array.from({ length: 200 }, () => random.int(2, 5)));
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
    expect(random.shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
  });
});
