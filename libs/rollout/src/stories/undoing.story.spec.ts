import { describe, expect, it } from '@jest/globals';
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
});
