import { describe, expect, it } from '@jest/globals';
import { decide } from '@wavegate/rollout';
import { runSeed } from './run-seed.js';
import type { Sabotage } from './world.js';

const FROM = Number(process.env['FROM'] ?? '1');

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
    await expect(seedThatBreaks({ decide: unlimited, breaks: 'I1' })).resolves.not.toBeNull();
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
    await expect(seedThatBreaks({ store: forgetful, breaks: 'I3' })).resolves.not.toBeNull();
  });

  it('agents that keep no journal → the oracle of effects says so', async () => {
    await expect(seedThatBreaks({ forgetJournals: true, breaks: 'I3' })).resolves.not.toBeNull();
  });
});

/** The first of a few worlds with this broken part in which the promise is found broken; null if none is. */
async function seedThatBreaks(sabotage: Sabotage): Promise<number | null> {
  for (let seed = 1; seed <= 12; seed++) {
    const { complaints } = await runSeed(seed, sabotage);
    if (complaints.some((line) => line.startsWith(`${sabotage.breaks} `))) return seed;
  }
  return null;
}
