import { describe, expect, it } from '@jest/globals';
import { FROM, planOf, tell } from './testing/story.js';
import { TinyCluster } from './testing/tiny-cluster.js';

/** Which workers were closed at the same time, in the order in which such sets were first seen. */
function outTogether(cluster: TinyCluster, drain: object): string[] {
  const seen = new Set<string>();
  const look = (): void => {
    const out = cluster.nodes.filter(({ role, cordonedBy }) => role === 'worker' && cordonedBy !== null);
    if (out.length > 0) seen.add(out.map(({ name }) => name).join(' '));
  };
  const { outcome } = tell({ cluster, plan: planOf({ drain }), before: look });
  expect(outcome.kind).toBe('upgraded');
  return [...seen];
}

function pools(of: Readonly<Record<string, string>>, zones = 1): TinyCluster {
  const cluster = new TinyCluster({ from: FROM, workers: Object.keys(of).length, zones });
  for (const [name, pool] of Object.entries(of)) cluster.node(name).labels = { pool };
  return cluster;
}

const most = (sets: readonly string[]): number => Math.max(...sets.map((set) => set.split(' ').length));

describe('pools of nodes', () => {
  it('each has its own maxUnavailable → one of each is out at once, never two of one', () => {
    const cluster = pools({ 'w-1': 'a', 'w-2': 'a', 'w-3': 'b', 'w-4': 'b' });
    const sets = outTogether(cluster, { poolLabel: 'pool', maxUnavailable: 1 });
    expect(most(sets)).toBe(2);
    expect(sets.some((set) => set.includes('w-1') && set.includes('w-2'))).toBe(false);
    expect(sets.some((set) => set.includes('w-3') && set.includes('w-4'))).toBe(false);
  });

  it('a percentage → of the pool, not of the cluster', () => {
    const cluster = pools({ 'w-1': 'a', 'w-2': 'a', 'w-3': 'a', 'w-4': 'a', 'w-5': 'b', 'w-6': 'b' });
    const sets = outTogether(cluster, { poolLabel: 'pool', maxUnavailable: '50%' });
    // Two of a, one of b.
    expect(most(sets)).toBe(3);
    expect(sets.some((set) => set.includes('w-5') && set.includes('w-6'))).toBe(false);
  });

  it('control-plane nodes in pools of their own, zones not asked about → still one at a time', () => {
    const cluster = new TinyCluster({ from: FROM, controlPlanes: 3, workers: 1 });
    ['cp-1', 'cp-2', 'cp-3'].forEach((name) => (cluster.node(name).labels = { pool: name }));
    let most = 0;
    tell({
      cluster,
      plan: planOf({ drain: { poolLabel: 'pool', acrossZones: true } }),
      before: () => {
        const out = cluster.nodes.filter(({ role, cordonedBy }) => role === 'controlPlane' && cordonedBy !== null);
        most = Math.max(most, out.length);
      },
    });
    expect(most).toBe(1);
  });
});

describe('zones', () => {
  it('not asked for → never two at once; acrossZones → they are', () => {
    const four = () => new TinyCluster({ from: FROM, workers: 4, zones: 2 });
    expect(most(outTogether(four(), { maxUnavailable: 4 }))).toBe(2);
    expect(most(outTogether(four(), { maxUnavailable: 4, acrossZones: true }))).toBe(3);
  });
});

describe('node canaries', () => {
  it('chosen by a selector → they go first, all of them, and the others only after their judgement', () => {
    const cluster = pools({ 'w-1': 'a', 'w-2': 'a', 'w-3': 'canary', 'w-4': 'canary' });
    const { log } = tell({ cluster, plan: planOf({ drain: { nodeCanaries: 'pool = canary' } }) });
    const judging = log.findIndex((line) => line.endsWith('judging judgeCanary'));
    const before = log.slice(0, judging).join('\n');
    expect(before).toContain('upgradeKubelet/w-3');
    expect(before).toContain('upgradeKubelet/w-4');
    expect(before).not.toContain('upgradeKubelet/w-1');
  });

  it('a selector that no node matches → one worker is the canary, as without', () => {
    const cluster = pools({ 'w-1': 'a', 'w-2': 'a' });
    const { log } = tell({ cluster, plan: planOf({ drain: { nodeCanaries: 'pool = canary' } }) });
    const judging = log.findIndex((line) => line.endsWith('judging judgeCanary'));
    const before = log.slice(0, judging).join('\n');
    expect(before).toContain('upgradeKubelet/w-1');
    expect(before).not.toContain('upgradeKubelet/w-2');
  });
});
