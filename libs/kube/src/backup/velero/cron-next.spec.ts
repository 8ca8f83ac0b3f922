import { describe, expect, it } from '@jest/globals';
import { nextRun, readCron } from './cron-next.js';

const next = (cron: string, after: string): string | null => {
  const at = nextRun(cron, Date.parse(after));
  return at === null ? null : new Date(at).toISOString().slice(0, 16);
};

describe('the next run of a Schedule', () => {
  it.each([
    ['0 1 * * *', '2026-11-21T00:59:59Z', '2026-11-21T01:00'],
    ['0 1 * * *', '2026-11-21T01:00:00Z', '2026-11-22T01:00'],
    ['*/20 8-10 * * *', '2026-11-21T08:41:00Z', '2026-11-21T09:00'],
    ['5/25 * * * *', '2026-11-21T08:31:00Z', '2026-11-21T08:55'],
    ['0 3 * * mon-fri', '2026-11-21T08:00:00Z', '2026-11-23T03:00'],
    ['0 3 1 jan,jul *', '2026-11-21T08:00:00Z', '2027-01-01T03:00'],
    ['0 0 29 2 *', '2026-11-21T08:00:00Z', '2028-02-29T00:00'],
    // Both days named: either will do, as cron has always had it.
    ['0 0 13 * fri', '2026-11-21T08:00:00Z', '2026-11-27T00:00'],
    ['0 0 13 * ?', '2026-11-21T08:00:00Z', '2026-12-13T00:00'],
    ['@daily', '2026-11-21T08:00:00Z', '2026-11-22T00:00'],
    ['@every 1h30m', '2026-11-21T08:00:00Z', '2026-11-21T09:30'],
    ['0 0 30 2 *', '2026-11-21T08:00:00Z', null],
  ])('%s after %s → %s', (cron, after, expected) => {
    expect(next(cron, after)).toBe(expected);
  });

  it.each([
    ['', /has 1 fields; it needs five/],
    ['0 1 * *', /has 4 fields/],
    ['60 1 * * *', /"60" is no minute \(0 to 59\)/],
    ['0 1 * * */0', /is no day of week/],
    ['0 9-5 * * *', /"9-5" is no hour/],
    ['@every soon', /needs a time above zero/],
    ['@nightly', /has 1 fields/],
  ])('"%s" → refused, saying what would be right', (cron, right) => {
    expect(readCron(cron)).toEqual({ problem: expect.stringMatching(right) });
    expect(nextRun(cron, 0)).toBeNull();
  });
});
