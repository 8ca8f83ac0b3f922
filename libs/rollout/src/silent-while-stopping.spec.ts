import { describe, expect, it } from '@jest/globals';
import { halted, inPhase, rolledBack, upgraded } from './testing/agent-play.js';
import { fleetOf, rolloutOf } from './testing/fleet-fixture.js';
import { Story } from './testing/story-teller.js';

const id = 'c-001';

/** A person asked for a rollback while the cluster was worked on, and its agent fell silent before it could stop. */
function silentWhileStopping(): Story {
  const spec = { strategy: { waves: ['100%'], budget: { firstWave: 3 } }, gates: { soak: { default: '0s' } } };
  const story = new Story('silent', rolloutOf(spec, fleetOf(1))).happens({ kind: 'started' }).later(1).begins(id);
  story.later(1).happens({
    ...{ kind: 'rollbackAsked', by: 'ada', scope: { kind: 'cluster', clusterId: id }, approvedRungs: [] },
  });
  expect(story.last?.actions.map(({ kind }) => kind)).toContain('withdrawOrder');
  story.later(1).happens({ kind: 'agentLost', clusterId: id });
  expect(story.row(id)).toMatchObject({ phase: 'lost', reason: { code: 'agent_lost' } });
  return story;
}

describe('a rollback was asked for, and the agent fell silent before it stopped', () => {
  it('it comes back and stops → it goes back, as it was asked', () => {
    const story = silentWhileStopping().later(5).happens({ kind: 'agentReturned', clusterId: id });
    expect(story.row(id)).toMatchObject({
      phase: 'upgrading',
      reason: { code: 'rollback_asked', params: { by: 'ada' } },
    });
    story.later(1).ends(id, halted());
    expect(story.row(id)).toMatchObject({ phase: 'rollingBack', attempt: 2 });
    story.later(1).begins(id).later(5).ends(id, rolledBack());
    expect(story.row(id).outcome?.kind).toBe('rolledBack');
  });

  it('its outcome is the first that is heard of it, the upgrade even done → it goes back all the same', () => {
    const story = silentWhileStopping().later(5).ends(id, upgraded());
    expect(story.row(id)).toMatchObject({ phase: 'rollingBack', attempt: 2 });
  });

  it('silent twice → still asked for; and taken up once, not again in the next attempt', () => {
    const story = silentWhileStopping();
    for (const kind of ['agentReturned', 'agentLost', 'agentReturned'] as const) {
      story.later(1).happens({ kind, clusterId: id });
    }
    story.ends(id, halted()).later(1).begins(id);
    expect(inPhase(story.rollout, 'rollingBack')[0]?.reason.code).toBe('order_running');
    story
      .later(1)
      .happens({ kind: 'agentLost', clusterId: id })
      .later(1)
      .happens({ kind: 'agentReturned', clusterId: id });
    expect(story.row(id)).toMatchObject({ phase: 'rollingBack', reason: { code: 'order_running' } });
  });
});
