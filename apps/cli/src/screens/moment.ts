import { describeReason, isReasonCode } from '@wavegate/fleet';
import type { Reason } from '../gen/types.gen.js';

/** What every screen is told: how wide, whether coloured, and when "now" is (epoch ms). */
export interface ScreenOptions {
  readonly width: number;
  readonly color: boolean;
  readonly now: number;
  /** IANA name; the process's own zone when absent. */
  readonly timeZone?: string;
}

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000] as const;

/** "45s", "12m", "3h 12m", "2d 3h": two units at most, rounded down. */
export function durationText(ms: number): string {
  const whole = Math.max(0, ms);
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m`;
  if (whole < DAY) return twoUnits(whole, { unit: HOUR, sign: 'h' }, { unit: MINUTE, sign: 'm' });
  return twoUnits(whole, { unit: DAY, sign: 'd' }, { unit: HOUR, sign: 'h' });
}

interface Unit {
  readonly unit: number;
  readonly sign: string;
}

function twoUnits(ms: number, big: Unit, small: Unit): string {
  const rest = Math.floor((ms % big.unit) / small.unit);
  return `${Math.floor(ms / big.unit)}${big.sign}${rest > 0 ? ` ${rest}${small.sign}` : ''}`;
}

/** How long ago an API time was; "–" where there is none. */
export function sinceText(time: string | null, { now }: ScreenOptions): string {
  return time === null ? '–' : durationText(now - Date.parse(time));
}

/** "13:20" on the same day, "Thu 13:20" within six, else "2026-11-19 13:20". */
export function clockText(at: number, { now, timeZone }: ScreenOptions): string {
  const parts = partsOf(at, timeZone);
  const time = `${parts['hour']}:${parts['minute']}`;
  const day = `${parts['year']}-${parts['month']}-${parts['day']}`;
  const today = partsOf(now, timeZone);
  if (day === `${today['year']}-${today['month']}-${today['day']}`) return time;
  return Math.abs(at - now) < 6 * DAY ? `${parts['weekday']} ${time}` : `${day} ${time}`;
}

function partsOf(at: number, timeZone: string | undefined): Readonly<Record<string, string>> {
  const two = '2-digit';
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ weekday: 'short', year: 'numeric', month: two, day: two, hour: two, minute: two, hourCycle: 'h23' },
    ...(timeZone === undefined ? {} : { timeZone }),
  } as Intl.DateTimeFormatOptions);
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

/** "13:20 (in 6m)", "12:51 (9m ago)": the time to note down and the time to wait. */
export function momentText(at: number, options: ScreenOptions): string {
  const away = at - options.now;
  const far = away >= 0 ? `in ${durationText(away)}` : `${durationText(-away)} ago`;
  return `${clockText(at, options)} (${far})`;
}

/** The reason as a sentence with the reader's own clock. A code that only a newer hub knows comes with the hub's words. */
export function reasonText({ code, params, text }: Reason, options: ScreenOptions): string {
  if (!isReasonCode(code)) return text;
  return describeReason({ code, params }, (at) => momentText(at, options));
}
