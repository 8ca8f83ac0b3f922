import { describe, expect, it } from '@jest/globals';
import { reason, type Verdict } from '@wavegate/fleet';
import { FROM, planOf, tell, TO, type Judge } from '../testing/story.js';
import { TinyCluster } from '../testing/tiny-cluster.js';

/** Calls for a rollback in these phases after a minute; promotes elsewhere after five. */
const worseIn =
  (...phases: string[]): Judge =>
  (phase, elapsed) => {
    if (phases.includes(phase)) return elapsed < 60_000 ? 'hold' : 'rollback';
    return elapsed < 300_000 ? 'hold' : 'promote';
  };

const said = (log: readonly string[], words: string): number => log.filter((line) => line.includes(words)).length;

describe('what the plan says about going back', () => {
  it.each<[string, object, string]>([
    ['a regression alone goes back, a burn holds', { onBurn: 'hold', onRegression: 'rollback' }, 'rolledBack'],
    ['both go back', { onBurn: 'rollback', onRegression: 'rollback' }, 'rolledBack'],
    ['a burn goes back (the default)', {}, 'rolledBack'],
    ['nothing goes back by itself', { automatic: { upTo: 'none' } }, 'halted'],
    ['only what kubeadm reverts by itself', { automatic: { upTo: 'revertManifests' } }, 'halted'],
  ])('the judge says rollback after the node canary; %s → %s', (_, rollback, kind) => {
    const plan = planOf({ rollback: { onBurn: 'rollback', ...rollback } });
    const story = tell({ cluster: new TinyCluster({ from: FROM }), plan, judge: worseIn('judgeCanary') });
    expect(story.outcome).toMatchObject({ kind, reason: { code: 'slo_burned' } });
    expect(said(story.log, 'rollbackKubelet/')).toBe(kind === 'rolledBack' ? 1 : 0);
  });

  it.each([
    ['the rollout was aborted', reason('rollout_aborted', { by: 'ada' }), 'aborted_mid_order'],
    ['somebody asked for it to go back', reason('rollback_asked', { by: 'ada', rungs: '2' }), 'order_stopped'],
  ])('taken back in the middle because %s → stopped, and the reason is not another one', (_, withdrawal, code) => {
    const story = tell({ cluster: new TinyCluster({ from: FROM }), withdrawAtPass: 20, withdrawal });
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code } });
  });

  it('complete instead of gradual → every changed worker goes back, newest first, whether or not the first helped', () => {
    const judge = worseIn('judgeFinal', 'judgeRollback');
    const cluster = (): TinyCluster => new TinyCluster({ from: FROM, workers: 4 });
    // The burn never falls: gradual stops after the first batch, complete does not ask.
    const gradual = tell({ cluster: cluster(), judge, burn: 20 });
    const complete = tell({
      cluster: cluster(),
      judge,
      burn: 20,
      plan: planOf({ rollback: { automatic: { gradual: false } } }),
    });
    expect(gradual.outcome).toMatchObject({ kind: 'rolledBack', extent: { returned: ['w-4'] } });
    expect(complete.outcome).toMatchObject({
      kind: 'rolledBack',
      rung: 2,
      extent: { returned: ['w-1', 'w-2', 'w-3', 'w-4'], stays: [`control plane ${TO}`] },
    });
    const order = complete.log.filter((line) => line.includes('rollbackKubelet/')).map((line) => line.slice(-3));
    expect(order).toEqual(['w-4', 'w-3', 'w-2', 'w-1']);
  });
});

describe('did going back help?', () => {
  const measured = { verdict: { objectives: ['apiserver-availability'] } };
  const asked = { kind: 'rollback' as const, approvedRungs: [] };
  /** All nodes at the new version: what a person wants taken back. */
  const upgradedCluster = (): TinyCluster => {
    const cluster = new TinyCluster({ from: TO, workers: 3 });
    return cluster;
  };
  const comparison = {
    baselinePeriods: 60,
    overdispersion: 1,
    evidence: 0,
    evidenceNeeded: 9,
    atMost: 0,
    allowed: 0,
    peers: 0,
  };
  const seen = (kind: Verdict['kind'], before: number, now: number, atMost = now): Verdict => ({
    ...{ schema: 1 as const, kind, period: null, reasons: [] },
    slis: [
      {
        name: 'checkout',
        decisive: true,
        periods: 9,
        bad: 1,
        total: 99,
        missing: 0,
        consumed: 0,
        burn: 0,
        state: 'good',
        comparison: { ...comparison, before, now, atMost },
      },
    ],
  });

  it.each<[string, Verdict, string, string]>([
    ['the bad share fell', seen('promote', 0.042, 0.001), 'yes', 'checkout 4.2 % → 0.1 %'],
    ['nothing was wrong before', seen('promote', 0.001, 0.001), 'unchanged', 'checkout 0.1 % → 0.1 %'],
    ['users hurt as before, and more', seen('rollback', 0.04, 0.2), 'no', 'checkout 4 % → 20 %'],
    ['the bad share fell, too short for more', seen('inconclusive', 0.042, 0.001), 'yes', 'checkout 4.2 % → 0.1 %'],
    ['too few events to tell', seen('inconclusive', 0.042, 0.001, 0.3), 'unknown', 'checkout 4.2 % → 0.1 %'],
    ['no samples', { ...seen('inconclusive', 0, 0), slis: [] }, 'unknown', ''],
  ])('a person asked; %s → judged once all of it is back, and the outcome says so', (_, verdict, helped, detail) => {
    const story = tell({ cluster: upgradedCluster(), plan: planOf(measured), order: asked, verdict });
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      extent: { returned: ['w-1', 'w-2', 'w-3'] },
      reason: { code: 'rollback_asked' },
      judged: { code: 'rollback_judged', params: { helped, detail } },
    });
    expect(said(story.log, 'judging judgeRollback')).toBe(1);
    const last = story.log.findLastIndex((line) => line.includes('rollbackKubelet/'));
    expect(story.log.findIndex((line) => line.includes('judging judgeRollback'))).toBeGreaterThan(last);
  });

  it('a person asked, and the plan names nothing to measure by → not judged, ended at once', () => {
    const story = tell({ cluster: upgradedCluster(), order: asked });
    expect(story.outcome).toMatchObject({ kind: 'rolledBack' });
    expect(story.outcome).not.toHaveProperty('judged');
    expect(said(story.log, 'judging')).toBe(0);
  });

  it('the judgement is no condition: asked to stop while it runs → ends as rolled back, without a word of it', () => {
    const setup = { plan: planOf(measured), order: asked, judge: () => 'hold' as const };
    let passes = 0;
    let judgingAt = 0;
    let judgedFrom = Infinity;
    const waited = tell({
      ...{ ...setup, cluster: upgradedCluster() },
      check: ({ at, decision }) => {
        if (decision.kind === 'wait' && decision.reason.code === 'judging') {
          judgingAt ||= passes;
          judgedFrom = Math.min(judgedFrom, at);
        }
        passes += 1;
      },
    });
    // The shortest soak of five minutes and two periods of grace, not the window of thirty: a slot is held meanwhile.
    expect(waited.endedAt - judgedFrom).toBeLessThanOrEqual(8 * 60_000);
    expect(waited.outcome).toMatchObject({ kind: 'rolledBack', judged: { params: { helped: 'unknown' } } });
    const stopped = tell({ ...setup, cluster: upgradedCluster(), withdrawAtPass: judgingAt + 1 });
    expect(stopped.outcome).toMatchObject({ kind: 'rolledBack', extent: { returned: ['w-1', 'w-2', 'w-3'] } });
    expect(stopped.outcome).not.toHaveProperty('judged');
    expect(stopped.endedAt).toBeLessThan(waited.endedAt);
  });

  it('nothing was to be taken back → skipped, and nothing is judged', () => {
    const story = tell({ cluster: new TinyCluster({ from: FROM }), plan: planOf(measured), order: asked });
    expect(story.outcome).toMatchObject({ kind: 'skipped' });
    expect(said(story.log, 'judging')).toBe(0);
  });

  it.each<[string, Verdict['kind'], string]>([
    ['quiet afterwards', 'promote', 'yes'],
    ['it burns as before', 'rollback', 'no'],
    ['no word within the window', 'inconclusive', 'unknown'],
  ])('complete, by itself; %s → judged once, behind all batches', (_, kind, helped) => {
    const plan = planOf({ ...measured, rollback: { automatic: { gradual: false } } });
    const judge: Judge = (phase, elapsed) => {
      if (phase === 'judgeRollback') return kind;
      return worseIn('judgeFinal')(phase, elapsed, cluster);
    };
    const cluster = new TinyCluster({ from: FROM, workers: 3 });
    const story = tell({ cluster, plan, judge, burn: 20 });
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      extent: { returned: ['w-1', 'w-2', 'w-3'] },
      judged: { params: { helped } },
    });
    expect(said(story.log, 'judging judgeRollback')).toBe(1);
  });

  it('gradual, and the first batch helped → the outcome says that it did', () => {
    const story = tell({
      cluster: new TinyCluster({ from: FROM }),
      plan: planOf(measured),
      judge: worseIn('judgeCanary'),
    });
    expect(story.outcome).toMatchObject({
      kind: 'rolledBack',
      judged: { params: { helped: 'yes' } },
    });
  });
});
