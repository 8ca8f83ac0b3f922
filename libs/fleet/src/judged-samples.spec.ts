import { describe, expect, it } from '@jest/globals';
import { boundSamples, gaugeByPeriod, PROGRESS_BOUNDS, VERDICT_BOUNDS, type JudgedSamples } from './judged-samples.js';
import type { GaugeSamples, SliSamples } from './verdict.js';

const periods = (count: number): readonly (readonly [number, number])[] =>
  Array.from({ length: count }, () => [1, 1000] as const);
const sli = (name: string, count: number, more: Partial<SliSamples> = {}): SliSamples => ({
  ...{ name, objective: 0.99, decisive: true, baseline: periods(60), after: periods(count) },
  ...more,
});
const gauge = (name: string, count: number, perPeriod = 4): GaugeSamples => ({
  ...{ name, perPeriod, baseline: new Array<number>(240).fill(1) },
  after: Array.from({ length: count * perPeriod }, (_, n) => n),
});
const judged = (slis: readonly SliSamples[], gauges: readonly GaugeSamples[]): JudgedSamples => ({
  ...{ from: 0, baselineUntil: 0, periodMs: 60_000, dropped: 0, slis, gauges },
});
const names = ({ gauges = [] }: JudgedSamples): string[] => gauges.map(({ name }) => name);

describe('gauges in what an agent tells of its samples', () => {
  it('with a verdict they are told whole; with each progress the newest, one number a period', () => {
    const samples = judged([sli('shop', 60)], [gauge('memory', 60), gauge('queue', 60)]);
    expect(boundSamples(samples, VERDICT_BOUNDS)).toEqual(samples);
    const gauges = (samples.gauges ?? []).map(gaugeByPeriod);
    const [memory] = boundSamples({ ...samples, gauges }, PROGRESS_BOUNDS).gauges ?? [];
    expect([memory?.baseline.length, memory?.after.length, memory?.after[0]]).toEqual([12, 30, 30 * 4 + 1.5]);
  });

  it('one number a period → the mean of those that are there; the past is counted from its end', () => {
    const odd = { name: 'm', perPeriod: 2, baseline: [9, 1, 3, null, 4], after: [null, null, 6, 8, 5] };
    expect(gaugeByPeriod(odd)).toEqual({ name: 'm', baseline: [2, 4], after: [null, 7, 5] });
  });

  it('a message that would be too large → gauges go before peers do, and those that fit stay', () => {
    const beside = { baseline: periods(60), after: periods(400) };
    const heavy = sli('shop', 400, { controls: new Array(7).fill(beside), weeks: [beside, beside] });
    const slis = Array.from({ length: 6 }, (_, n) => ({ ...heavy, name: `slo-${n}` }));
    const kept = boundSamples(judged(slis, [gauge('memory', 400, 6), gauge('small', 400, 1)]), VERDICT_BOUNDS);
    expect(names(kept)).toEqual(['small']);
    expect(kept.slis.map(({ controls }) => controls?.length)).toEqual(new Array(6).fill(7));
    const more = [...slis, { ...heavy, name: 'one-more' }];
    const over = boundSamples(judged(more, [gauge('small', 400, 1)]), VERDICT_BOUNDS);
    expect([names(over), over.slis.length, over.slis[0]?.controls]).toEqual([[], 7, undefined]);
  });

  it('periods that are left out are left out of the gauges, too', () => {
    const kept = boundSamples(judged([sli('shop', 1_500)], [gauge('memory', 1_500)]), VERDICT_BOUNDS);
    expect([kept.dropped, kept.gauges?.[0]?.after.length, kept.gauges?.[0]?.after[0]]).toEqual([60, 1_440 * 4, 240]);
  });
});
