import { describe, expect, it } from '@jest/globals';
import type { GaugeSamples } from '@wavegate/fleet';
import { DEFAULT_POLICY } from './judge-input.js';
import { judge, replay } from './judge.js';
import { readSeries } from './read-series.js';
import { makeEvidence, recompute } from './verdict-evidence.js';

const slis = [
  {
    ...{ name: 'availability', objective: 0.999, decisive: true },
    baseline: Array.from({ length: 60 }, (_, n) => [n % 2, 1000] as const),
    after: Array.from({ length: 60 }, (_, n) => [n % 2, 1000] as const),
  },
];
/** Megabytes that wander by a few about a level. */
const level = (mean: number, points: number) => Array.from({ length: points }, (_, n) => mean + ((n * 7) % 11) - 5);
const memory = (factor: number, points = 60, more: Partial<GaugeSamples> = {}): GaugeSamples => ({
  ...{ name: 'memory', baseline: level(100, 60), after: level(100 * factor, points) },
  ...more,
});
const given = (gauges: readonly GaugeSamples[], periods = 60) => ({
  slis: slis.map((sli) => ({ ...sli, after: sli.after.slice(0, periods) })),
  ...{ gates: [], policy: DEFAULT_POLICY, gauges, elapsedMs: periods * 60_000 },
});

describe('gauges beside the objectives', () => {
  it('higher, lower and the same → said so, with the means and a p-value', () => {
    const { gauges } = judge(given([memory(1.5), memory(0.5, 60, { name: 'queue' }), memory(1, 60, { name: 'same' })]));
    expect(gauges).toMatchObject([
      { name: 'memory', state: 'higher', effect: 1 },
      { name: 'queue', state: 'lower', effect: 0 },
      { name: 'same', state: 'same' },
    ]);
    expect(gauges?.[0]?.p).toBeLessThan(1e-9);
    expect(gauges?.[0]?.now).toBeCloseTo(150, 0);
  });

  it('they never decide: ten times the memory is promoted as the same samples without it are', () => {
    const without = judge({ ...given([]), gauges: [] });
    const { gauges, ...verdict } = judge(given([memory(10)]));
    expect(verdict).toEqual(without);
    expect(gauges).toMatchObject([{ state: 'higher' }]);
  });

  it('fewer than 50 points on a side, gaps not counted → too few', () => {
    const gap = memory(1.5, 60, { after: level(150, 60).map((one, n) => (n % 5 === 0 ? null : one)) });
    expect(judge(given([memory(1.5, 49)])).gauges).toMatchObject([{ state: 'tooFew', p: 1 }]);
    expect(judge(given([gap])).gauges).toMatchObject([{ state: 'tooFew' }]);
  });

  it('four samples a period → 50 points after 13 periods, and a replay sees only those that were there', () => {
    const dense = memory(1.5, 4 * 60, { perPeriod: 4 });
    expect(judge(given([dense], 12)).gauges).toMatchObject([{ state: 'tooFew' }]);
    expect(judge(given([dense], 13)).gauges).toMatchObject([{ state: 'higher' }]);
    const late = memory(1, 4 * 60, { perPeriod: 4, after: [...level(100, 52), ...level(900, 188)] });
    const policy = { ...DEFAULT_POLICY, minSoakMs: 13 * 60_000 };
    const { verdict, periods } = replay({ ...given([late]), policy });
    expect([verdict.kind, periods]).toEqual(['promote', 13]);
    expect(verdict.gauges).toMatchObject([{ state: 'same' }]);
  });

  it('the query goes with it into the evidence, and is no part of what is compared', () => {
    const query = 'avg(memory)';
    const [plain] = judge(given([memory(1.5)])).gauges ?? [];
    expect(judge(given([memory(1.5, 60, { query })])).gauges).toEqual([{ ...plain, query }]);
  });

  it('no objective at all → all of it is looked at, and what was never measured is too few', () => {
    const missing = { name: 'queue', baseline: [], after: [] };
    const { kind, gauges } = judge({ ...given([memory(1.5, 240, { perPeriod: 4 }), missing]), slis: [] });
    expect([kind, gauges?.map(({ state }) => state)]).toEqual(['promote', ['higher', 'tooFew']]);
  });

  it('from a file → judged, kept in the evidence and recomputed', () => {
    const read = readSeries({ periodSeconds: 60, slis, gauges: [memory(1.5, 60, { query: 'avg(memory)' })] });
    if (!('input' in read)) throw new Error(JSON.stringify(read));
    const input = { ...read.input, elapsedMs: 60 * 60_000 };
    const evidence = makeEvidence(input, judge(input));
    expect(evidence.verdict.gauges).toMatchObject([{ state: 'higher' }]);
    expect(recompute(evidence).differences).toEqual([]);
    const changed = { ...input, gauges: [memory(1)] };
    expect(recompute({ ...evidence, input: changed }).differences.join()).toContain('samplesHash');
  });
});
