import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isHopProblem, planClusterHops, planHops } from './hop.js';
import { compareVersions, minorDistance } from './version.js';
import type { NodeFacts } from './cluster.js';

const node = (name: string, kubelet: string): NodeFacts => ({
  name,
  role: 'worker',
  kubelet,
  ready: true,
  schedulable: true,
  zone: 'a',
});

describe('hops', () => {
  it('the next minor → one hop', () => {
    expect(planHops('1.34.4', '1.35.4')).toEqual([{ index: 1, of: 1, from: '1.34.4', to: '1.35.4' }]);
  });

  it('two minors with the one between named → two hops over it', () => {
    expect(planHops('v1.33.9', 'v1.35.4', { '1.34': 'v1.34.4' })).toEqual([
      { index: 1, of: 2, from: '1.33.9', to: '1.34.4' },
      { index: 2, of: 2, from: '1.34.4', to: '1.35.4' },
    ]);
  });

  it('only a newer patch → one hop', () => {
    expect(planHops('1.35.1', '1.35.4')).toEqual([{ index: 1, of: 1, from: '1.35.1', to: '1.35.4' }]);
  });

  it('the same release, whoever built it → nothing to do', () => {
    expect(planHops('v1.35.4-eks-5d4a308', '1.35.4')).toEqual([]);
  });

  it.each([
    ['1.32.1', '1.35.4', { '1.33': '1.33.9' }, 'via_missing', '1.34'],
    ['1.32.1', '1.35.4', {}, 'via_missing', '1.33'],
    ['1.33.1', '1.35.4', { '1.34': '1.35.0' }, 'via_wrong_minor', '1.34'],
    ['1.33.1', '1.35.4', { '1.34': 'newest' }, 'via_unreadable', '1.34'],
    ['1.35.5', '1.35.4', {}, 'downgrade', '1.35.5'],
    ['1.36.0', '1.35.4', {}, 'downgrade', '1.36.0'],
    ['1.35.4', '2.0.0', {}, 'major_change', '1.35.4'],
    ['unknown', '1.35.4', {}, 'version_unreadable', 'unknown'],
    ['1.35.4', 'next', {}, 'version_unreadable', 'next'],
  ])('%s → %s via %j → %s (%s)', (from, target, via, code, subject) => {
    expect(planHops(from, target, via)).toMatchObject({ problem: { code, subject } });
  });

  it('a problem says what would be right', () => {
    const hops = planHops('1.33.1', '1.35.4');
    expect(isHopProblem(hops) && hops.problem.detail).toBe(
      '1.33.1 → 1.35.4 is 2 minors; name the patch of 1.34 in via, for example "1.34": 1.34.1',
    );
  });

  it('no hop ever skips a minor or goes back, and the chain has no hole', () => {
    const version = fc
      .tuple(fc.integer({ min: 20, max: 30 }), fc.integer({ min: 0, max: 9 }))
      .map(([minor, patch]) => `1.${minor}.${patch}`);
    const via = fc
      .uniqueArray(fc.integer({ min: 20, max: 30 }), { minLength: 5 })
      .map((minors) => Object.fromEntries(minors.map((minor) => [`1.${minor}`, `1.${minor}.3`])));
    let planned = 0;
    fc.assert(
      fc.property(version, version, via, (from, target, stops) => {
        const hops = planHops(from, target, stops);
        if (isHopProblem(hops)) return;
        planned += hops.length > 1 ? 1 : 0;
        let at = from;
        for (const hop of hops) {
          expect(hop.from).toBe(at);
          expect(minorDistance(hop.from, hop.to)).toBeLessThanOrEqual(1);
          expect(compareVersions(hop.from, hop.to)).toBeLessThan(0);
          at = hop.to;
        }
        expect(at).toBe(target);
      }),
      { numRuns: 500 },
    );
    expect(planned).toBeGreaterThan(10);
  });
});

describe('hops of a cluster', () => {
  it('a mixed control plane counts from its oldest API server', () => {
    const facts = { apiServers: ['1.35.4', '1.34.4'], nodes: [] };
    expect(planClusterHops(facts, '1.35.4')).toEqual([{ index: 1, of: 1, from: '1.34.4', to: '1.35.4' }]);
  });

  it('a control plane at the target with workers behind → one hop for the workers', () => {
    const facts = { apiServers: ['1.35.4'], nodes: [node('w-1', '1.35.4'), node('w-2', '1.34.4')] };
    expect(planClusterHops(facts, '1.35.4')).toEqual([{ index: 1, of: 1, from: '1.34.4', to: '1.35.4' }]);
  });

  it('everything at the target → nothing to do', () => {
    expect(planClusterHops({ apiServers: ['1.35.4'], nodes: [node('w-1', 'v1.35.4')] }, '1.35.4')).toEqual([]);
  });

  it('no API server was seen → a problem, not a guess', () => {
    expect(planClusterHops({ apiServers: [], nodes: [] }, '1.35.4')).toMatchObject({
      problem: { code: 'version_unreadable' },
    });
  });
});
