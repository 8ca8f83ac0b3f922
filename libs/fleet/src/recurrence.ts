import { RRuleTemporal } from 'rrule-temporal';
import { Temporal } from 'temporal-polyfill';
import { durationMs, type PlanSpec } from './plan.js';

export type WindowSpec = PlanSpec['gates']['windows'][number];

/** One uninterrupted stretch of a window being open or closed, [from, until) in epoch ms. */
export interface Span {
  readonly open: boolean;
  readonly from: number;
  /** Infinity: it stays closed for good. */
  readonly until: number;
  /** False where an open stretch was followed far ahead and no end was met; `until` is then only how far we looked. */
  readonly endKnown: boolean;
}

export interface Recurrence {
  /** The stretch that holds the instant `at` (epoch ms). */
  spanAt(at: number): Span;
}

/** What is wrong with a window's rule, and what would be right. */
export interface RecurrenceProblem {
  readonly field: 'rrule' | 'timeZone' | 'duration';
  readonly code: 'window_rule_invalid' | 'window_never_opens' | 'time_zone_unknown' | 'window_without_duration';
  readonly detail: string;
}

// A rule has no DTSTART in a plan; INTERVAL and defaulted weekdays need one. This Monday starts a year and a week.
const ANCHOR = '20240101';
// A rule that is open around the clock is followed this many openings ahead, then reported as having no known end.
const LOOK_AHEAD = 400;
const KEPT_SPANS = 8;
const KEPT_RECURRENCES = 256;

const DAY = String.raw`(MO|TU|WE|TH|FR|SA|SU)`;
const list = (item: string): RegExp => new RegExp(`^${item}(,${item})*$`);
/**
 * The parts of RFC 5545 3.3.10 that name days. The recurrence library drops a part or a value that it does not know,
 * which here would open a window on days that nobody named: every part is therefore checked first.
 */
const PARTS: Readonly<Record<string, readonly [shape: RegExp, right: string]>> = {
  FREQ: [/^(DAILY|WEEKLY|MONTHLY|YEARLY)$/, 'DAILY, WEEKLY, MONTHLY or YEARLY'],
  INTERVAL: [/^[1-9]\d{0,2}$/, 'a whole number from 1 to 999'],
  BYDAY: [list(`([+-]?([1-9]|[1-4]\\d|5[0-3]))?${DAY}`), 'days such as MO,TU or 1SU'],
  BYMONTH: [list('([1-9]|1[0-2])'), 'months from 1 to 12'],
  BYMONTHDAY: [list('[+-]?([1-9]|[12]\\d|3[01])'), 'days from 1 to 31, or -1 for the last'],
  BYYEARDAY: [list('[+-]?([1-9]\\d?|[12]\\d\\d|3[0-5]\\d|36[0-6])'), 'days from 1 to 366'],
  BYWEEKNO: [list('[+-]?([1-9]|[1-4]\\d|5[0-3])'), 'weeks from 1 to 53'],
  BYSETPOS: [list('[+-]?([1-9]\\d?|[12]\\d\\d|3[0-5]\\d|36[0-6])'), 'positions such as 1 or -1'],
  WKST: [new RegExp(`^${DAY}$`), 'a day such as MO'],
  UNTIL: [/^\d{8}(T\d{6}Z?)?$/, 'a date such as 20271231'],
};

/** The first thing wrong with a window, or null. Also compiles the rule, so that a plan that passes never throws later. */
export function recurrenceProblem(window: WindowSpec): RecurrenceProblem | null {
  const shape = ruleShapeProblem(window.rrule);
  if (shape) return { field: 'rrule', code: 'window_rule_invalid', detail: shape };
  if (!isTimeZone(window.timeZone)) {
    const detail = `"${window.timeZone}" is not a time zone; write an IANA name such as Europe/Berlin`;
    return { field: 'timeZone', code: 'time_zone_unknown', detail };
  }
  if (durationMs(window.duration) === 0) {
    const detail = `${window.duration} is a window that never opens; write a duration such as 6h`;
    return { field: 'duration', code: 'window_without_duration', detail };
  }
  return openingProblem(window);
}

function ruleShapeProblem(rrule: string): string | null {
  const seen = new Set<string>();
  for (const part of rrule.split(';')) {
    const [name = '', value = '', ...rest] = part.split('=');
    const known = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    if (!known || rest.length > 0) {
      return `"${part}" is not a part of a rule of days; known are ${Object.keys(PARTS).join(', ')}`;
    }
    if (seen.has(name)) return `${name} stands twice; join the values by commas`;
    if (!known[0].test(value)) return `${name} is "${value}"; write ${known[1]}`;
    seen.add(name);
  }
  return seen.has('FREQ') ? null : `FREQ is missing from "${rrule}"; write for example FREQ=WEEKLY;BYDAY=MO,TU`;
}

export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

function openingProblem(window: WindowSpec): RecurrenceProblem | null {
  const never = `"${window.rrule}" never names a day; 30 February and the like do not exist`;
  try {
    const rule = ruleOf(window, proofSteps(window.rrule));
    const first = rule.next(Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(window.timeZone), true);
    return first ? null : { field: 'rrule', code: 'window_never_opens', detail: never };
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    if (why.startsWith('Maximum')) return { field: 'rrule', code: 'window_never_opens', detail: never };
    return { field: 'rrule', code: 'window_rule_invalid', detail: `"${window.rrule}": ${why}` };
  }
}

/** Eight years of the rule's own steps show every day that it can name; looking longer only lets a plan keep us busy. */
function proofSteps(rrule: string): number {
  const steps = { DAILY: 3000, WEEKLY: 430, MONTHLY: 100, YEARLY: 30 };
  return steps[(/FREQ=(DAILY|WEEKLY|MONTHLY)/.exec(rrule)?.[1] ?? 'YEARLY') as keyof typeof steps];
}

type Rule = RRuleTemporal<Temporal.ZonedDateTime>;

function ruleOf({ rrule, start, timeZone }: WindowSpec, maxIterations = 20_000): Rule {
  const time = `${start.replace(':', '')}00`;
  const rruleString = `DTSTART;TZID=${timeZone}:${ANCHOR}T${time}\nRRULE:${withUtcEnd(rrule, timeZone)}`;
  return new RRuleTemporal({ rruleString, temporal: Temporal, strict: true, maxIterations });
}

/** RFC 5545 wants UNTIL in UTC beside a zoned start; people write the last day, or a wall-clock time of the rule's zone. */
function withUtcEnd(rrule: string, timeZone: string): string {
  return rrule.replace(/UNTIL=(\d{8})(?:T(\d{6}))?(?=;|$)/, (_all, day: string, time = '235959') => {
    const local = Temporal.PlainDateTime.from(`${day}T${time}`, { overflow: 'reject' });
    const utc = local.toZonedDateTime(timeZone).toInstant().toString({ smallestUnit: 'second' });
    return `UNTIL=${utc.replace(/[-:]/g, '')}`;
  });
}

// Compiling a rule costs milliseconds, and the same plan is read again by every pass: kept by content, bounded. A cache
// only, so the answers stay a function of the arguments.
const compiled = new Map<string, Recurrence>();

/** The compiled window; throws on one that `recurrenceProblem` refuses. */
export function recurrenceOf(window: WindowSpec): Recurrence {
  const key = `${window.rrule}|${window.start}|${window.duration}|${window.timeZone}`;
  const known = compiled.get(key);
  if (known) return known;
  if (compiled.size >= KEPT_RECURRENCES) compiled.clear();
  const recurrence = compile(window);
  compiled.set(key, recurrence);
  return recurrence;
}

function compile(window: WindowSpec): Recurrence {
  const rule = ruleOf(window);
  const close = closing(window.duration);
  const zoned = (at: number): Temporal.ZonedDateTime =>
    Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(window.timeZone);
  const recent: Span[] = [];
  return {
    spanAt(at) {
      const known = recent.find((span) => span.from <= at && at < span.until);
      if (known) return known;
      const span = measure({ rule, close, zoned }, at);
      recent.unshift(span);
      if (recent.length > KEPT_SPANS) recent.pop();
      return span;
    },
  };
}

/** Whole days are calendar days (RFC 5545 nominal durations: 23 or 25 hours at a clock change), the rest is exact. */
function closing(duration: string): (opening: Temporal.ZonedDateTime) => number {
  const days = /^(\d+)d$/.exec(duration)?.[1];
  if (days !== undefined) return (opening) => opening.add({ days: Number(days) }).epochMilliseconds;
  const ms = durationMs(duration);
  return (opening) => opening.epochMilliseconds + ms;
}

interface Compiled {
  readonly rule: Rule;
  readonly close: (opening: Temporal.ZonedDateTime) => number;
  readonly zoned: (at: number) => Temporal.ZonedDateTime;
}

/** At most LOOK_AHEAD questions to the rule; almost always two. */
function measure({ rule, close, zoned }: Compiled, at: number): Span {
  const last = ask(() => rule.previous(zoned(at), true));
  const end = last ? close(last) : -Infinity;
  if (!last || end <= at) {
    const next = ask(() => rule.next(zoned(at), false));
    return { open: false, from: end, until: next ? next.epochMilliseconds : Infinity, endKnown: true };
  }
  // Openings that follow before the window closes prolong it: a night that touches the next night is one stretch.
  const from = last.epochMilliseconds;
  let [opening, until] = [last, end];
  for (let looked = 0; looked < LOOK_AHEAD; looked += 1) {
    const next = ask(() => rule.next(opening, false));
    if (!next || next.epochMilliseconds > until) return { open: true, from, until, endKnown: true };
    [opening, until] = [next, close(next)];
  }
  return { open: true, from, until, endKnown: false };
}

/** The library gives up on a search by throwing; a decision must not, and a day that it cannot find does not come. */
function ask(question: () => Temporal.ZonedDateTime | null): Temporal.ZonedDateTime | null {
  try {
    return question();
  } catch {
    return null;
  }
}
