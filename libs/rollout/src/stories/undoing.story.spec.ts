import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { explain } from '../explain.js';
import { fleetOf, rolloutOf } from '../testing/fleet-fixture.js';
import { halted, inPhase, rolledBack } from '../testing/agent-play.js';
import { Story } from '../testing/story-teller.js';

const NO_SOAK = { soak: { default: '0s' } };

describe('trying again, and taking back', () => {
  it('retries a failed cluster as a new attempt, and the budget gets its failure back', () => {
    const story = new Story(
      'A failure, mended and tried again',
      rolloutOf({ strategy: { waves: ['100%'] }, gates: NO_SOAK }, fleetOf(2)),
    );
    story
      .happens({ kind: 'started' })
      .later(1)
      .begins('c-001', 'c-002')
      .later(10)
      .ends('c-001', halted())
      .ends('c-002');
    expect(story.rollout.head).toMatchObject({ state: 'blocked', waves: [{ failures: 1 }] });
    story.later(60).happens({ kind: 'retried', by: 'ada', clusterId: 'c-001' });
    expect(story.row('c-001')).toMatchObject({ phase: 'waiting', attempt: 2, outcome: null });
    story.later(1).happens({ kind: 'resumed', by: 'ada', allow: 0 }).works(15).judges('promote');
    expect(story.rollout.head).toMatchObject({ state: 'finished', waves: [{ failures: 0, upgraded: 2 }] });
    story.expectGolden('retry');
  });

  it('rolls back a wave: one order per cluster within the limit, and says for whom no rung applies', () => {
    const spec = { strategy: { waves: ['75%', '100%'], maxInFlight: 2, budget: { firstWave: 1 } }, gates: NO_SOAK };
    const story = new Story('A wave is rolled back', rolloutOf(spec, fleetOf(4))).happens({ kind: 'started' });
    const [a, b] = inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId) as [string, string];
    const c = inPhase(story.rollout, 'waiting')[0]?.clusterId ?? '';
    story
      .later(1)
      .begins(a, b)
      .later(20)
      .ends(a)
      .ends(b, rolledBack())
      .later(1)
      .begins(c)
      .later(20)
      .ends(c)
      .judges('promote');
    story.later(5).happens({ kind: 'rollbackAsked', by: 'ada', scope: { kind: 'wave', wave: 1 }, approvedRungs: [] });
    expect(story.last?.cannot).toEqual([{ clusterId: b, reason: { code: 'rolled_back', params: { rung: 2 } } }]);
    expect(story.rollout.head.state).toBe('paused');
    for (const id of [a, c]) {
      if (story.row(id).phase !== 'rollingBack') story.ends(inPhase(story.rollout, 'ordered')[0]?.clusterId ?? '');
      story.later(1).begins(id).later(8).ends(id, rolledBack());
    }
    expect(story.rollout.head).toMatchObject({ state: 'blocked', waves: [{ failures: 3, upgraded: 0 }, {}] });
    story.happens({ kind: 'rollbackAsked', by: 'ada', scope: { kind: 'cluster', clusterId: a }, approvedRungs: [] });
    expect(story.last?.actions).toEqual([]);
    story.expectGolden('rollback');
    story.record('wave-rolled-back');
  });

  it('asks a person about a wave that was judged worse, and lets them take it upon themselves', () => {
    const story = new Story(
      'A verdict that is not to promote',
      rolloutOf({ strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK }, fleetOf(2)),
    );
    story.happens({ kind: 'started' }).works(20).later(1).judges('hold').wakes().judges('inconclusive');
    expect(story.rollout.head).toMatchObject({
      state: 'blocked',
      asks: { code: 'verdict_not_promote' },
      currentWave: 1,
    });
    story.later(10).happens({ kind: 'resumed', by: 'ada', allow: 0 }).later(1).judges('rollback');
    expect(story.rollout.head.state).toBe('blocked');
    story.later(10).happens({ kind: 'resumed', by: 'ada', allow: 1 });
    expect(story.rollout.head.waves[0]).toMatchObject({
      phase: 'passed',
      verdict: 'rollback',
      verdictOverriddenBy: 'ada',
    });
    expect(inPhase(story.rollout, 'ordered')).toHaveLength(1);
    story.expectGolden('verdict');
  });

  it('takes back whatever stands: an upgrade at work, one between two hops, one whose order is out', () => {
    const fleet = fleetOf(4, (i) => ({ version: i === 0 ? '1.33.1' : '1.34.4' }));
    const strategy = { waves: ['100%'], maxInFlight: 3, canaries: 'first = true', budget: { firstWave: 4 } };
    const windows = [{ rrule: 'FREQ=DAILY', start: '08:00', duration: '1h', timeZone: 'UTC' }];
    const labelled = fleet.map((one, i) => ({ ...one, labels: { first: String(i < 3) } }));
    const spec = {
      target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } },
      strategy,
      gates: { ...NO_SOAK, windows },
    };
    const story = new Story('A signal to roll back in the middle of a wave', rolloutOf(spec, labelled));
    story.happens({ kind: 'started' }).later(1).begins('c-001', 'c-002').later(64).ends('c-001');
    expect(story.row('c-001')).toMatchObject({ phase: 'upgrading', orderId: null, reason: { code: 'window_closed' } });
    story.happens({ kind: 'rollbackAsked', by: 'ada', scope: { kind: 'wave', wave: 1 }, approvedRungs: [] });
    expect(story.row('c-001')).toMatchObject({ phase: 'rollingBack', hop: 1, outcome: { kind: 'halted' } });
    expect(story.row('c-002')).toMatchObject({ phase: 'upgrading', reason: { code: 'rollback_asked' } });
    expect(story.row('c-003')).toMatchObject({ phase: 'waiting', outcome: null });
    story.later(3).ends('c-002', { ...halted(), reason: reason('order_stopped') });
    expect(story.row('c-002')).toMatchObject({ phase: 'rollingBack', outcome: { kind: 'halted' } });
    story.later(1).begins('c-001', 'c-002').later(9).ends('c-001', rolledBack()).ends('c-002', rolledBack());
    expect(inPhase(story.rollout, 'done').map(({ outcome }) => outcome?.kind)).toEqual(['rolledBack', 'rolledBack']);
    expect(story.rollout.head.state).toBe('paused');
    story.expectGolden('rollback-amid');
  });

  it('holds a rollback back until the window opens where the plan says so, and then by the slot', () => {
    const windows = [{ rrule: 'FREQ=DAILY', start: '08:00', duration: '1h', timeZone: 'UTC' }];
    const strategy = { waves: ['100%'], maxInFlight: 1 };
    const spec = { strategy, gates: { soak: { default: '4h' }, windows }, rollback: { windows: 'respect' as const } };
    const story = new Story('A rollback that waits for its window', rolloutOf(spec, fleetOf(2)));
    story.happens({ kind: 'started' }).works(20);
    story.later(60).happens({ kind: 'rollbackAsked', by: 'ada', scope: { kind: 'rollout' }, approvedRungs: [] });
    expect(inPhase(story.rollout, 'rollingBack')).toEqual([]);
    expect(explain(story.rollout, 'c-001', story.now)?.sentenceReason.code).toBe('window_closed');
    while (inPhase(story.rollout, 'rollingBack').length === 0) story.wakes();
    expect(new Date(story.now).getUTCHours()).toBe(8);
    expect(inPhase(story.rollout, 'rollingBack')).toHaveLength(1);
    expect(inPhase(story.rollout, 'waiting')).toHaveLength(1);
    story.expectGolden('rollback-window');
  });

  describe('a signal to roll back is honoured at once, whatever the rollout waits for', () => {
    const goesBack = (story: Story, id: string): void => {
      story
        .later(3)
        .happens({ kind: 'rollbackAsked', by: 'bob', scope: { kind: 'cluster', clusterId: id }, approvedRungs: [] });
      expect(story.last?.actions).toContainEqual(
        expect.objectContaining({ kind: 'sendOrder', orderKind: 'rollback', clusterId: id }),
      );
      story.later(1).begins(id).later(8).ends(id, rolledBack());
      expect(story.row(id)).toMatchObject({ phase: 'done', outcome: { kind: 'rolledBack', rung: 2 } });
    };
    const halves = { strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK };
    const firstOf = (story: Story): string => inPhase(story.rollout, 'done')[0]?.clusterId ?? '';

    it('for an approval', () => {
      const gates = { ...NO_SOAK, approvals: [{ beforeWave: 2, count: 1 }] };
      const story = new Story('Back while waiting for an approval', rolloutOf({ ...halves, gates }, fleetOf(2)));
      story.happens({ kind: 'started' }).works(20).judges('promote');
      expect(story.rollout.head).toMatchObject({ state: 'running', asks: { code: 'approval_missing' } });
      goesBack(story, firstOf(story));
      // Its wave has a failure now that nobody tolerated: an approval alone no longer opens the next.
      story.happens({ kind: 'approved', by: 'ada', wave: 2, planDigest: story.rollout.head.planDigest });
      expect(story.rollout.head).toMatchObject({ state: 'blocked', reason: { code: 'budget_exceeded' } });
      expect(inPhase(story.rollout, 'ordered')).toEqual([]);
    });

    it.each(['not given yet', 'hold', 'inconclusive'] as const)('for the verdict of the wave, %s', (verdict) => {
      const story = new Story('Back at the verdict', rolloutOf(halves, fleetOf(4)))
        .happens({ kind: 'started' })
        .works(20);
      if (verdict !== 'not given yet') story.judges(verdict);
      expect(story.rollout.head.waves[0]).toMatchObject({ phase: 'soaking' });
      goesBack(story, firstOf(story));
      // What was judged before no longer speaks of the wave as it stands.
      expect(story.rollout.head.waves[0]?.verdict).toBeNull();
    });

    it('for the end of the soak', () => {
      const gates = { soak: { default: '4h' } };
      const story = new Story('Back in the soak', rolloutOf({ ...halves, gates }, fleetOf(2)))
        .happens({ kind: 'started' })
        .works(20);
      expect(story.rollout.head.waves[0]?.gates).toContainEqual(
        expect.objectContaining({ gate: 'soak', answer: 'wait' }),
      );
      goesBack(story, firstOf(story));
    });

    it('for a person, because the budget is exceeded', () => {
      const story = new Story(
        'Back while blocked',
        rolloutOf({ strategy: { waves: ['100%'] }, gates: NO_SOAK }, fleetOf(2)),
      );
      story
        .happens({ kind: 'started' })
        .later(1)
        .begins('c-001', 'c-002')
        .later(9)
        .ends('c-001')
        .ends('c-002', halted());
      expect(story.rollout.head).toMatchObject({ state: 'blocked', reason: { code: 'budget_exceeded' } });
      goesBack(story, 'c-002');
      goesBack(story, 'c-001');
      expect(story.rollout.head.state).toBe('blocked');
    });

    it('for a person, because one paused it', () => {
      const story = new Story('Back while paused', rolloutOf(halves, fleetOf(4))).happens({ kind: 'started' }).later(1);
      const [a, b] = inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId) as [string, string];
      story.begins(a, b).later(9).ends(a).happens({ kind: 'paused', by: 'ada' });
      goesBack(story, a);
      expect(story.row(b).phase).toBe('upgrading');
      expect(inPhase(story.rollout, 'ordered')).toEqual([]);
    });

    it('for a window that is closed to upgrades', () => {
      const windows = [{ rrule: 'FREQ=DAILY', start: '08:00', duration: '1h', timeZone: 'UTC' }];
      const gates = { ...NO_SOAK, windows };
      const story = new Story(
        'Back outside the window',
        rolloutOf({ strategy: { waves: ['100%'], maxInFlight: 1 }, gates }, fleetOf(2)),
      );
      story.happens({ kind: 'started' }).later(1);
      const [a] = inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId) as [string];
      story.begins(a).later(70).ends(a);
      expect(inPhase(story.rollout, 'waiting')[0]?.reason.code).toBe('window_closed');
      goesBack(story, a);
    });

    it('after the end: finished, and over again once it is back', () => {
      const story = new Story(
        'Back after the end',
        rolloutOf({ strategy: { waves: ['100%'] }, gates: NO_SOAK }, fleetOf(1)),
      );
      story.happens({ kind: 'started' }).works(20).judges('promote');
      expect(story.rollout.head.state).toBe('finished');
      goesBack(story, 'c-001');
      expect(story.rollout.head).toMatchObject({ state: 'finished', finishedAt: story.now });
    });
  });
});
