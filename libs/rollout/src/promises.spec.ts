import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyDecision } from './apply-decision.js';
import { decide } from './decide.js';
import type { Rollout, RolloutEvent } from './index.js';
import { isExceeded } from './gates/budget.js';
import { whyUnfinished } from './outstanding.js';
import { RandomWorld, type Turn } from './testing/random-world.js';
import { anyRollout, anyTurns } from './testing/world-arbitrary.js';

const RUNS = { numRuns: 150 };

function played(rollout: Rollout, turns: readonly Turn[]): RandomWorld {
  const world = new RandomWorld(rollout);
  world.play(turns);
  return world;
}

function always(holds: (world: RandomWorld) => void): void {
  fc.assert(
    fc.property(anyRollout, anyTurns, (rollout, turns) => holds(played(rollout, turns))),
    RUNS,
  );
}

const saying = (world: RandomWorld, words: string): string[] => world.violations.filter((text) => text.includes(words));

describe('whatever happens, in whatever order, once, twice or late', () => {
  it('I1: never more clusters are in flight than the rollout allows', () => {
    always((world) => expect(saying(world, 'in flight')).toEqual([]));
  });

  it('I2: no cluster of a later wave or ring starts before the earlier one is through', () => {
    always((world) => expect([...saying(world, 'earlier waves'), ...saying(world, 'barrier')]).toEqual([]));
  });

  it('I3: an order takes effect at most once, and no two orders work in one cluster', () => {
    always((world) =>
      expect([...saying(world, 'at most once'), ...saying(world, 'one order'), ...saying(world, 'order id')]).toEqual(
        [],
      ),
    );
  });

  it("I5: a report of an order that is not the row's changes nothing", () => {
    fc.assert(
      fc.property(anyRollout, anyTurns, fc.nat(1000), (rollout, turns, which) => {
        const { rollout: now } = played(rollout, turns);
        const rows = [...now.clusters.values()];
        const clusterId = rows[which % rows.length]?.clusterId ?? '';
        const forged: RolloutEvent = { kind: 'orderStarted', at: now.head.at + 1, clusterId, orderId: 'f'.repeat(32) };
        const decision = decide(now, forged);
        expect(decision.ignored).not.toBeNull();
        expect(decision.head).toBe(now.head);
        expect(decision.clusters).toEqual([]);
      }),
      RUNS,
    );
  });

  it('I12: once a budget is exceeded nothing starts without an audited override', () => {
    always((world) => expect(saying(world, 'budget')).toEqual([]));
  });

  it('I15: a cluster is rolled back at most once per attempt, within the same limits', () => {
    always((world) => expect([...saying(world, 'again'), ...saying(world, 'attempt')]).toEqual([]));
  });

  it('I16: after an abort no new start, ever', () => {
    always((world) => expect(saying(world, 'abort')).toEqual([]));
  });

  it('no silent waiting: every unfinished rollout has an order out, a wake-up, or a person it asks', () => {
    always((world) => expect(saying(world, 'silent waiting')).toEqual([]));
  });

  it('counters equal the rows, nothing moves backwards, and an ignored event changes nothing', () => {
    always((world) => expect(world.violations).toEqual([]));
  });

  it('once faults stop and people answer, every rollout comes to an end', () => {
    always((world) => {
      world.heal();
      const { head } = world.rollout;
      expect(world.violations).toEqual([]);
      expect({ over: head.finishedAt !== null, waits: whyUnfinished(world.rollout) }).toEqual({
        over: true,
        waits: [],
      });
    });
  });

  it('reports that come twice give the same rows as reports that come once', () => {
    always((world) => {
      const first = world.history;
      const [once, twice] = [1, 2].map((times) => replay(world, first, times));
      expect(twice).toEqual(once);
    });
  });

  it('the same rollout and event give the same decision', () => {
    always(({ rollout }) => {
      const event: RolloutEvent = { kind: 'woke', at: rollout.head.at + 60_000 };
      expect(decide(rollout, event)).toEqual(decide(rollout, event));
    });
  });
});

function replay(world: RandomWorld, history: readonly RolloutEvent[], times: number): Rollout {
  const doubled = new Set([
    'orderStarted',
    'orderRefused',
    'orderWithdrawn',
    'clusterEnded',
    'agentLost',
    'agentReturned',
  ]);
  let rollout = world.firstRollout;
  for (const event of history) {
    const repeats = doubled.has(event.kind) ? times : 1;
    for (let i = 0; i < repeats; i += 1) rollout = applyDecision(rollout, decide(rollout, event));
  }
  return rollout;
}

describe('the random world is not empty', () => {
  it('every kind of event and action really happens in it', () => {
    const happened = new Map<string, number>();
    let exceeded = 0;
    always((world) => {
      for (const [what, times] of world.happened) happened.set(what, (happened.get(what) ?? 0) + times);
      if (world.rollout.head.waves.some(isExceeded)) exceeded += 1;
    });
    const missing = [
      'started', 'woke', 'orderStarted', 'orderRefused', 'orderWithdrawn', 'clusterEnded', 'agentLost', 'agentReturned',
      'waveJudged', 'paused', 'resumed', 'aborted', 'approved', 'retried', 'skipped', 'rollbackAsked',
      'sendOrder', 'withdrawOrder', 'judgeWave', 'askApproval', 'notify',
    ].filter((what) => !happened.has(what)); // prettier-ignore
    expect(missing).toEqual([]);
    expect(exceeded).toBeGreaterThan(0);
  });
});
