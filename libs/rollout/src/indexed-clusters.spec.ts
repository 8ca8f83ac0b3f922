import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.js';
import { lookAt } from './explain.js';
import { waveSoakMs } from './gates/soak.js';
import { IndexedClusters } from './indexed-clusters.js';
import { viewOf } from './plan-view.js';
import type { Rollout, RolloutCluster, RolloutHead } from './rollout.js';
import { RowIndex } from './row-index.js';
import { fleetOf, rolloutOf } from './testing/fleet-fixture.js';
import { RandomWorld } from './testing/random-world.js';
import { anyRollout, anyTurns } from './testing/world-arbitrary.js';

interface Step {
  readonly head: RolloutHead;
  readonly held: IndexedClusters;
  readonly plain: ReadonlyMap<string, RolloutCluster>;
}

const indexed = ({ head, clusters }: Rollout) => new IndexedClusters(head.plan, clusters.values());

/** Decides a random world's history anew over rows with an index, and shows them after every event. */
function replayed(rollout: Rollout, world: RandomWorld, look: (step: Step) => void): void {
  const held = indexed(rollout);
  const plain = new Map(rollout.clusters);
  let head = rollout.head;
  for (const event of world.history) {
    const known = held.index.contents();
    const decision = decide({ head, clusters: held }, event);
    expect(held.index.contents()).toEqual(known);
    expect(decision).toEqual(decide({ head, clusters: plain }, event));
    head = decision.head;
    for (const row of decision.clusters) {
      held.set(row.clusterId, row);
      plain.set(row.clusterId, row);
    }
    look({ head, held, plain });
  }
}

function always(look: (step: Step) => void): void {
  fc.assert(
    fc.property(anyRollout, anyTurns, (rollout, turns) => {
      const world = new RandomWorld(rollout);
      world.play(turns);
      replayed(rollout, world, look);
    }),
    { numRuns: 40 },
  );
}

describe('rows with an index', () => {
  it('are decided about as plain rows are, an index kept up equals one built afresh, and no decision changes it', () => {
    const kinds = new Set<string>();
    always(({ head, held, plain }) => {
      const contents = held.index.contents();
      expect(contents).toEqual(RowIndex.of(viewOf(head.plan), plain.values()).contents());
      for (const line of contents) kinds.add(/\((\w+)/.exec(line)?.[1] ?? 'ring');
    });
    // Worth nothing about lists that nobody was ever in; the rare ones are in row-index.spec.ts.
    expect([...kinds]).toEqual(expect.arrayContaining(['candidates', 'ordered', 'running', 'ring']));
  });

  it('tell the ring barrier and the longest soak as a look at all of them does', () => {
    always(({ head, held, plain }) => {
      const at = head.at;
      expect(lookAt({ head, clusters: held }, at).barrier).toBe(lookAt({ head, clusters: plain }, at).barrier);
      for (const { index } of head.waves) {
        expect(held.soakMsOf(index)).toBe(waveSoakMs(viewOf(head.plan), plain.values(), index));
      }
    });
  });

  it('forget a row that is taken out, and refuse two clusters in one place', () => {
    const rollout = rolloutOf({}, fleetOf(3));
    const held = indexed(rollout);
    const [first, second] = [...held.values()];
    if (!first || !second) throw new Error('the fleet has three clusters');
    expect(() => held.set(first.clusterId, { ...first, position: second.position })).toThrow(/both have position/);
    held.delete(first.clusterId);
    expect(held.idAt(first.position)).toBeNull();
    const rest = [...rollout.clusters.values()].filter((row) => row !== first);
    expect(held.index.contents()).toEqual(RowIndex.of(viewOf(rollout.head.plan), rest).contents());
    held.clear();
    expect(held.index.contents()).toEqual([]);
  });

  it('of another plan are not believed', () => {
    const [daily, other] = [rolloutOf({}, fleetOf(4)), rolloutOf({ gates: { soak: { default: '9h' } } }, fleetOf(4))];
    const wrong = new IndexedClusters(other.head.plan, daily.clusters.values());
    const event = { kind: 'started' as const, at: daily.head.at };
    expect(decide({ head: daily.head, clusters: wrong }, event)).toEqual(decide(daily, event));
  });
});

/** Counts the rows that are read: time would depend on the machine. */
class CountedClusters extends IndexedClusters {
  reads = 0;

  override get(clusterId: string): RolloutCluster | undefined {
    this.reads += 1;
    return super.get(clusterId);
  }

  override values(): MapIterator<RolloutCluster> {
    this.reads += this.size;
    return super.values();
  }
}

describe('the rows that a whole rollout reads', () => {
  function readsPerCluster(size: number): number {
    const first = rolloutOf(
      {
        strategy: { waves: ['5%', '50%', '100%'], rings: ['env=dev', 'env=prod'], maxInFlight: '10%' },
        gates: {
          soak: { default: '30m' },
          windows: [{ rrule: 'FREQ=DAILY', start: '09:00', duration: '6h', selector: 'env=prod' }],
        },
      },
      fleetOf(size, (i) => ({ labels: { env: i % 3 === 0 ? 'dev' : 'prod' } })),
    );
    const held = new CountedClusters(first.head.plan, first.clusters.values());
    const decisions = wholeRollout({ head: first.head, clusters: held });
    expect(decisions).toBeGreaterThan(2 * size);
    return held.reads / size;
  }

  it('are as many per cluster in a fleet of 1,600 as in one of 200', () => {
    const [small, large] = [readsPerCluster(200), readsPerCluster(1_600)];
    expect(large / small).toBeLessThan(1.3);
  });
});

/** Every order begins and ends a minute later; answers how many decisions that took. */
function wholeRollout({ head: first, clusters }: { head: RolloutHead; clusters: IndexedClusters }): number {
  const events: { due: number; event: Parameters<typeof decide>[1] }[] = [];
  let [head, at, decisions] = [first, first.at, 0];
  const feed = (event: Parameters<typeof decide>[1]): void => {
    const decision = decide({ head, clusters }, event);
    decisions += 1;
    head = decision.head;
    for (const row of decision.clusters) clusters.set(row.clusterId, row);
    for (const action of decision.actions) {
      if (action.kind === 'judgeWave') {
        const verdict = { schema: 1 as const, kind: 'promote' as const, period: 1, reasons: [], slis: [] };
        events.push({ due: at, event: { kind: 'waveJudged', wave: action.wave, verdict, at } });
      } else if (action.kind === 'sendOrder') {
        const { clusterId, orderId } = action;
        const outcome = { kind: 'upgraded' as const, standing: {} };
        events.push({ due: at, event: { kind: 'orderStarted', clusterId, orderId, at } });
        events.push({
          due: at + 60_000,
          event: { kind: 'clusterEnded', clusterId, orderId, outcome, at: at + 60_000 },
        });
      }
    }
  };
  feed({ kind: 'started', at });
  while (head.finishedAt === null && decisions < 20 * clusters.size) {
    events.sort((a, b) => a.due - b.due);
    const next = events.shift();
    at = Math.max(at, next?.due ?? head.wakeAt ?? Infinity);
    feed(next?.event ?? { kind: 'woke', at });
  }
  expect(head.state).toBe('finished');
  return decisions;
}
