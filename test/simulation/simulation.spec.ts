import { describe, expect, it } from '@jest/globals';
import { decide } from '@wavegate/rollout';
import { describeFailure, expectedSightings, runSeeds } from './run-seeds.js';
import { runSeed } from './run-seed.js';
import { Sightings } from './sightings.js';

const SEEDS = Number(process.env['SEEDS'] ?? '300');
const FROM = Number(process.env['FROM'] ?? '1');
const CHUNK = 25;
/** Fewer worlds than this may honestly miss a rare fault. */
const ENOUGH_FOR_VACUITY = 50;

const sightings = new Sightings();

describe(`simulated rollouts, seeds ${FROM} to ${FROM + SEEDS - 1}`, () => {
  for (let from = FROM; from < FROM + SEEDS; from += CHUNK) {
    const count = Math.min(CHUNK, FROM + SEEDS - from);
    it(`seeds ${from} to ${from + count - 1}: whatever fails, every promise holds and every rollout ends`, async () => {
      const { failures, sightings: seen } = await runSeeds(from, count);
      sightings.add(seen);
      expect(failures.map(describeFailure).join('\n\n')).toBe('');
    });
  }

  it('over all seeds → every kind of fault and every interesting outcome really occurred', () => {
    const missing = SEEDS < ENOUGH_FOR_VACUITY ? [] : sightings.missing(expectedSightings(SEEDS));
    expect({ missing, seen: missing.length > 0 ? sightings.table() : '' }).toEqual({ missing: [], seen: '' });
  });
});

describe('the simulation itself', () => {
  it('the same seed twice → the same history, line by line', async () => {
    const [one, other] = [await runSeed(FROM), await runSeed(FROM)];
    expect(one.world.trace.length).toBeGreaterThan(50);
    expect(one.world.trace.text()).toBe(other.world.trace.text());
  });

  it('an engine that ignores maxInFlight → the oracle of effects says so', async () => {
    const unlimited: typeof decide = (rollout, event) => {
      const head = { ...rollout.head, maxInFlight: 1_000 };
      const decision = decide({ ...rollout, head }, event);
      return { ...decision, head: { ...decision.head, maxInFlight: rollout.head.maxInFlight } };
    };
    await expect(promisesBroken({ decide: unlimited })).resolves.toContain('I1');
  });

  it('a store that answers "committed" and commits nothing → the oracle says so', async () => {
    let commits = 0;
    const forgetful = (store: Parameters<NonNullable<Sabotage['store']>>[0]): typeof store =>
      new Proxy(store, {
        get: (target, key) => {
          const member: unknown = Reflect.get(target, key, target);
          if (typeof member !== 'function') return member;
          if (key !== 'commit') return member.bind(target) as unknown;
          commits += 1;
          return commits % 5 === 0 ? () => Promise.resolve('committed') : (member.bind(target) as unknown);
        },
      });
    expect((await promisesBroken({ store: forgetful })).length).toBeGreaterThan(0);
  });

  it('agents that keep no journal → the oracle of effects says so', async () => {
    expect((await promisesBroken({ forgetJournals: true })).length).toBeGreaterThan(0);
  });
});

type Sabotage = NonNullable<Parameters<typeof runSeed>[1]>;

/** The promises that a handful of worlds with this broken part complain about. */
async function promisesBroken(sabotage: Sabotage): Promise<string[]> {
  const broken = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const { complaints } = await runSeed(seed, sabotage);
    for (const line of complaints) broken.add(line.split(' ')[0] ?? '');
  }
  return [...broken];
}
