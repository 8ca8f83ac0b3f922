import { recurrenceOf, recurrenceProblem, type RecurrenceProblem } from './recurrence.js';

/** Moments that come again: days by RFC 5545 recurrence (without DTSTART), a wall-clock time, a zone. */
export interface OccurrenceRule {
  readonly rrule: string;
  /** "HH:MM" in `timeZone`. */
  readonly start: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** Occurrences of one rule are a day apart at least; a window this short never touches the next one. */
const MOMENT = '1m';

const asWindow = ({ rrule, start, timeZone }: OccurrenceRule) => ({
  ...{ rrule, start, timeZone, duration: MOMENT, selector: '' },
});

/** What is wrong with the rule, or null. */
export function occurrenceProblem(rule: OccurrenceRule): RecurrenceProblem | null {
  return recurrenceProblem(asWindow(rule));
}

/** The first moment after `after` (epoch ms), or null where none comes any more. Throws on a rule with a problem. */
export function nextOccurrence(rule: OccurrenceRule, after: number): number | null {
  const recurrence = recurrenceOf(asWindow(rule));
  const now = recurrence.spanAt(after);
  // Within the minute of an occurrence the next one is asked for; otherwise the closed stretch ends at it.
  const closed = now.open ? recurrence.spanAt(now.until) : now;
  return Number.isFinite(closed.until) ? closed.until : null;
}
