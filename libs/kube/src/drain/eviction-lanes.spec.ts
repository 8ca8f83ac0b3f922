import { describe, expect, it } from '@jest/globals';
import { EvictionLane, type LaneAnswer } from './eviction-lanes.js';

/** A server that answers by hand, in a time of its own. */
class Played {
  now = 0;
  most = 0;
  running = 0;
  readonly lane = new EvictionLane(() => this.now);

  constructor(private readonly takes: (others: number) => { readonly ms: number; readonly answer: LaneAnswer }) {}

  /** `count` evictions asked for at once, each answered in its turn: how long all of them took. */
  async all(count: number): Promise<number> {
    const open = new Set<{ at: number; end: (answer: LaneAnswer) => void; answer: LaneAnswer }>();
    const act = (): Promise<LaneAnswer> =>
      new Promise((end) => {
        const { ms, answer } = this.takes(open.size);
        open.add({ at: this.now + ms, end, answer });
        this.most = Math.max(this.most, open.size);
      });
    let left = count;
    for (let n = 0; n < count; n += 1) void this.lane.through(act, (answer) => answer).then(() => (left -= 1));
    while (left > 0) {
      await new Promise(setImmediate);
      const [next] = [...open].sort((a, b) => a.at - b.at);
      if (!next) continue;
      this.now = Math.max(this.now, next.at);
      open.delete(next);
      next.end(next.answer);
    }
    return this.now;
  }
}

describe('evictions of one workload', () => {
  it('nobody is in their way → ever more at once, up to sixteen', async () => {
    const played = new Played(() => ({ ms: 20, answer: 'calm' }));
    const ms = await played.all(110);
    expect(played.most).toBe(16);
    expect(ms).toBeLessThan(500);
  });

  it('a server that is slow for everybody → no reason to queue', async () => {
    const played = new Played(() => ({ ms: 900, answer: 'calm' }));
    await played.all(60);
    expect(played.most).toBe(16);
  });

  it('those at once wait for each other, as under one budget → one after the other, hardly ever two', async () => {
    let crowded = 0;
    const played = new Played((others) => {
      if (others > 0) crowded += 1;
      return { ms: others > 0 ? 520 : 20, answer: 'calm' };
    });
    const ms = await played.all(110);
    expect(played.most).toBeLessThanOrEqual(3);
    expect(crowded).toBeLessThanOrEqual(8);
    expect(ms).toBeLessThan(5_000);
  });

  it('a refusal of the budget → one after the other from then on', async () => {
    let asked = 0;
    const played = new Played(() => ({ ms: 20, answer: (asked += 1) > 4 ? 'crowded' : 'calm' }));
    await played.all(40);
    expect(played.most).toBeLessThanOrEqual(5);
  });

  it('nobody answers → not one behind the other', async () => {
    const played = new Played(() => ({ ms: 10_000, answer: 'silent' }));
    expect(await played.all(33)).toBeLessThanOrEqual(40_000);
  });

  it('one that throws → gives its place back', async () => {
    const lane = new EvictionLane(() => 0);
    await expect(
      lane.through(
        () => Promise.reject(new Error('over')),
        () => 'calm',
      ),
    ).rejects.toThrow('over');
    expect(
      await lane.through(
        async () => 'next',
        () => 'calm',
      ),
    ).toBe('next');
  });
});
