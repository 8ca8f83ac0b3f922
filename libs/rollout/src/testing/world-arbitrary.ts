import fc from 'fast-check';
import type { Rollout } from '../rollout.js';
import { fleetOf, rolloutOf, type SpecInput } from './fleet-fixture.js';
import { HAPPENINGS, type Turn } from './random-world.js';

const ENVS = ['dev', 'staging', 'prod'];

/** Fleets of 1 to 24 clusters over rings, regions, versions and sizes, some of them away, under plans of every kind. */
export const anyRollout: fc.Arbitrary<Rollout> = fc
  .record({
    size: fc.integer({ min: 1, max: 24 }),
    seed: fc.array(fc.nat(23), { minLength: 24, maxLength: 24 }),
    rings: fc.boolean(),
    windows: fc.boolean(),
    approvals: fc.boolean(),
    hops: fc.boolean(),
    maxInFlight: fc.constantFrom(1, 2, 3, 10, '30%'),
    waves: fc.constantFrom(['5%', '25%', '50%', '100%'], ['50%', '100%'], ['100%']),
    laterWaves: fc.constantFrom(0, 1, '5%', '50%'),
    then: fc.constantFrom('wait' as const, 'skip' as const, 'fail' as const),
    rollbackWindows: fc.constantFrom('override' as const, 'respect' as const),
    adaptive: fc.boolean(),
    onBudget: fc.constantFrom(undefined, 'wave' as const, 'rollout' as const),
  })
  .map(({ size, seed, ...wish }) => {
    const fleet = fleetOf(size, (i) => ({
      labels: {
        env: ENVS[(seed[i] ?? 0) % 3] ?? 'dev',
        region: `r${(seed[i] ?? 0) % 4}`,
        canary: i % 7 === 3 ? 'true' : 'false',
      },
      version: wish.hops && (seed[i] ?? 0) % 4 === 0 ? '1.33.1' : '1.34.4',
      nodes: ((seed[i] ?? 0) % 12) + 1,
      connected: (seed[i] ?? 0) !== 23,
    }));
    return rolloutOf(specOf(wish), fleet);
  });

interface Wish {
  readonly rings: boolean;
  readonly windows: boolean;
  readonly approvals: boolean;
  readonly maxInFlight: number | string;
  readonly waves: readonly string[];
  readonly laterWaves: number | string;
  readonly then: 'wait' | 'skip' | 'fail';
  readonly rollbackWindows: 'override' | 'respect';
  readonly adaptive: boolean;
  readonly onBudget: 'wave' | 'rollout' | undefined;
}

function specOf(wish: Wish): SpecInput {
  const window = { rrule: 'FREQ=DAILY', start: '09:00', duration: '6h', selector: 'env=prod' };
  return {
    target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } },
    strategy: {
      waves: [...wish.waves],
      canaries: 'canary = true',
      rings: wish.rings ? ['env=dev', 'env=staging', 'env=prod'] : [],
      spreadBy: ['region'],
      maxInFlight: wish.maxInFlight,
      budget: { firstWave: 0, laterWaves: wish.laterWaves },
      offline: { deadline: '4h', then: wish.then },
      ...(wish.adaptive ? { adaptive: true } : {}),
    },
    rollback: { windows: wish.rollbackWindows, ...(wish.onBudget ? { onBudget: wish.onBudget } : {}) },
    gates: {
      soak: { default: '30m', 'env=prod': '2h' },
      windows: wish.windows ? [window] : [],
      approvals: wish.approvals ? [{ beforeWave: 2, count: 2 }] : [],
    },
  };
}

export const anyTurns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...HAPPENINGS),
    which: fc.nat(1000),
    how: fc.nat(100),
    delay: fc.nat(4),
    twice: fc.boolean(),
    dropped: fc.nat(9).map((n) => n === 0),
    minutes: fc.nat(20),
  }),
  { minLength: 60, maxLength: 200 },
);
