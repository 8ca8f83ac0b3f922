import { describe, expect, it } from '@jest/globals';
import { reason, type Outcome } from '@wavegate/fleet';
import { fleetOf, rolloutOf } from './testing/fleet-fixture.js';
import { halted, inPhase } from './testing/agent-play.js';
import { Story } from './testing/story-teller.js';

const undecided = (): Outcome => ({
  ...halted(),
  reason: reason('verdict_inconclusive', { phase: 'judgeFinal', detail: 'no verdict within the window' }),
});

function wave(of: { readonly firstWave: number; readonly sameFailure?: 'budget' | 'stop' }): Story {
  const strategy = {
    waves: ['100%'],
    maxInFlight: 2,
    budget: { firstWave: of.firstWave },
    sameFailure: of.sameFailure,
  };
  const story = new Story('Undecided', rolloutOf({ strategy, gates: { soak: { default: '0s' } } }, fleetOf(4)));
  return story
    .happens({ kind: 'started' })
    .later(1)
    .begins(...inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId));
}

describe('a cluster that could not be judged', () => {
  it('one, where the budget tolerates three failures → nothing more starts, a person is asked', () => {
    const story = wave({ firstWave: 3 });
    const [first, second] = inPhase(story.rollout, 'upgrading').map(({ clusterId }) => clusterId) as [string, string];
    story.later(40).ends(first, undecided());
    expect(story.rollout.head).toMatchObject({
      state: 'blocked',
      asks: { code: 'verdict_undecided', params: { cluster: first, detail: 'no verdict within the window' } },
      waves: [{ failures: 1, tolerated: 3 }],
    });
    expect(story.last?.actions.filter(({ kind }) => kind === 'sendOrder')).toEqual([]);
    story.later(5).ends(second);
    expect(inPhase(story.rollout, 'ordered')).toEqual([]);
  });

  it('a person looks and resumes → it goes on, and the next one asks again', () => {
    const story = wave({ firstWave: 3, sameFailure: 'budget' });
    const [first, second] = inPhase(story.rollout, 'upgrading').map(({ clusterId }) => clusterId) as [string, string];
    story.later(40).ends(first, undecided()).happens({ kind: 'resumed', by: 'ada', allow: 0 });
    expect(story.rollout.head.state).toBe('running');
    expect(inPhase(story.rollout, 'ordered')).toHaveLength(1);
    story.ends(second, undecided());
    expect(story.rollout.head).toMatchObject({ state: 'blocked', asks: { params: { cluster: second } } });
  });

  it('a failure that was judged, within the budget → goes on as ever', () => {
    const story = wave({ firstWave: 3 });
    const [first] = inPhase(story.rollout, 'upgrading').map(({ clusterId }) => clusterId) as [string];
    story.later(40).ends(first, halted());
    expect(story.rollout.head.state).toBe('running');
  });

  it('the budget is exceeded by it → the person is asked once, about the budget', () => {
    const story = wave({ firstWave: 0 });
    const [first] = inPhase(story.rollout, 'upgrading').map(({ clusterId }) => clusterId) as [string];
    story.later(40).ends(first, undecided());
    expect(story.rollout.head).toMatchObject({ state: 'blocked', asks: { code: 'budget_exceeded' } });
    story.happens({ kind: 'resumed', by: 'ada', allow: 1 });
    expect(story.rollout.head.state).toBe('running');
  });
});
