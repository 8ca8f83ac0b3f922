import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextOccurrence, occurrenceProblem } from './occurrence.js';

const SUNDAY_NIGHT = { rrule: 'FREQ=WEEKLY;BYDAY=SU', start: '02:30', timeZone: 'Europe/Berlin' };
const at = (text: string): number => Date.parse(text);

describe('the next moment of a rule', () => {
  it.each([
    ['before it, on the same day', '2026-11-22T00:00:00Z', '2026-11-22T01:30:00Z'],
    ['at it', '2026-11-22T01:30:00Z', '2026-11-29T01:30:00Z'],
    ['within its minute', '2026-11-22T01:30:30Z', '2026-11-29T01:30:00Z'],
    ['in summer time, an hour earlier by UTC', '2026-06-28T12:00:00Z', '2026-07-05T00:30:00Z'],
  ])('%s', (_name, now, next) => {
    expect(nextOccurrence(SUNDAY_NIGHT, at(now))).toBe(at(next));
  });

  it('a rule that has ended → none', () => {
    const rule = { rrule: 'FREQ=DAILY;UNTIL=20260101T000000Z', start: '03:00', timeZone: 'UTC' };
    expect(nextOccurrence(rule, at('2026-11-22T00:00:00Z'))).toBeNull();
  });

  it.each([
    ['a day', 'UNTIL=20261130', '2026-11-30T02:00:00Z'],
    ['a wall-clock time of its zone, before the start', 'UNTIL=20261130T025959', '2026-11-29T02:00:00Z'],
    ['a moment of UTC', 'UNTIL=20261130T020000Z', '2026-11-30T02:00:00Z'],
  ])('a rule until %s → the last moment is the last', (_name, until, last) => {
    const rule = { rrule: `FREQ=DAILY;${until}`, start: '03:00', timeZone: 'Europe/Berlin' };
    expect(occurrenceProblem(rule)).toBeNull();
    expect(nextOccurrence(rule, at(last) - 1)).toBe(at(last));
    expect(nextOccurrence(rule, at(last))).toBeNull();
  });

  it('it is always later than now, and nothing lies in between', () => {
    const rule = { rrule: 'FREQ=DAILY', start: '03:00', timeZone: 'UTC' };
    const now = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') });
    fc.assert(
      fc.property(now, (ms) => {
        const next = nextOccurrence(rule, ms) ?? 0;
        expect(next - ms).toBeGreaterThan(0);
        expect(next - ms).toBeLessThanOrEqual(86_400_000);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a rule nobody can read', { rrule: 'every sunday' }, 'rrule'],
    ['an unknown zone', { timeZone: 'Berlin' }, 'timeZone'],
    ['until a day that does not exist', { rrule: 'FREQ=DAILY;UNTIL=20261341' }, 'rrule'],
    ['30 February', { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }, 'rrule'],
  ])('%s → the field that is wrong', (_name, change, field) => {
    expect(occurrenceProblem({ ...SUNDAY_NIGHT, ...change })).toMatchObject({ field });
    expect(occurrenceProblem(SUNDAY_NIGHT)).toBeNull();
  });
});
