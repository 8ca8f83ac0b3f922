import { describe, expect, it } from '@jest/globals';
import { fleetOf, rolloutOf } from '../testing/fleet-fixture.js';
import { inPhase } from '../testing/agent-play.js';
import { Story } from '../testing/story-teller.js';

describe('a rollout in which all goes well', () => {
  it('goes through four waves, soaks each, and ends finished', () => {
    const fleet = fleetOf(10, (i) => ({ labels: { env: i < 4 ? 'dev' : 'prod', canary: i === 2 ? 'true' : 'false' } }));
    const spec = {
      strategy: { canaries: 'canary = true', rings: ['env=dev', 'env=prod'], maxInFlight: 3 },
      gates: { soak: { default: '30m', 'env=prod': '2h' } },
    };
    const story = new Story('Four waves, and a soak after each', rolloutOf(spec, fleet)).happens({ kind: 'started' });
    for (let wave = 1; wave <= 4; wave += 1) story.works(25).wakes().later(1).judges('promote');
    expect(story.rollout.head.state).toBe('finished');
    expect([...story.rollout.clusters.values()].every(({ outcome }) => outcome?.kind === 'upgraded')).toBe(true);
    story.expectGolden('happy');
    story.record('four-waves');
  });

  it('takes a cluster two minors behind through two hops, in one slot', () => {
    const fleet = fleetOf(2, (i) => ({ version: i === 0 ? '1.33.1' : '1.34.4' }));
    const spec = {
      target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } },
      strategy: { waves: ['100%'], maxInFlight: 1 },
      gates: {
        soak: { default: '0s' },
        windows: [{ rrule: 'FREQ=DAILY', start: '08:00', duration: '1h', timeZone: 'UTC' }],
      },
    };
    const story = new Story('Two hops, and a window that closes between them', rolloutOf(spec, fleet));
    story.happens({ kind: 'started' });
    const two = [...story.rollout.clusters.values()].find(({ hops }) => hops.length === 2)?.clusterId ?? '';
    const first = inPhase(story.rollout, 'ordered')[0]?.clusterId ?? '';
    if (first !== two) story.later(1).begins(first).later(5).ends(first);
    story.later(1).begins(two).later(90).ends(two);
    expect(story.row(two)).toMatchObject({
      phase: 'upgrading',
      hop: 2,
      orderId: null,
      reason: { code: 'window_closed' },
    });
    story.wakes().works(20).judges('promote');
    expect(story.rollout.head.state).toBe('finished');
    story.expectGolden('hops');
  });
});
