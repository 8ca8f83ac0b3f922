import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { failingShareBound, judgeWave } from './judge-wave.js';
import type { ClusterVerdict } from './judge-input.js';

const wave = (...ends: ClusterVerdict['ended'][]): ClusterVerdict[] =>
  ends.map((ended, n) => ({ clusterId: `c-${n}`, ended }));

describe('the verdict of a wave', () => {
  it.each<[string, ClusterVerdict[], number, string]>([
    ['all upgraded', wave('upgraded', 'upgraded'), 0, 'promote'],
    ['skips beside an upgrade', wave('upgraded', 'skipped'), 0, 'promote'],
    ['a failure that the budget tolerates', wave('upgraded', 'rolledBack'), 1, 'promote'],
    ['a failure more than tolerated', wave('upgraded', 'rolledBack'), 0, 'hold'],
    ['a lost cluster is a failure', wave('upgraded', 'lost'), 0, 'hold'],
    ['only failures, tolerated or not', wave('halted'), 5, 'hold'],
    ['everything skipped', wave('skipped', 'skipped'), 5, 'inconclusive'],
    ['nobody', [], 5, 'inconclusive'],
  ])('%s → %s', (_, clusters, tolerated, kind) => {
    expect(judgeWave(clusters, tolerated).kind).toBe(kind);
  });

  it('a wave in which nothing was upgraded is never promoted, in whatever order it is told', () => {
    const ended = fc.constantFrom<ClusterVerdict['ended'][]>('rolledBack', 'halted', 'skipped', 'lost');
    fc.assert(
      fc.property(fc.array(ended), fc.nat(9), (ends, tolerated) => {
        expect(judgeWave(wave(...ends), tolerated).kind).not.toBe('promote');
        expect(judgeWave(wave(...ends.toReversed()), tolerated).kind).toBe(judgeWave(wave(...ends), tolerated).kind);
      }),
    );
  });
});

describe('the clusters of a wave together', () => {
  const one = (evidence: number, bad: number, more: Partial<ClusterVerdict> = {}, name = 'shop'): ClusterVerdict => ({
    ...{ clusterId: `c-${evidence}-${bad}`, ended: 'upgraded', ...more },
    slis: [{ name, evidence, bad, total: 10_000, before: 0.001 }],
  });
  const many = (count: number, of: ClusterVerdict): ClusterVerdict[] =>
    Array.from({ length: count }, (_, n) => ({ ...of, clusterId: `${of.clusterId}-${n}` }));

  it('each a little worse, too little to stop any one → the wave is held, and says over how many', () => {
    expect(judgeWave(many(6, one(2.5, 14)))).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'wave_regressed', params: { objective: 'shop', times: 1.4, clusters: 6, stratum: '' } }],
    });
    expect(judgeWave(many(3, one(2.5, 14))).kind).toBe('promote');
  });

  it('much evidence of little harm → promoted: it must matter, too', () => {
    expect(judgeWave(many(20, one(2.5, 11))).kind).toBe('promote');
  });

  it('one cluster alone was judged by its own agent → not again', () => {
    expect(judgeWave([one(1e6, 90)]).kind).toBe('promote');
  });

  it('one region worse among quiet ones → held for that region, which the whole would have hidden', () => {
    const region = (name: string) => ({ stratum: `region=${name}` });
    const wave = [...many(6, one(3, 15, region('fra'))), ...many(14, one(0.3, 10, region('iad')))];
    expect(judgeWave(wave)).toMatchObject({
      kind: 'hold',
      reasons: [{ params: { clusters: 6, stratum: 'region=fra' } }],
    });
    expect(judgeWave(wave.map(({ stratum: _, ...rest }) => rest)).kind).toBe('promote');
  });

  it('clusters that failed are the budget’s; only those that were upgraded are pooled', () => {
    expect(judgeWave([...many(6, one(2.5, 14, { ended: 'rolledBack' })), one(1, 10)], 9).kind).toBe('promote');
  });

  it('evidence that is at most 1 in the mean stops a wave in at most 1 of 100, whatever its size', () => {
    // e-values of a coin that comes up ½ or 3/2: none of the clusters is worse.
    let state = 11;
    const coin = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4_294_967_296;
    let held = 0;
    for (let run = 0; run < 2000; run += 1) {
      const wave = Array.from({ length: 12 }, (_, n) => ({
        ...one(coin() < 0.5 ? 0.5 : 1.5, 40),
        clusterId: `c-${n}`,
      }));
      held += judgeWave(wave).kind === 'hold' ? 1 : 0;
    }
    expect(held / 2000).toBeLessThanOrEqual(0.01);
  });
});

describe('what clean clusters prove', () => {
  it.each([
    [0, 1],
    [1, 0.95],
    [2, 0.776],
    [3, 0.632],
    [5, 0.451],
    [10, 0.259],
    [20, 0.139],
    [50, 0.058],
  ])('after %d clean clusters at most %d of such clusters fail (95 %% confidence)', (clean, bound) => {
    expect(failingShareBound(clean)).toBeCloseTo(bound, 3);
  });
});
