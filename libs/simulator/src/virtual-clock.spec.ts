import { describe, expect, it } from '@jest/globals';
import { VirtualBell, VirtualClock } from './virtual-clock.js';

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('VirtualClock', () => {
  it('timers in any order of insertion → run by time, then by insertion', async () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    for (const [at, name] of [
      [30, 'c'],
      [10, 'a'],
      [30, 'd'],
      [20, 'b'],
      [10, 'a2'],
    ] as const) {
      clock.schedule(at, () => ran.push(`${name}@${clock.now()}`));
    }
    clock.schedule(15, () => ran.push('never'))();
    await clock.run(100, flush);
    expect(ran).toEqual(['a@10', 'a2@10', 'b@20', 'c@30', 'd@30']);
    expect(clock.now()).toBe(100);
  });

  it('code between two sleeps → takes no time, and its next sleep counts from there', async () => {
    const clock = new VirtualClock(1000);
    const at: number[] = [];
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(250);
        at.push(clock.now());
      }
    })();
    await clock.run(5000, flush);
    expect(at).toEqual([1250, 1500, 1750]);
  });

  it('a bell rung while nobody waits → ends the next sleep at once; one rung while sleeping → ends that one', async () => {
    const clock = new VirtualClock(0);
    const bell = new VirtualBell();
    const at: number[] = [];
    bell.ring();
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(1000, bell);
        at.push(clock.now());
      }
    })();
    clock.schedule(400, () => bell.ring());
    await clock.run(5000, flush);
    expect(at).toEqual([0, 400, 1400]);
  });

  it('a thousand timers, half of them taken back → the others come in order', async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    const back: (() => void)[] = [];
    for (let i = 0; i < 1000; i++) {
      const at = (i * 7919) % 997;
      const take = clock.schedule(at, () => ran.push(clock.now()));
      if (i % 2 === 0) back.push(take);
    }
    back.forEach((take) => take());
    await clock.run(1000, flush);
    expect(ran).toHaveLength(500);
    expect(ran).toEqual([...ran].sort((a, b) => a - b));
  });
});
