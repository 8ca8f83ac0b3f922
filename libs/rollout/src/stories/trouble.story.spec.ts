import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { fleetOf, HOUR, rolloutOf } from '../testing/fleet-fixture.js';
import { halted, inPhase, upgraded } from '../testing/agent-play.js';
import { Story } from '../testing/story-teller.js';

const NO_SOAK = { soak: { default: '0s' } };

describe('a rollout in trouble', () => {
  it('stops when a budget is exceeded, and goes on only with an audited override', () => {
    const spec = { strategy: { waves: ['20%', '100%'], maxInFlight: 4 }, gates: NO_SOAK };
    const story = new Story('A budget is exceeded, and a person allows one more', rolloutOf(spec, fleetOf(10)));
    story.happens({ kind: 'started' }).works(20).judges('promote');
    const [a, b, c, d] = inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId) as [
      string,
      string,
      string,
      string,
    ];
    story.later(1).begins(a, b, c, d).later(12).ends(a, halted());
    expect(story.rollout.head.state).toBe('running');
    story.later(3).ends(b, halted('search'));
    expect(story.rollout.head).toMatchObject({
      state: 'blocked',
      asks: { code: 'budget_exceeded' },
      wakeAt: expect.any(Number),
    });
    story.later(5).ends(c);
    expect(story.last?.actions.filter(({ kind }) => kind === 'sendOrder')).toEqual([]);
    story.later(40).happens({ kind: 'resumed', by: 'ada', allow: 1 });
    expect(story.rollout.head.state).toBe('running');
    story.later(1).ends(d).works(15).judges('promote');
    expect(story.rollout.head.state).toBe('finished');
    story.expectGolden('budget');
    story.record('budget-exceeded');
  });

  it('stops at the second cluster that fails as the first did, long before the budget is spent', () => {
    const labels = (i: number) => ({ 'example.com/cni': i % 2 === 0 ? 'cilium' : 'calico' });
    const strategy = { waves: ['100%'], maxInFlight: 8, budget: { firstWave: 5 } };
    const rollout = rolloutOf(
      { strategy, gates: NO_SOAK },
      fleetOf(8, (i) => ({ labels: labels(i) })),
    );
    const story = new Story('Two clusters fail alike', rollout).happens({ kind: 'started' });
    story.later(1).begins(...inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId));
    const fails = (id: string, detail: string) =>
      story
        .later(3)
        .ends(id, { ...halted(), reason: reason('step_failed', { step: 'upgradeKubelet', node: 'n-2', detail }) });
    fails('c-001', 'n-2: dial tcp 10.1.7.2:6443: connect: connection refused');
    fails('c-002', 'n-2: dial tcp 10.1.9.4:6443: connect: connection refused');
    fails('c-004', 'n-2: no space left on device');
    expect(story.rollout.head.state).toBe('running');
    fails('c-003', 'n-2: dial tcp 192.168.0.9:6443: connect: connection refused');
    expect(story.rollout.head).toMatchObject({
      state: 'blocked',
      asks: { code: 'same_failure', params: { first: 'c-001', second: 'c-003' } },
    });
    story.later(9).happens({ kind: 'resumed', by: 'ada', allow: 0 });
    expect(story.rollout.head.state).toBe('running');
    fails('c-005', 'n-2: dial tcp 172.16.3.1:6443: connect: connection refused');
    expect(story.rollout.head).toMatchObject({ state: 'blocked', reason: { params: { second: 'c-005' } } });
    story.expectGolden('same-failure');
    story.record('same-failure');
  });

  it('skips a cluster whose agent stays away past the deadline', () => {
    const fleet = fleetOf(3, (i) => ({ connected: i !== 1 }));
    const spec = { strategy: { waves: ['100%'], offline: { deadline: '4h', then: 'skip' as const } }, gates: NO_SOAK };
    const story = new Story('A cluster that nobody hears of is skipped', rolloutOf(spec, fleet)).happens({
      kind: 'started',
    });
    story.works(20);
    expect(story.rollout.head.wakeAt).toBe(story.rollout.head.startedAt + 4 * HOUR);
    story.wakes().judges('promote');
    expect(story.row('c-002').outcome).toMatchObject({ kind: 'skipped', reason: { code: 'offline_skipped' } });
    expect(story.rollout.head).toMatchObject({ state: 'finished', waves: [{ failures: 0, skipped: 1 }] });
    story.expectGolden('offline');
  });

  it('starts nothing outside the window, and lets what runs run on', () => {
    const windows = [{ rrule: 'FREQ=DAILY', start: '08:00', duration: '1h', timeZone: 'UTC', selector: 'env=prod' }];
    const fleet = fleetOf(7, (i) => ({ labels: { env: i === 6 ? 'dev' : 'prod' } }));
    const spec = { strategy: { waves: ['100%'], maxInFlight: 2 }, gates: { ...NO_SOAK, windows } };
    const story = new Story('A window closes in the middle of a wave', rolloutOf(spec, fleet)).happens({
      kind: 'started',
    });
    story.works(45);
    const started = inPhase(story.rollout, 'waiting').map(({ labels }) => labels['env']);
    expect(started).not.toContain('dev');
    expect(story.rollout.head.waves[0]?.gates).toContainEqual(
      expect.objectContaining({ gate: 'window', answer: 'wait' }),
    );
    story.wakes().works(10).judges('promote');
    expect(story.rollout.head.state).toBe('finished');
    story.expectGolden('window');
  });

  it('waits for two different people before the second wave', () => {
    const gates = { ...NO_SOAK, approvals: [{ beforeWave: 2, count: 2 }] };
    const story = new Story('Two approvals', rolloutOf({ strategy: { waves: ['50%', '100%'] }, gates }, fleetOf(2)));
    const { planDigest } = story.rollout.head;
    const approves = (by: string, digest = planDigest) =>
      story.later(3).happens({ kind: 'approved', by, wave: 2, planDigest: digest });
    story.happens({ kind: 'started' }).works(20).judges('promote');
    expect(story.rollout.head).toMatchObject({ asks: { code: 'approval_missing' }, wakeAt: null });
    approves('bob', 'somebody else’s plan');
    approves('bob');
    approves('bob');
    expect(story.rollout.head.currentWave).toBe(2);
    expect(inPhase(story.rollout, 'ordered')).toEqual([]);
    approves('eve');
    expect(inPhase(story.rollout, 'ordered')).toHaveLength(1);
    story.expectGolden('approval');
  });

  it('is aborted mid-wave: nothing new starts, and it ends when the running cluster has stopped', () => {
    const spec = { strategy: { waves: ['100%'], maxInFlight: 2 }, gates: NO_SOAK };
    const story = new Story('Aborted in the middle of a wave', rolloutOf(spec, fleetOf(4))).happens({
      kind: 'started',
    });
    const [running, unbegun] = inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId) as [string, string];
    story.later(2).begins(running).later(5).happens({ kind: 'aborted', by: 'ada' });
    expect(story.rollout.head).toMatchObject({ state: 'aborted', finishedAt: null });
    expect(story.row(unbegun)).toMatchObject({ phase: 'waiting', reason: { code: 'rollout_aborted' } });
    story.later(4).ends(running, halted());
    expect(story.rollout.head.finishedAt).toBe(story.now);
    story.later(1).happens({ kind: 'resumed', by: 'bob', allow: 9 });
    expect(story.last?.ignored).toContain('over');
    story.expectGolden('abort');
  });

  it('keeps the slot of a cluster that fell silent, and hears of it again', () => {
    const strategy = { waves: ['25%', '100%'], maxInFlight: 1, budget: { firstWave: 0, laterWaves: 1 } };
    const story = new Story('Lost, and returned', rolloutOf({ strategy, gates: NO_SOAK }, fleetOf(4)));
    story.happens({ kind: 'started' }).works(20).judges('promote');
    const id = inPhase(story.rollout, 'ordered')[0]?.clusterId ?? '';
    story.later(1).begins(id).later(6).happens({ kind: 'agentLost', clusterId: id });
    expect(story.row(id).phase).toBe('lost');
    expect(inPhase(story.rollout, 'ordered')).toEqual([]);
    expect(story.rollout.head.asks?.code).toBe('agent_lost');
    story.later(30).happens({ kind: 'agentReturned', clusterId: id }).later(4).ends(id, upgraded());
    expect(inPhase(story.rollout, 'ordered')).toHaveLength(1);
    story.expectGolden('lost');
  });

  it('takes back an order that nobody began, and sends a new attempt when the agent is there', () => {
    const story = new Story(
      'An order that nobody began',
      rolloutOf({ strategy: { waves: ['100%'] }, gates: NO_SOAK }, fleetOf(1)),
    );
    story.happens({ kind: 'started' }).later(1).happens({ kind: 'agentLost', clusterId: 'c-001' });
    const first = story.row('c-001').orderId;
    story.wakes().later(20).happens({ kind: 'agentReturned', clusterId: 'c-001' });
    expect(story.row('c-001')).toMatchObject({ phase: 'ordered', attempt: 2 });
    expect(story.row('c-001').orderId).not.toBe(first);
    story.later(1).happens({ kind: 'orderStarted', clusterId: 'c-001', orderId: first ?? '' });
    expect(story.last?.ignored).not.toBeNull();
    story.expectGolden('expired');
  });
});
