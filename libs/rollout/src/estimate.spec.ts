import { describe, expect, it } from '@jest/globals';
import { ESTIMATE, estimate } from './estimate.js';
import { plan } from './plan.js';
import { fleetOf, HOUR, MINUTE, MONDAY_8, planOf, type SpecInput } from './testing/fleet-fixture.js';

const ONE = ESTIMATE.perHopMs + 3 * ESTIMATE.perNodeMs + 30 * MINUTE;

function estimated(spec: SpecInput, count: number, maxInFlight: number, wish = {}) {
  const written = planOf(spec);
  return estimate(
    written,
    plan(
      written,
      fleetOf(count, () => wish),
    ),
    maxInFlight,
    MONDAY_8,
  );
}

describe('estimates for the preview', () => {
  it('a wave takes as many rounds as its clusters need slots, then soaks before the next begins', () => {
    const [first, second] = estimated({ strategy: { waves: ['50%', '100%'] } }, 8, 2);
    expect(first).toMatchObject({
      clusters: 4,
      nodes: 12,
      startsAt: MONDAY_8,
      endsAt: MONDAY_8 + 2 * ONE,
      soakMs: 30 * MINUTE,
    });
    expect(second?.startsAt).toBe(MONDAY_8 + 2 * ONE + 30 * MINUTE);
  });

  it('a ring begins when the one before is through', () => {
    const spec = planOf({ strategy: { waves: ['100%'], rings: ['env=dev', 'env=prod'] } });
    const fleet = fleetOf(2, (i) => ({ labels: { env: i === 0 ? 'dev' : 'prod' } }));
    expect(estimate(spec, plan(spec, fleet), 10, MONDAY_8)[0]?.endsAt).toBe(MONDAY_8 + 2 * ONE);
  });

  it('a closed window moves the start, a window that never opens leaves it open', () => {
    const window = { rrule: 'FREQ=DAILY', start: '12:00', duration: '1h', timeZone: 'UTC' };
    expect(estimated({ gates: { windows: [window] } }, 1, 1)[0]?.startsAt).toBe(MONDAY_8 + 4 * HOUR);
    const past = { ...window, rrule: 'FREQ=DAILY;UNTIL=20200101T000000Z' };
    expect(estimated({ gates: { windows: [past] } }, 1, 1)[0]).toMatchObject({ startsAt: null, endsAt: null });
  });

  it('two hops cost twice, and approvals are counted where they stand', () => {
    const target = { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } };
    const gates = { approvals: [{ beforeWave: 2, count: 2 }] };
    const waves = estimated({ target, gates, strategy: { waves: ['50%', '100%'] } }, 2, 1, { version: '1.33.1' });
    expect(waves.map(({ hops, approvals }) => [hops.most, approvals])).toEqual([
      [2, 0],
      [2, 2],
    ]);
    expect(waves[0]?.endsAt).toBe(MONDAY_8 + 2 * ONE);
  });
});
