import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { RRuleTemporal } from 'rrule-temporal';
import { freezeState, instantMs, windowState, type CalendarGates } from './calendar.js';
import { recurrenceProblem, type WindowSpec } from './recurrence.js';

const window = (part: Partial<WindowSpec> = {}): WindowSpec => ({
  rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH',
  start: '09:00',
  duration: '6h',
  timeZone: 'Europe/Berlin',
  selector: '',
  ...part,
});
const gates = (...windows: WindowSpec[]): CalendarGates => ({ windows, freezes: [] });
const ms = (text: string): number => instantMs(text) ?? NaN;
const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
const look = (given: CalendarGates, at: string, labels = {}) => {
  const { open, opensAt, closesAt } = windowState(given, labels, ms(at));
  return open ? `open until ${iso(closesAt)}` : `closed until ${iso(opensAt)}`;
};

describe('windows', () => {
  it.each([
    // Thursday morning before the opening, inside, at the edges, and the weekend after it; Berlin is +1 in winter
    ['2027-01-14T07:59:59Z', 'closed until 2027-01-14T08:00:00.000Z'],
    ['2027-01-14T08:00:00Z', 'open until 2027-01-14T14:00:00.000Z'],
    ['2027-01-14T13:59:59Z', 'open until 2027-01-14T14:00:00.000Z'],
    ['2027-01-14T14:00:00Z', 'closed until 2027-01-18T08:00:00.000Z'],
    // and +2 in summer
    ['2027-07-14T06:59:00Z', 'closed until 2027-07-14T07:00:00.000Z'],
  ])('Monday to Thursday 09:00 + 6h in Berlin, at %s → %s', (at, expected) => {
    expect(look(gates(window()), at)).toBe(expected);
  });

  it('a cluster that no window binds may always start', () => {
    const prod = gates(window({ selector: 'env=prod' }));
    expect(look(prod, '2027-01-16T12:00:00Z', { env: 'dev' })).toBe('open until null');
    expect(look(prod, '2027-01-16T12:00:00Z', { env: 'prod' })).toBe('closed until 2027-01-18T08:00:00.000Z');
  });

  it('a window over midnight stays open into the next day', () => {
    const night = gates(window({ rrule: 'FREQ=WEEKLY;BYDAY=SA', start: '22:00', duration: '8h' }));
    expect(look(night, '2027-01-17T03:00:00Z')).toBe('open until 2027-01-17T05:00:00.000Z');
    expect(look(night, '2027-01-17T05:00:00Z')).toBe('closed until 2027-01-23T21:00:00.000Z');
  });

  it('02:30 does not exist on the day the clocks go forward → the window stays closed that day', () => {
    const early = gates(window({ rrule: 'FREQ=DAILY', start: '02:30', duration: '1h' }));
    expect(look(early, '2027-03-28T00:45:00Z')).toBe('closed until 2027-03-29T00:30:00.000Z');
    expect(look(early, '2027-03-28T01:45:00Z')).toBe('closed until 2027-03-29T00:30:00.000Z');
  });

  it('02:30 comes twice on the day the clocks go back → the window opens at the first only', () => {
    const early = gates(window({ rrule: 'FREQ=DAILY', start: '02:30', duration: '30m' }));
    expect(look(early, '2027-10-31T00:30:00Z')).toBe('open until 2027-10-31T01:00:00.000Z');
    expect(look(early, '2027-10-31T01:30:00Z')).toBe('closed until 2027-11-01T01:30:00.000Z');
  });

  it('hours are exact and whole days are calendar days when the clocks change', () => {
    const saturday = { rrule: 'FREQ=WEEKLY;BYDAY=SA', start: '12:00' };
    expect(look(gates(window({ ...saturday, duration: '24h' })), '2027-03-27T12:00:00Z')).toBe(
      'open until 2027-03-28T11:00:00.000Z',
    );
    expect(look(gates(window({ ...saturday, duration: '1d' })), '2027-03-27T12:00:00Z')).toBe(
      'open until 2027-03-28T10:00:00.000Z',
    );
  });

  it('windows that hand over to each other → it closes with the last of them', () => {
    const morning = window({ timeZone: 'UTC', start: '06:00', duration: '6h' });
    const noon = window({ timeZone: 'UTC', start: '12:00', duration: '2h' });
    const evening = window({ timeZone: 'UTC', start: '15:00', duration: '1h' });
    expect(look(gates(morning, noon, evening), '2027-01-14T07:00:00Z')).toBe('open until 2027-01-14T14:00:00.000Z');
    expect(look(gates(morning, noon, evening), '2027-01-14T14:30:00Z')).toBe('closed until 2027-01-14T15:00:00.000Z');
  });

  it('a window that is open around the clock has no end in sight', () => {
    expect(look(gates(window({ rrule: 'FREQ=DAILY', start: '00:00', duration: '1d' })), '2027-03-28T12:00:00Z')).toBe(
      'open until null',
    );
  });

  it('a rule that has run out → it never opens again', () => {
    expect(look(gates(window({ rrule: 'FREQ=DAILY;UNTIL=20270101T000000Z' })), '2027-02-01T00:00:00Z')).toBe(
      'closed until null',
    );
  });

  it('every second week counts from the week of Monday 1 January 2024', () => {
    const fortnight = gates(window({ rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO', timeZone: 'UTC' }));
    expect(look(fortnight, '2024-01-02T00:00:00Z')).toBe('closed until 2024-01-15T09:00:00.000Z');
  });

  it('what is said about the future is what is found there', () => {
    const window_ = fc.record({
      rrule: fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=SA,SU', 'FREQ=MONTHLY;BYDAY=1TU', 'FREQ=WEEKLY;BYDAY=MO'),
      start: fc.constantFrom('00:00', '02:30', '09:00', '23:30'),
      duration: fc.constantFrom('30m', '6h', '26h', '1d'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
      selector: fc.constant(''),
    });
    const at = fc.integer({ min: ms('2027-01-01T00:00:00Z'), max: ms('2027-12-31T00:00:00Z') });
    fc.assert(
      fc.property(
        fc.array(window_, { minLength: 1, maxLength: 3 }),
        at,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (windows, from, share) => {
          const given = gates(...windows);
          const now = windowState(given, {}, from);
          const change = now.open ? now.closesAt : now.opensAt;
          if (change === null) return;
          expect(change).toBeGreaterThan(from);
          const between = Math.floor(from + (change - from) * share);
          expect(windowState(given, {}, between)).toEqual(now);
          expect(windowState(given, {}, change).open).toBe(!now.open);
          // A fresh reading of the same plan, asked for the first time, agrees with one that has answered before.
          expect(windowState(structuredClone(given), {}, from)).toEqual(now);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('five thousand clusters of one plan are asked → the rule itself is asked a few times only', () => {
    const given = gates(
      window({ selector: 'env=prod' }),
      window({ selector: 'env=dev', rrule: 'FREQ=DAILY;INTERVAL=1' }),
    );
    const asked = [jest.spyOn(RRuleTemporal.prototype, 'next'), jest.spyOn(RRuleTemporal.prototype, 'previous')];
    for (let n = 0; n < 5000; n += 1) {
      windowState(given, { env: n % 2 ? 'prod' : 'dev' }, ms('2027-03-25T10:00:00Z') + n);
    }
    const questions = asked.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    asked.forEach((spy) => spy.mockRestore());
    expect(questions).toBeGreaterThan(0);
    expect(questions).toBeLessThan(20);
  });
});

describe('rules of windows', () => {
  it.each<[Partial<WindowSpec>, string, RegExp]>([
    [{ rrule: 'FREQ=FORTNIGHTLY' }, 'window_rule_invalid', /FREQ is "FORTNIGHTLY"; write DAILY, WEEKLY/],
    [{ rrule: 'FREQ=HOURLY' }, 'window_rule_invalid', /write DAILY, WEEKLY/],
    [{ rrule: 'BYDAY=MO' }, 'window_rule_invalid', /FREQ is missing/],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=MONDAY' }, 'window_rule_invalid', /days such as MO,TU/],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=2MO' }, 'window_rule_invalid', /BYDAY with numeric value/],
    [{ rrule: 'FREQ=MONTHLY;BYMONTHDAY=40' }, 'window_rule_invalid', /days from 1 to 31/],
    [{ rrule: 'FREQ=DAILY;COUNT=3' }, 'window_rule_invalid', /"COUNT=3" is not a part/],
    [{ rrule: 'FREQ=DAILY;FREQ=WEEKLY' }, 'window_rule_invalid', /stands twice/],
    [{ rrule: 'FREQ=DAILY\nRRULE:FREQ=DAILY' }, 'window_rule_invalid', /FREQ/],
    [{ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }, 'window_never_opens', /30 February/],
    [{ timeZone: 'Europe/Berln' }, 'time_zone_unknown', /IANA name such as Europe\/Berlin/],
    [{ duration: '0m' }, 'window_without_duration', /duration such as 6h/],
  ])('%j → %s', (part, code, detail) => {
    const problem = recurrenceProblem(window(part));
    expect(problem?.code).toBe(code);
    expect(problem?.detail).toMatch(detail);
  });

  it.each([
    'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH',
    'FREQ=MONTHLY;BYDAY=-1SU',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29',
    'FREQ=DAILY;INTERVAL=3',
  ])('%s → read', (rrule) => {
    expect(recurrenceProblem(window({ rrule }))).toBeNull();
  });
});

describe('freezes', () => {
  const freeze = (name: string, from: string, until: string, selector = '') => ({ name, from, until, selector });
  const given: CalendarGates = {
    windows: [],
    freezes: [
      freeze('year end', '2027-12-20T00:00:00+01:00', '2028-01-03T00:00:00+01:00'),
      freeze('black friday', '2027-11-24T00:00:00Z', '2027-11-30T00:00:00Z', 'env=prod'),
      freeze('audit', '2027-11-29T00:00:00Z', '2027-12-01T00:00:00Z', 'env=prod'),
    ],
  };

  it.each([
    ['2027-12-19T22:59:59Z', 'prod', false, '', null],
    ['2027-12-19T23:00:00Z', 'prod', true, 'year end', '2028-01-02T23:00:00.000Z'],
    ['2028-01-02T23:00:00Z', 'prod', false, '', null],
    ['2027-11-25T00:00:00Z', 'dev', false, '', null],
    ['2027-11-25T00:00:00Z', 'prod', true, 'black friday', '2027-12-01T00:00:00.000Z'],
    ['2027-11-29T12:00:00Z', 'prod', true, 'audit', '2027-12-01T00:00:00.000Z'],
  ])('at %s for env=%s → %s %s until %s', (at, env, active, name, until) => {
    const state = freezeState(given, { env }, ms(at));
    expect({ ...state, until: iso(state.until) }).toEqual({ active, name, until });
  });

  it.each(['2027-12-20', 'tomorrow', '2027-12-20T00:00:00', ''])('"%s" is no instant', (text) => {
    expect(instantMs(text)).toBeNull();
  });
});
