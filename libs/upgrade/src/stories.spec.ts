import { describe, expect, it } from '@jest/globals';
import { expectStory } from './testing/golden-story.js';
import { FROM, planOf, tell, TO, type Judge } from './testing/story.js';
import { TinyCluster } from './testing/tiny-cluster.js';

/** Burns in this phase after a minute; all is well before and after. */
const burningIn =
  (...phases: string[]): Judge =>
  (phase, elapsed) => {
    if (phases.includes(phase)) return elapsed < 60_000 ? 'hold' : 'rollback';
    return elapsed < 300_000 ? 'hold' : 'promote';
  };

describe('stories of one cluster', () => {
  it('one control-plane node and three workers → upgraded, the API away for a while', () => {
    const story = tell({ cluster: new TinyCluster({ from: FROM }) });
    expectStory('happy', story.log);
    expect(story.outcome).toMatchObject({ kind: 'upgraded', standing: { 'kubelet/w-3': TO, 'apiserver/cp-1': TO } });
  });

  it('three control-plane nodes, workers in two zones → one plane node at a time, never two zones at once', () => {
    const cluster = new TinyCluster({ from: FROM, controlPlanes: 3, workers: 4, zones: 2 });
    const story = tell({ cluster, plan: planOf({ drain: { maxUnavailable: 2 } }) });
    expectStory('high-availability', story.log);
    expect(story.outcome.kind).toBe('upgraded');
  });

  it('the SLO burns after the node canary → the canary goes back, the control plane stays', () => {
    const story = tell({ cluster: new TinyCluster({ from: FROM }), judge: burningIn('judgeCanary') });
    expectStory('burns-after-node-canary', story.log);
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      rung: 2,
      extent: { returned: ['w-1'], stays: [`control plane ${TO}`] },
      reason: { code: 'slo_burned' },
    });
  });

  it('it burns at the end, less after each batch but still → batch by batch all workers go back, newest first', () => {
    const judge = burningIn('judgeFinal', 'judgeRollback');
    const story = tell({ cluster: new TinyCluster({ from: FROM, workers: 4 }), judge });
    expectStory('burns-at-the-end', story.log);
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      extent: { returned: ['w-1', 'w-2', 'w-3', 'w-4'], stays: [`control plane ${TO}`] },
    });
  });

  it('the batch under change went back and it burns as before → earlier batches stay, a person looks', () => {
    const judge = burningIn('judgeFinal', 'judgeRollback');
    const story = tell({ cluster: new TinyCluster({ from: FROM, workers: 4 }), judge, burn: 20 });
    expect(story.outcome).toMatchObject({ kind: 'rolledBack', extent: { returned: ['w-4'] } });
    expect(story.log.filter((line) => line.includes('rollbackKubelet'))).toHaveLength(1);
  });

  it('the batch under change was to blame → earlier batches keep the new version, and only they are named as staying', () => {
    const story = tell({ cluster: new TinyCluster({ from: FROM, workers: 4 }), judge: burningIn('workers') });
    // w-4 was never moved: no news.
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      extent: { returned: ['w-3'], stays: [`control plane ${TO}`, `w-1 ${TO}`, `w-2 ${TO}`] },
    });
    expect(story.log.filter((line) => line.includes('rollbackKubelet'))).toHaveLength(1);
  });

  it('kubeadm fails and puts everything back by itself → halted(kubeadm_reverted), no worker touched', () => {
    const cluster = new TinyCluster({ from: FROM, faults: { 'upgradeControlPlane/cp-1': ['reverted'] } });
    const story = tell({ cluster });
    expectStory('kubeadm-reverted', story.log);
    expect(story.outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'kubeadm_reverted', params: { node: 'cp-1', version: FROM } },
      cordoned: [],
    });
  });

  it('a drain runs into its timeout under onTimeout=failCluster → halted, the node named as cordoned', () => {
    const cluster = new TinyCluster({ from: FROM, faults: { 'drainNode/w-2': ['blocked'] } });
    const story = tell({ cluster, plan: planOf({ drain: { onTimeout: 'failCluster' } }) });
    expectStory('drain-timed-out', story.log);
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code: 'drain_timed_out' }, cordoned: ['w-2'] });
  });
});
