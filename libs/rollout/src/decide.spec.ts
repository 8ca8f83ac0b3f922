import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { inPhase, orderOf, upgraded, type Untimed } from './testing/agent-play.js';
import { fleetOf, HOUR, MINUTE, rolloutOf, type SpecInput } from './testing/fleet-fixture.js';
import { Story } from './testing/story-teller.js';

const ONE_WAVE: SpecInput = { strategy: { waves: ['100%'] }, gates: { soak: { default: '0s' } } };

function begun(count = 1, spec: SpecInput = ONE_WAVE): Story {
  return new Story('table', rolloutOf(spec, fleetOf(count))).happens({ kind: 'started' });
}

function running(count = 1, spec: SpecInput = ONE_WAVE): Story {
  const story = begun(count, spec);
  return story.begins(...inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId));
}

describe('events that do not fit change nothing and say so', () => {
  const id = 'c-001';
  const wrong = 'f'.repeat(32);
  it.each<[string, Story, Untimed, RegExp]>([
    ['a second start', begun(), { kind: 'started' }, /started already/],
    [
      'a report of another order',
      running(),
      { kind: 'clusterEnded', clusterId: id, orderId: wrong, outcome: upgraded() },
      /not the order/,
    ],
    ['a stranger', running(), { kind: 'agentLost', clusterId: 'nobody' }, /not part/],
    [
      'a loss told twice',
      running().happens({ kind: 'agentLost', clusterId: id }),
      { kind: 'agentLost', clusterId: id },
      /known to be away/,
    ],
    ['a return of one who was there', running(), { kind: 'agentReturned', clusterId: id }, /not away/],
    [
      'a verdict nobody asked for',
      running(),
      { kind: 'waveJudged', wave: 1, verdict: { schema: 1, kind: 'promote', period: 1, reasons: [], slis: [] } },
      /not being judged/,
    ],
    [
      'a verdict on no wave',
      running(),
      { kind: 'waveJudged', wave: 7, verdict: { schema: 1, kind: 'promote', period: 1, reasons: [], slis: [] } },
      /no wave 7/,
    ],
    ['resuming what runs', running(), { kind: 'resumed', by: 'ada', allow: 1 }, /running, not stopped/],
    [
      'a negative allowance',
      running().happens({ kind: 'paused', by: 'ada' }),
      { kind: 'resumed', by: 'ada', allow: -1 },
      /not a count/,
    ],
    ['skipping what is worked on', running(), { kind: 'skipped', by: 'ada', clusterId: id }, /worked on/],
    ['retrying what has not ended', running(), { kind: 'retried', by: 'ada', clusterId: id }, /not ended/],
    [
      'retrying what is upgraded',
      running(2).ends(id),
      { kind: 'retried', by: 'ada', clusterId: id },
      /upgraded already/,
    ],
    [
      'an approval nobody asked for',
      running(2, { ...ONE_WAVE, strategy: { waves: ['50%', '100%'] } }),
      {
        kind: 'approved',
        by: 'ada',
        wave: 2,
        planDigest: rolloutOf({ ...ONE_WAVE, strategy: { waves: ['50%', '100%'] } }, fleetOf(2)).head.planDigest,
      },
      /no approval is asked/,
    ],
    [
      'rolling back no wave',
      running(),
      { kind: 'rollbackAsked', by: 'ada', scope: { kind: 'wave', wave: 9 }, approvedRungs: [] },
      /no wave 9/,
    ],
    [
      'anything after the end',
      running().ends(id).judges('promote'),
      { kind: 'paused', by: 'ada' },
      /over \(finished\)/,
    ],
  ])('%s', (_, story, event, says) => {
    const before = story.rollout;
    story.happens(event);
    expect(story.last?.ignored).toMatch(says);
    expect(story.rollout.head).toBe(before.head);
    expect(story.last).toMatchObject({ clusters: [], actions: [], cannot: [] });
  });
});

describe('time', () => {
  it('an event older than the last decision is taken at the time of the last decision', () => {
    const story = running();
    const { at } = story.rollout.head;
    story.later(-60).ends('c-001');
    expect(story.rollout.head.at).toBe(at);
    expect(story.row('c-001').since).toBe(at);
  });

  it('an order may not begin after its window closed', () => {
    const windows = [{ rrule: 'FREQ=DAILY', start: '07:00', duration: '65m', timeZone: 'UTC' }];
    const story = begun(1, { ...ONE_WAVE, gates: { ...ONE_WAVE.gates, windows } });
    expect(story.last?.actions).toContainEqual(
      expect.objectContaining({ kind: 'sendOrder', startBy: story.now + 5 * MINUTE }),
    );
  });

  it('an order that outlives its deadline is told once, and a person is asked', () => {
    const story = running().wakes();
    expect(story.row('c-001').reason.code).toBe('deadline_passed');
    expect(story.rollout.head.asks?.code).toBe('deadline_passed');
    story.later(5).happens({ kind: 'woke' });
    expect(story.last?.actions).toEqual([]);
  });
});

describe('refusals', () => {
  it.each([
    [reason('local_policy', { rule: 'no Mondays' }), 'skipped', 0],
    [reason('preflight_blocked', { findings: 1, first: 'pdb_never_allows' }), 'skipped', 0],
    [reason('cluster_uid_mismatch', { expected: 'a', found: 'b' }), 'halted', 1],
    [reason('journal_rewound', { known: 7, found: 3 }), 'halted', 1],
    [reason('version_mismatch', { component: 'apiserver', expected: '1', observed: '2' }), 'halted', 1],
  ] as const)('%j → %s', (why, kind, failures) => {
    const story = begun(2);
    story.happens({
      kind: 'orderRefused',
      clusterId: 'c-001',
      orderId: orderOf(story.rollout, 'c-001').orderId,
      reason: why,
    });
    expect(story.row('c-001')).toMatchObject({ phase: 'done', outcome: { kind, reason: why } });
    expect(story.rollout.head.waves[0]?.failures).toBe(failures);
  });

  it('an agent that is busy is asked again later, by a new order', () => {
    const story = begun();
    const { orderId } = orderOf(story.rollout, 'c-001');
    story.happens({ kind: 'orderRefused', clusterId: 'c-001', orderId, reason: reason('agent_busy', { order: 'x' }) });
    expect(story.row('c-001')).toMatchObject({ phase: 'waiting', reason: { code: 'agent_busy' } });
    story.wakes();
    expect(story.row('c-001')).toMatchObject({ phase: 'ordered', attempt: 2 });
    expect(story.now).toBe(story.rollout.head.startedAt + 10 * MINUTE);
  });
});

describe('silence', () => {
  it.each([
    ['skip', 'done', 'offline_skipped'],
    ['fail', 'done', 'offline_failed'],
    ['wait', 'waiting', 'offline_waiting'],
  ] as const)('before the start, past the deadline: %s → %s', (then, phase, code) => {
    const spec = { ...ONE_WAVE, strategy: { waves: ['100%'], offline: { deadline: '1h', then } } };
    const story = new Story(
      'table',
      rolloutOf(
        spec,
        fleetOf(1, () => ({ connected: false })),
      ),
    ).happens({ kind: 'started' });
    expect(story.rollout.head.wakeAt).toBe(story.now + HOUR);
    story.wakes();
    expect(story.row('c-001')).toMatchObject({ phase, reason: { code } });
    if (then === 'wait') expect(story.rollout.head.asks?.code).toBe('offline_waiting');
  });

  it('after the start: lost keeps its slot and counts against the budget, until a person gives it up', () => {
    const story = running(1).later(5).happens({ kind: 'agentLost', clusterId: 'c-001' });
    expect(story.rollout.head).toMatchObject({ state: 'blocked', waves: [{ inFlight: 1, lost: 1, failures: 0 }] });
    story.later(60).happens({ kind: 'skipped', by: 'ada', clusterId: 'c-001' });
    expect(story.row('c-001')).toMatchObject({ phase: 'done', outcome: { kind: 'lost' } });
    expect(story.rollout.head.waves[0]).toMatchObject({ inFlight: 0, lost: 0, failures: 1 });
    story.later(60).ends('c-001');
    expect(story.row('c-001').outcome?.kind).toBe('upgraded');
    expect(story.rollout.head.waves[0]).toMatchObject({ failures: 0, upgraded: 1 });
  });

  it('a wave whose clusters were all left out by people passes without soak or verdict', () => {
    const story = begun(1, { strategy: { waves: ['100%'] } });
    story.happens({ kind: 'skipped', by: 'ada', clusterId: 'c-001' });
    expect(story.rollout.head.state).toBe('finished');
  });
});
