import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inOrder, Line } from './line.js';

/** Beyond 32 and 1,024, so that lines of one, two and three levels meet. */
const position = fc.oneof(fc.nat(40), fc.nat(1_100), fc.nat(40_000));
const time = fc.oneof(fc.constant(-Infinity), fc.integer({ min: 0, max: 20 }));
const changes = fc.array(fc.record({ position, time: fc.option(time, { freq: 3 }) }), { maxLength: 60 });

function played(steps: readonly { position: number; time: number | null }[]): {
  line: Line;
  truth: Map<number, number>;
} {
  let line = Line.EMPTY;
  const truth = new Map<number, number>();
  for (const step of steps) {
    line = step.time === null ? line.without(step.position) : line.with(step.position, step.time);
    if (step.time === null) truth.delete(step.position);
    else truth.set(step.position, step.time);
  }
  return { line, truth };
}

const sorted = (truth: Map<number, number>) => [...truth].sort(([a], [b]) => a - b);

describe('a line', () => {
  it('has the members that it was given, in order, however it came to them', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const { line, truth } = played(steps);
        expect([...line]).toEqual(sorted(truth));
        expect([...Line.of([...truth])]).toEqual(sorted(truth));
        expect(line.isEmpty).toBe(truth.size === 0);
      }),
    );
  });

  it('answers who is next and when the earliest is as a look at every member would', () => {
    fc.assert(
      fc.property(changes, position, fc.integer({ min: -1, max: 21 }), fc.nat(2_000), (steps, from, due, width) => {
        const { line, truth } = played(steps);
        const next = sorted(truth).find(([at, when]) => at >= from && when <= due);
        expect(line.next(from, due)).toBe(next?.[0] ?? Infinity);
        const inside = sorted(truth).filter(([at, when]) => at >= from && at < from + width && when > due);
        expect(line.earliest({ after: due, from, to: from + width })).toBe(
          Math.min(Infinity, ...inside.map(([, t]) => t)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('stays what it was when another is made from it', () => {
    const before = Line.of([[3, 7], [900, 1]]); // prettier-ignore
    before.with(3, 1).with(33_000, 2).without(900);
    expect([...before]).toEqual([[3, 7], [900, 1]]); // prettier-ignore
  });

  it('gives one order with others', () => {
    fc.assert(
      fc.property(changes, changes, position, (some, others, from) => {
        const [one, two] = [
          played(some),
          played(others.map((step) => ({ ...step, position: step.position + 50_000 }))),
        ];
        const expected = [...sorted(one.truth), ...sorted(two.truth)].map(([at]) => at).filter((at) => at >= from);
        expect([...inOrder([two.line, one.line], from)]).toEqual(expected);
      }),
    );
    const [odd, even] = [Line.of([[1, 0], [3, 0], [5, 9]]), Line.of([[2, 0], [4, 0]])]; // prettier-ignore
    expect([...inOrder([odd, even], 0, 5)]).toEqual([1, 2, 3, 4]);
    expect([...inOrder([])]).toEqual([]);
  });

  it('refuses a position that it has no room for', () => {
    expect(() => Line.EMPTY.with(2 ** 40, 0)).toThrow(/beyond/);
    expect(() => Line.of([[2 ** 40, 0]])).toThrow(/beyond/);
  });
});
