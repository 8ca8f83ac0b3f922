import { describe, expect, it } from '@jest/globals';
import type { MeasuredSamples, Series } from '@wavegate/fleet';
import { alignControls, endOf, mergeControls, MOST_KEPT_PERIODS, type JudgedOrder } from './control-series.js';

const P = 60_000;
const told = (from: number, series: Series, periodMs = P): MeasuredSamples => ({
  ...{ planDigest: 'd', from, periodMs, slis: [{ name: 'shop', series }] },
});
const seriesOf = ({ slis }: { slis: MeasuredSamples['slis'] }): Series => slis[0]?.series ?? [];

describe('what peers counted, kept', () => {
  it('answers overlap → joined in place; a late sample fills its gap, and a gap does not unmake a sample', () => {
    const first = mergeControls(null, 'c', told(10 * P, [[1, 9], [2, 9], null]));
    const then = mergeControls(first, 'c', told(11 * P, [null, [3, 9], [4, 9]]));
    expect(then.from).toBe(10 * P);
    expect(seriesOf(then)).toEqual([
      [1, 9],
      [2, 9],
      [3, 9],
      [4, 9],
    ]);
    expect(endOf(then)).toBe(14 * P);
  });

  it('nothing was asked for some periods → they are missing, and what came before stays', () => {
    const first = mergeControls(null, 'c', told(0, [[1, 9]]));
    expect(seriesOf(mergeControls(first, 'c', told(3 * P, [[2, 9]])))).toEqual([[1, 9], null, null, [2, 9]]);
  });

  it('ever more periods → the newest are kept', () => {
    const long = Array.from({ length: MOST_KEPT_PERIODS }, () => [0, 1] as const);
    const more = mergeControls(mergeControls(null, 'c', told(0, long)), 'c', told(MOST_KEPT_PERIODS * P, [[1, 1]]));
    expect([more.from, seriesOf(more).length]).toEqual([P, MOST_KEPT_PERIODS]);
    expect(seriesOf(more).at(-1)).toEqual([1, 1]);
  });

  it('periods of another length → what was counted before is not mixed in', () => {
    const first = mergeControls(
      null,
      'c',
      told(0, [
        [1, 9],
        [1, 9],
      ]),
    );
    expect(seriesOf(mergeControls(first, 'c', told(0, [[2, 9]], 2 * P)))).toEqual([[2, 9]]);
  });
});

describe('peers beside a judgement', () => {
  const judged: JudgedOrder = {
    ...{ orderId: 'o', clusterId: 'me', rolloutId: 'r', plan: '', planDigest: 'd', periodMs: P },
    ...{ baselineUntil: 70 * P + 20_000, from: 80 * P + 20_000 },
  };
  const counted: Series = Array.from({ length: 84 }, (_, n) => [n, 1000] as const);

  it('each period takes the peer’s nearest one, the past and the time since apart', () => {
    const peer = mergeControls(null, 'c', told(0, counted));
    const { peers } = alignControls(judged, [peer], 86 * P);
    const [sli] = peers[0]?.slis ?? [];
    expect(sli?.baseline.map((one) => one?.[0])).toEqual(Array.from({ length: 60 }, (_, n) => 10 + n));
    // Two periods have passed that it has not answered: they are not told as missing, they are not told.
    expect(sli?.after.map((one) => one?.[0])).toEqual([80, 81, 82, 83]);
  });

  it('a peer that counts in other periods → is none', () => {
    const peer = mergeControls(null, 'c', told(0, counted, 2 * P));
    expect(alignControls(judged, [peer], 86 * P).peers).toEqual([]);
  });
});
