import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { explain } from '../explain.js';
import { fleetOf, rolloutOf } from '../testing/fleet-fixture.js';
import { halted, inPhase } from '../testing/agent-play.js';
import { Story } from '../testing/story-teller.js';

const NO_SOAK = { soak: { default: '0s' } };
const blockedBy = (first: string) => reason('preflight_blocked', { findings: 1, first });

/** Its preflight finds something that blocks: nothing is changed. */
function isRefused(story: Story, id: string, first = 'objective_unmeasurable'): void {
  story
    .begins(id)
    .later(1)
    .ends(id, { kind: 'skipped', reason: blockedBy(first) });
}

const ordered = (story: Story): string[] => inPhase(story.rollout, 'ordered').map(({ clusterId }) => clusterId);

describe('what a wave proves', () => {
  it('every cluster of the first wave is refused (a misspelt metric) → the second does not open, a person is asked', () => {
    const spec = { strategy: { waves: ['25%', '100%'] }, gates: NO_SOAK };
    const story = new Story('A wave in which everything was refused', rolloutOf(spec, fleetOf(4)));
    story.happens({ kind: 'started' }).later(1);
    const [first] = ordered(story) as [string];
    isRefused(story, first);
    expect(story.rollout.head).toMatchObject({
      ...{ state: 'blocked', currentWave: 1, finishedAt: null },
      asks: { code: 'wave_upgraded_nothing', params: { wave: 1, refused: 1, because: 'objective_unmeasurable' } },
    });
    story.later(5).happens({ kind: 'resumed', by: 'ada', allow: 0 });
    expect(story.rollout.head.state).toBe('blocked');
    story.later(5).happens({ kind: 'retried', by: 'ada', clusterId: first });
    story.happens({ kind: 'resumed', by: 'ada', allow: 0 }).works(20).judges('promote');
    expect(story.rollout.head).toMatchObject({ currentWave: 2, state: 'running' });
    story.expectGolden('refused');
  });

  it('a person goes on without them → each later wave that upgrades nothing asks again, and the end says so', () => {
    const spec = { strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK };
    const story = new Story('Refused everywhere', rolloutOf(spec, fleetOf(2))).happens({ kind: 'started' });
    for (const wave of [1, 2]) {
      for (const id of ordered(story)) isRefused(story, id);
      expect(story.rollout.head).toMatchObject({ state: 'blocked', reason: { params: { wave } } });
      story.happens({ kind: 'resumed', by: 'ada', allow: 1 });
    }
    expect(story.rollout.head).toMatchObject({
      state: 'finished',
      reason: { code: 'nothing_upgraded', params: { clusters: 2 } },
    });
    expect(story.rollout.head.waves.map(({ verdictOverriddenBy }) => verdictOverriddenBy)).toEqual(['ada', 'ada']);
  });

  it('one is refused beside one that was upgraded → the wave has its proof', () => {
    const spec = { strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK };
    const story = new Story('One refused', rolloutOf(spec, fleetOf(4))).happens({ kind: 'started' }).later(1);
    const [a, b] = ordered(story) as [string, string];
    isRefused(story, a);
    story.begins(b).later(9).ends(b).judges('promote');
    expect(story.rollout.head).toMatchObject({ state: 'running', currentWave: 2 });
  });

  it('only the last wave is refused → the rollout ends: nothing would follow, and something was upgraded', () => {
    const spec = { strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK };
    const story = new Story('Refused at the end', rolloutOf(spec, fleetOf(2))).happens({ kind: 'started' });
    story.works(20).judges('promote');
    for (const id of ordered(story)) isRefused(story, id);
    expect(story.rollout.head).toMatchObject({ state: 'finished', reason: { code: 'rollout_finished' } });
  });

  it('left out by people or by the offline policy → passes as asked for; the end says that nothing was upgraded', () => {
    const spec = { strategy: { waves: ['50%', '100%'] }, gates: NO_SOAK };
    const fleet = fleetOf(2, () => ({ connected: false }));
    const story = new Story('Nobody there', rolloutOf(spec, fleet)).happens({ kind: 'started' });
    const [first] = story.rollout.clusters.keys();
    story.happens({ kind: 'skipped', by: 'ada', clusterId: first ?? '' }).wakes();
    expect(story.rollout.head).toMatchObject({ state: 'finished', reason: { code: 'nothing_upgraded' } });
  });
});

describe('waves that adapt to what went well', () => {
  const adaptive = {
    waves: ['100%'],
    adaptive: true,
    maxInFlight: 20,
    offline: { deadline: '1h', then: 'skip' as const },
  };

  it('the clusters before were skipped → they prove nothing: no more begin than a first wave may have', () => {
    const plan = { strategy: adaptive, gates: NO_SOAK };
    const clean = rolloutOf(plan, fleetOf(20));
    // Cut as if all went well.
    expect(clean.head.waves.map(({ size }) => size)).toEqual([2, 2, 3, 5, 8]);
    const away = [...clean.clusters.values()].filter(({ wave }) => wave < 5).map(({ clusterId }) => clusterId);
    const fleet = fleetOf(20, (i) => ({ connected: !away.includes(`c-${String(i + 1).padStart(3, '0')}`) }));
    const story = new Story('Nobody proved anything', rolloutOf(plan, fleet)).happens({ kind: 'started' });
    while (story.rollout.head.currentWave < 5) story.wakes();
    expect(ordered(story)).toHaveLength(2);
    const [waits] = inPhase(story.rollout, 'waiting').filter(({ wave }) => wave === 5);
    expect(waits?.reason).toEqual(reason('waiting_for_proof', { clean: 0, max: 2 }));
    expect(explain(story.rollout, waits?.clusterId ?? '', story.now)?.sentenceReason.code).toBe('waiting_for_proof');
    // Each that ends clean proves a little more, and the surplus of the wave follows.
    const most: number[] = [];
    for (let id = ordered(story)[0]; id !== undefined; id = ordered(story)[0]) {
      story.later(1).begins(id).later(9).ends(id);
      most.push(inPhase(story.rollout, 'ordered', 'upgrading').length);
    }
    expect(most).toEqual([2, 2, 3, 3, 3, 2, 1, 0]);
    story.expectGolden('proof');
  });

  it('everything goes well → nothing is held back: each wave is as large as it was cut', () => {
    const story = new Story('All clean', rolloutOf({ strategy: adaptive, gates: NO_SOAK }, fleetOf(11)));
    story.happens({ kind: 'started' });
    const begun: number[] = [];
    while (story.rollout.head.state === 'running') {
      begun.push(ordered(story).length);
      story.works(5).judges('promote');
    }
    expect(begun).toEqual([2, 2, 3, 4]);
  });

  it('a failure that the budget tolerates → taken off what may still be lost: the rest goes on one at a time', () => {
    const strategy = { ...adaptive, mayLose: 1, budget: { laterWaves: 1 }, maxInFlight: 2 };
    const story = new Story('One lost of one', rolloutOf({ strategy, gates: NO_SOAK }, fleetOf(24)));
    story.happens({ kind: 'started' });
    const size = (): number => story.rollout.head.waves[story.rollout.head.currentWave - 1]?.size ?? 0;
    while (size() < 4) story.works(5).judges('promote');
    const [a, b] = ordered(story) as [string, string];
    story.later(1).begins(a, b).later(1).ends(a, halted());
    expect(story.rollout.head.state).toBe('running');
    expect(inPhase(story.rollout, 'ordered', 'upgrading').map(({ clusterId }) => clusterId)).toEqual([b]);
    story.ends(b);
    expect(ordered(story)).toHaveLength(1);
  });
});
