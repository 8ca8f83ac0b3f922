import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { golden } from '../testing/golden.js';
import { ago, NOW, sampleCluster, sampleClusters, sampleRollout, viewOf } from '../testing/sample-rollout.js';
import { lengthOf } from './columns.js';
import { changedLines } from './rollout-changes.js';
import { renderRollout } from './rollout-screen.js';

const wide = { width: 150, color: false, now: NOW, timeZone: 'UTC' };

describe('the rollout screen', () => {
  it('a blocked wave → who waits for what, what stays, whom it asks', () => {
    const text = renderRollout(sampleRollout(), sampleClusters(), wide);
    expect(text).toBe(golden('rollout-blocked', text));
  });

  it('a narrow terminal → no line is wider than it, and nothing of an outcome is cut', () => {
    const text = renderRollout(sampleRollout(), sampleClusters(), { ...wide, width: 80 });
    expect(text).toBe(golden('rollout-narrow', text));
    const table = text.split('\n');
    expect(Math.max(...table.map(lengthOf))).toBeLessThanOrEqual(80);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('w-1 returned; what stays: control plane 1.35.4');
  });

  it('a rollback → the screen says what stays, in whatever width', () => {
    for (const width of [60, 100, 200, Infinity]) {
      const text = renderRollout(sampleRollout(), sampleClusters(), { ...wide, width }).replaceAll(/\s+/g, ' ');
      expect(text).toContain(sampleClusters().find(({ name }) => name === 'dev-sin-4')?.outcome?.text);
      expect(text).toMatch(/stays: control plane 1\.35\.4/);
      expect(text).toContain('still cordoned: w-9');
    }
  });

  it('a low terminal → the clusters that need a person are kept, the others are counted', () => {
    const lines = renderRollout(sampleRollout(), sampleClusters(), { ...wide, height: 14 }).split('\n');
    expect(lines.length).toBeLessThanOrEqual(14);
    expect(lines.join('\n')).toContain('stg-iad-2');
    expect(lines.join('\n')).not.toContain('dev-muc-2');
    expect(lines.at(-1)).toMatch(/^ … and .*1 upgrading/);
  });

  it('every cluster is in the table or in the count', () => {
    const clusters = sampleClusters();
    const text = renderRollout(sampleRollout(), clusters, wide);
    const counted = [...(text.split('\n').at(-1) ?? '').matchAll(/(\d+) /g)].reduce((sum, [, n]) => sum + Number(n), 0);
    const named = clusters.filter(({ name }) => text.includes(` ${name} `)).length;
    expect(named + counted).toBe(clusters.length);
    expect(renderRollout(sampleRollout(), clusters, { ...wide, all: true })).toContain('prd-fra-2');
  });

  it('without colour → no escape codes; with colour → the same words', () => {
    const plain = renderRollout(sampleRollout(), sampleClusters(), wide);
    const colored = renderRollout(sampleRollout(), sampleClusters(), { ...wide, color: true });
    const escape = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    expect(plain).not.toMatch(escape);
    expect(colored).toMatch(escape);
    expect(colored.replaceAll(escape, '')).toBe(plain);
  });

  it('finished → how long it took; a rollback asked for afterwards → work goes on', () => {
    const ended = sampleRollout({ state: 'finished', finishedAt: ago(2), asks: null });
    expect(renderRollout(ended, [], wide)).toContain('finished 2m ago, took 3h 10m');
    expect(renderRollout({ ...ended, finishedAt: null }, [], wide)).toContain('a rollback is at work');
  });
});

describe('what changed between two looks', () => {
  it('only time passed → no line', () => {
    const seen = { rollout: sampleRollout(), clusters: sampleClusters() };
    expect(changedLines(seen, seen, { ...wide, now: NOW + 60_000 })).toEqual([]);
  });

  it('a wave soaks → its clusters-to-be are not told one by one', () => {
    const before = { rollout: sampleRollout(), clusters: sampleClusters() };
    const soaks = viewOf(reason('soak_running', { wave: 2, until: NOW }));
    const clusters = before.clusters.map((row) => (row.wave === 3 ? { ...row, reason: soaks } : row));
    expect(changedLines(before, { ...before, clusters }, wide)).toEqual([]);
  });

  it('a cluster moved, a wave passed, the state changed → one line each', () => {
    const before = { rollout: sampleRollout(), clusters: sampleClusters() };
    const waves = before.rollout.waves.map((wave) =>
      wave.index === 2 ? { ...wave, phase: 'passed' as const, upgraded: 6, inFlight: 0, waiting: 0 } : wave,
    );
    const rollout = sampleRollout({ waves, state: 'running', asks: null, currentWave: 3 });
    const draining = viewOf(reason('draining', { node: 'w-1' }));
    const clusters = before.clusters.map((row) =>
      row.name === 'stg-fra-3' ? sampleCluster('stg-fra-3', { phase: 'upgrading', reason: draining }) : row,
    );
    const lines = changedLines(before, { rollout, clusters }, wide);
    expect(lines.join('\n')).toBe(golden('rollout-changes', lines.join('\n')));
  });
});
