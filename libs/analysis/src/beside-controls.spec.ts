import { describe, expect, it } from '@jest/globals';
import type { Controls, Series, SliSamples } from '@wavegate/fleet';
import { besideControls } from './beside-controls.js';
import { judge } from './judge.js';
import { DEFAULT_POLICY } from './judge-input.js';

const MINUTE = 60_000;
const flat = (periods: number, bad: number): Series => Array.from({ length: periods }, () => [bad, 1000] as const);
const sli = (after: Series, name = 'shop'): SliSamples => ({
  ...{ name, objective: 0.999, decisive: true, baseline: flat(60, 1), after },
});
const controls = (...afters: Series[]): Controls => ({
  ...{ orderId: 'o', from: 0, baselineUntil: 0, periodMs: MINUTE },
  peers: afters.map((after, n) => ({ cluster: `c-${n}`, slis: [{ name: 'shop', baseline: flat(60, 1), after }] })),
});
const lengths = (given: readonly SliSamples[]) => given.map(({ after }) => after.length);
const verdict = (slis: readonly SliSamples[], periods: number) =>
  judge({ slis, gates: [], policy: DEFAULT_POLICY, elapsedMs: periods * MINUTE });

describe('samples beside those of peers', () => {
  it('the newest periods wait for the peers, at most two; silence beyond that is not waited for', () => {
    const own = [sli(flat(10, 1))];
    const behind = (by: number) => controls(...[1, 2, 3].map(() => flat(10 - by, 1)));
    expect([0, 1, 2, 3].map((by) => lengths(besideControls(own, behind(by)))[0])).toEqual([10, 9, 8, 10]);
  });

  it('periods of five seconds → half a minute is waited, and no longer', () => {
    const own = [sli(flat(10, 1))];
    const behind = (by: number) => ({ ...controls(...[1, 2, 3].map(() => flat(10 - by, 1))), periodMs: 5_000 });
    expect([2, 6, 7].map((by) => lengths(besideControls(own, behind(by)))[0])).toEqual([8, 4, 10]);
  });

  it('one of four peers is silent → the other three are enough', () => {
    const told = controls(flat(10, 1), flat(10, 1), flat(10, 1), []);
    expect(lengths(besideControls([sli(flat(10, 1))], told))).toEqual([10]);
  });

  it('fewer than three peers, or nobody has told → the samples as they were', () => {
    const own = [sli(flat(10, 1))];
    expect(besideControls(own, null)).toBe(own);
    expect(besideControls(own, controls(flat(9, 1), flat(9, 1)))).toBe(own);
  });

  it('an objective that peers do not count waits with the others', () => {
    const told = controls(...[1, 2, 3].map(() => flat(9, 1)));
    const both = besideControls([sli(flat(10, 1)), sli(flat(10, 1), 'mine')], told);
    expect(lengths(both)).toEqual([9, 9]);
    expect(both.map((one) => one.controls?.length ?? 0)).toEqual([3, 0]);
  });

  it('errors that rise everywhere → never rolled back, in whichever period it is asked and the peers one behind', () => {
    const hit = (periods: number): Series => [...flat(3, 1), ...flat(periods - 3, 400)];
    for (let periods = 4; periods <= 20; periods += 1) {
      const told = controls(...[1, 2, 3].map(() => hit(periods - 1)));
      const found = verdict(besideControls([sli(hit(periods))], told), periods);
      expect([found.kind, found.period]).toEqual(['hold', null]);
    }
    expect(verdict([sli(hit(20))], 20).kind).toBe('rollback');
  });

  it('errors that rise here alone → rolled back all the same, a period later', () => {
    const hit: Series = [...flat(3, 1), ...flat(4, 400)];
    const told = controls(...[1, 2, 3].map(() => flat(6, 1)));
    expect(verdict(besideControls([sli(hit)], told), 7)).toMatchObject({ kind: 'rollback', period: 5 });
  });
});
