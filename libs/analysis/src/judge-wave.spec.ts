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
