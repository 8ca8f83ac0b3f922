import { describe, expect, it } from '@jest/globals';
import { explain } from './explain.js';
import { whyUnfinished } from './outstanding.js';
import { halted, inPhase } from './testing/agent-play.js';
import { fleetOf, HOUR, MINUTE, rolloutOf } from './testing/fleet-fixture.js';
import { Story } from './testing/story-teller.js';

const NO_SOAK = { soak: { default: '0s' } };

function told(story: Story, id: string) {
  const explanation = explain(story.rollout, id, story.now);
  if (!explanation) throw new Error(`${id} is unknown`);
  return explanation;
}

describe('explain', () => {
  it('a cluster of a later wave waits for the wave before it, although its row was never touched', () => {
    const story = new Story('x', rolloutOf({ strategy: { waves: ['50%', '100%'] } }, fleetOf(4))).happens({
      kind: 'started',
    });
    const last = inPhase(story.rollout, 'waiting').at(-1)?.clusterId ?? '';
    expect(told(story, last)).toMatchObject({
      sentenceReason: { code: 'waiting_for_wave', params: { wave: 1 } },
      next: { kind: 'clusters', waves: [1, 2] },
    });
  });

  it('while the wave before soaks, says until when', () => {
    const story = new Story('x', rolloutOf({ strategy: { waves: ['50%', '100%'] } }, fleetOf(2))).happens({
      kind: 'started',
    });
    story.works(20).later(5);
    const last = inPhase(story.rollout, 'waiting')[0]?.clusterId ?? '';
    const until = (story.rollout.head.waves[0]?.healthyAt ?? 0) + 30 * MINUTE;
    expect(told(story, last)).toMatchObject({
      sentenceReason: { code: 'soak_running' },
      next: { kind: 'wake', at: until },
    });
  });

  it('an exceeded budget: nothing starts by itself, a person is asked, and every gate is shown', () => {
    const spec = { strategy: { waves: ['100%'], maxInFlight: 1 }, gates: NO_SOAK };
    const story = new Story('x', rolloutOf(spec, fleetOf(3))).happens({ kind: 'started' });
    const first = inPhase(story.rollout, 'ordered')[0]?.clusterId ?? '';
    story.begins(first).later(14).ends(first, halted());
    const explanation = told(story, inPhase(story.rollout, 'waiting')[0]?.clusterId ?? '');
    expect(explanation).toMatchObject({
      sentenceReason: { code: 'budget_exceeded', params: { failures: 1, tolerated: 0 } },
      next: { kind: 'person' },
    });
    expect(explanation.gates.map(({ gate, answer }) => [gate, answer])).toEqual([
      ['budget', 'block'],
      ['window', 'pass'],
      ['freeze', 'pass'],
      ['approval', 'pass'],
    ]);
    expect(whyUnfinished(story.rollout).map(({ kind }) => kind)).toEqual(['person']);
  });

  it('a closed window is told also for a cluster far down the line', () => {
    const windows = [{ rrule: 'FREQ=DAILY', start: '12:00', duration: '1h', timeZone: 'UTC' }];
    const story = new Story('x', rolloutOf({ strategy: { waves: ['100%'] }, gates: { windows } }, fleetOf(60))).happens(
      { kind: 'started' },
    );
    const last = inPhase(story.rollout, 'waiting').at(-1)?.clusterId ?? '';
    expect(story.row(last).reason.code).toBe('waiting_for_slot');
    expect(told(story, last)).toMatchObject({
      sentenceReason: { code: 'window_closed' },
      next: { kind: 'wake', at: story.now + 4 * HOUR },
    });
  });

  it.each([
    ['ordered', 'agent'],
    ['lost', 'person'],
    ['done', 'nothing'],
  ] as const)('%s → next is %s', (phase, kind) => {
    const story = new Story('x', rolloutOf({ strategy: { waves: ['100%'] } }, fleetOf(1))).happens({ kind: 'started' });
    if (phase !== 'ordered') story.begins('c-001');
    if (phase === 'lost') story.happens({ kind: 'agentLost', clusterId: 'c-001' });
    if (phase === 'done') story.ends('c-001');
    expect(story.row('c-001').phase).toBe(phase);
    expect(told(story, 'c-001').next.kind).toBe(kind);
  });

  it('a stranger is not explained', () => {
    expect(explain(rolloutOf({}, fleetOf(1)), 'nobody', 0)).toBeNull();
  });
});
