import { describe, expect, it } from '@jest/globals';
import { RateLimit } from './rate-limit.js';

describe('a limit of two a second', () => {
  const clock = { at: 0, now: () => clock.at };

  it('two at once pass; the third is told when to come back, and passes then', () => {
    const limit = new RateLimit(2, clock);
    expect([limit.waitMs(), limit.waitMs()]).toEqual([0, 0]);
    const waitMs = limit.waitMs();
    expect(waitMs).toBe(500);
    clock.at += waitMs;
    expect(limit.waitMs()).toBe(0);
    expect(limit.waitMs()).toBeGreaterThan(0);
  });

  it('a clock that is set back → still fills from there on', () => {
    const limit = new RateLimit(2, clock);
    limit.waitMs();
    limit.waitMs();
    clock.at -= 3_600_000;
    expect(limit.waitMs()).toBeGreaterThan(0);
    clock.at += 1_000;
    expect(limit.waitMs()).toBe(0);
  });

  it('a long rest → no more than two at once', () => {
    const limit = new RateLimit(2, clock);
    clock.at += 3_600_000;
    expect([limit.waitMs(), limit.waitMs(), limit.waitMs() > 0]).toEqual([0, 0, true]);
  });
});
