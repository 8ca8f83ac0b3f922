import { describe, expect, it } from '@jest/globals';
import { reason, type Outcome } from '@wavegate/fleet';
import { fleetOf, rolloutOf } from '../testing/fleet-fixture.js';
import { halted, inPhase, rolledBack } from '../testing/agent-play.js';
import { Story } from '../testing/story-teller.js';

const NO_SOAK = { soak: { default: '0s' } };

/** What the agent reports of an order to go back. */
const backAsAsked = (): Outcome => {
  const outcome = rolledBack();
  return outcome.kind === 'rolledBack'
    ? { ...outcome, reason: reason('rollback_asked', { by: '7f3c', rungs: '2' }) }
    : outcome;
};

/** Two waves of two and four; the first is through, the second at work. */
function secondWave(onBudget: 'wave' | 'rollout' | undefined, fleet = fleetOf(6)): Story {
  const strategy = { waves: ['33%', '100%'], maxInFlight: 4, budget: { firstWave: 0, laterWaves: 1 } };
  const rollback = onBudget ? { onBudget } : {};
  const story = new Story(
    'An exceeded budget takes its wave back',
    rolloutOf({ strategy, gates: NO_SOAK, rollback }, fleet),
  );
  story.happens({ kind: 'started' }).works(20).judges('promote').later(1);
  return story.begins(...inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId));
}

const atWork = (story: Story): string[] => inPhase(story.rollout, 'upgrading').map(({ clusterId }) => clusterId);
const goingBack = (story: Story): string[] =>
  inPhase(story.rollout, 'rollingBack')
    .map(({ clusterId }) => clusterId)
    .sort();

describe('an exceeded failure budget', () => {
  it('the plan asks for the wave → who was upgraded goes back, who is at work stops first, earlier waves stay', () => {
    const story = secondWave('wave');
    const [a, b, c, d] = atWork(story) as [string, string, string, string];
    story.later(9).ends(a).later(1).ends(b, rolledBack());
    expect(goingBack(story)).toEqual([]);
    story.later(1).ends(c, halted('search'));
    expect(story.rollout.head).toMatchObject({ state: 'blocked', reason: { code: 'budget_exceeded' } });
    expect(goingBack(story)).toEqual([a, c].sort());
    expect(story.row(d)).toMatchObject({ phase: 'upgrading', reason: { code: 'rollback_asked' } });
    story.later(2).ends(d, { ...halted(), reason: reason('aborted_mid_order') });
    story.later(1).begins(a, c, d).later(5).ends(a, backAsAsked()).ends(c, backAsAsked()).ends(d, backAsAsked());
    expect(story.rollout.head.waves).toMatchObject([
      { upgraded: 2, failures: 0 },
      { upgraded: 0, failures: 4 },
    ]);
    expect([story.rollout.head.state, goingBack(story)]).toEqual(['blocked', []]);
    story.expectGolden('budget-rollback');
  });

  it('the plan asks for the rollout → earlier waves go back too', () => {
    const story = secondWave('rollout');
    const first = inPhase(story.rollout, 'done').map(({ clusterId }) => clusterId);
    const [a, b] = atWork(story) as [string, string];
    story.later(9).ends(a, rolledBack()).ends(b, halted('search'));
    expect(goingBack(story)).toEqual(expect.arrayContaining([...first]));
  });

  it('the plan does not ask → stopped, and nothing goes back by itself', () => {
    const story = secondWave(undefined);
    const [a, b, c] = atWork(story) as [string, string, string];
    story.later(9).ends(a).ends(b, rolledBack()).ends(c, halted('search'));
    expect(story.rollout.head.state).toBe('blocked');
    expect([goingBack(story), story.row(a).outcome?.kind]).toEqual([[], 'upgraded']);
  });

  it('exceeded by silence, not by harm → stopped, and nobody goes back', () => {
    const story = secondWave('wave');
    const [a, b, c] = atWork(story) as [string, string, string];
    story.later(9).ends(a).happens({ kind: 'agentLost', clusterId: b }).happens({ kind: 'agentLost', clusterId: c });
    expect(story.rollout.head.state).toBe('blocked');
    expect(goingBack(story)).toEqual([]);
    // One is heard of and was hurt, then the other: now it is harm, although it is blocked already.
    story.happens({ kind: 'agentReturned', clusterId: b }).ends(b, rolledBack());
    expect(goingBack(story)).toEqual([]);
    story.happens({ kind: 'agentReturned', clusterId: c }).ends(c, halted('search'));
    expect(goingBack(story)).toEqual([a, c].sort());
  });

  it('a person took clusters back one by one → that is no harm of the change, and takes no wave with it', () => {
    const story = secondWave('wave');
    const [first, second] = inPhase(story.rollout, 'done').map(({ clusterId }) => clusterId) as [string, string];
    story.happens({
      kind: 'rollbackAsked',
      by: 'ada',
      scope: { kind: 'cluster', clusterId: first },
      approvedRungs: [],
    });
    while (story.row(first).phase !== 'rollingBack') story.later(5).ends(atWork(story)[0] ?? '');
    story.later(1).begins(first).later(5).ends(first, backAsAsked());
    expect(story.rollout.head.reason.code).toBe('budget_exceeded');
    expect(story.row(second).outcome?.kind).toBe('upgraded');
  });
});
