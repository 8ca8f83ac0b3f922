import { describe, expect, it } from '@jest/globals';
import type { Finding } from '@wavegate/fleet';
import type { StepEvidence } from '../journal-changes.js';
import { FROM, tell, type Judge } from '../testing/story.js';
import { TinyCluster } from '../testing/tiny-cluster.js';

const finding = { object: 'shop/web', message: '', remedy: '', owner: '' } as const;
const before: Finding = { ...finding, code: 'single_replica', severity: 'warn' };
const below: Finding = { ...finding, code: 'workload_below_before', severity: 'block', phase: 'after' };
const gone: Finding = { ...finding, code: 'workload_gone', severity: 'warn', phase: 'after' };
const saw = (...findings: Finding[]): StepEvidence => ({ kind: 'succeeded', findings });
const PICTURE = { schema: 1, at: 1, version: FROM, ready: { 'Deployment shop/web': 3 }, crashLooping: [] } as const;
const atOnce: Judge = () => 'promote';

function clusterThat(...looks: StepEvidence[]): TinyCluster {
  const preflight: StepEvidence = { kind: 'succeeded', findings: [before], picture: PICTURE };
  return new TinyCluster({ from: FROM, faults: { 'preflight/cluster': [preflight], 'validate/cluster': looks } });
}
const looks = ({ effects }: TinyCluster): string[] => effects.filter((name) => name.startsWith('validate/'));

describe('validation after the upgrade', () => {
  it('nothing is amiss → one look, after the last node and before the last judgement', () => {
    const cluster = clusterThat(saw());
    const story = tell({ cluster });
    expect(story.outcome.kind).toBe('upgraded');
    expect(looks(cluster)).toEqual(['validate/cluster']);
    expect(story.log.findIndex((line) => line.includes('validate/cluster'))).toBeLessThan(
      story.log.findIndex((line) => line.includes('judging judgeFinal')),
    );
  });

  it('pods are back at the second look → upgraded; findings of before stay, those of the first look go', () => {
    const cluster = clusterThat(saw(below), saw(gone));
    const story = tell({ cluster, judge: atOnce });
    expect(story.outcome.kind).toBe('upgraded');
    expect(looks(cluster)).toEqual(['validate/cluster', 'validate/cluster/2']);
    expect(story.log.some((line) => line.includes('waits: validation_waiting'))).toBe(true);
    expect(story.journal.findings).toEqual([before, gone]);
  });

  it('pods never come back → halted, the finding and its object named; nothing is taken back', () => {
    const cluster = clusterThat(...Array.from({ length: 20 }, () => saw(below, gone)));
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({
      kind: 'halted',
      reason: {
        code: 'validation_failed',
        params: { findings: 1, first: 'workload_below_before', object: 'shop/web' },
      },
    });
    expect(cluster.effects.some((name) => name.startsWith('rollback'))).toBe(false);
  });

  it('the look fails again and again → halted, saying why nothing is known', () => {
    const denied = { code: 'step_failed', params: { step: 'preflight', node: '', detail: '403 no' } } as const;
    const cluster = clusterThat(
      ...Array.from({ length: 20 }, (): StepEvidence => ({ kind: 'failed', reason: denied })),
    );
    expect(tell({ cluster }).outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'validation_failed', params: { findings: 0, first: '403 no' } },
    });
  });

  it('what blocks does not stand between a burning budget and its rollback', () => {
    const cluster = clusterThat(...Array.from({ length: 20 }, () => saw(below)));
    const judge: Judge = (phase, elapsed) =>
      phase === 'judgeFinal' ? 'rollback' : phase === 'judgeRollback' || elapsed > 300_000 ? 'promote' : 'hold';
    expect(tell({ cluster, judge }).outcome.kind).toBe('rolledBack');
  });

  it('the agent dies after any write → the picture of before is still in the journal', () => {
    const calm = tell({ cluster: clusterThat(saw()) });
    for (let write = 1; write <= calm.writes; write++) {
      const { outcome, journal } = tell({ cluster: clusterThat(saw()), dieAfterWrite: write });
      expect(outcome.kind).toBe('upgraded');
      expect(journal.picture).toEqual(PICTURE);
    }
  });
});
