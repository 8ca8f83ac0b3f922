import { fromGoDuration } from '../../go-duration.js';

/** Names as cron takes them, in order. */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const DAY_MS = 86_400_000;
/** 29 February comes within eight years; a day that never comes must end the search. */
const HORIZON_DAYS = 8 * 366 + 1;

interface Field {
  readonly allowed: ReadonlySet<number>;
  /** `*` or `?`: decides how day of month and day of week go together. */
  readonly open: boolean;
}

type Fields = readonly [minute: Field, hour: Field, day: Field, month: Field, weekday: Field];

export type CronRead = { readonly fields: Fields } | { readonly everyMs: number } | { readonly problem: string };

const BOUNDS = [
  { name: 'minute', low: 0, high: 59, names: [] },
  { name: 'hour', low: 0, high: 23, names: [] },
  { name: 'day of month', low: 1, high: 31, names: [] },
  { name: 'month', low: 1, high: 12, names: MONTHS },
  { name: 'day of week', low: 0, high: 6, names: DAYS },
] as const;

/** What Velero takes: five fields, `@daily` and its like, `@every 6h`; without a time zone it means its server's. */
export function readCron(text: string): CronRead {
  const plain = text.trim();
  if (plain.startsWith('@every')) return readEvery(plain);
  const parts = (MACROS[plain] ?? plain).split(/\s+/);
  if (parts.length !== BOUNDS.length) {
    return { problem: `cron "${text}" has ${parts.length} fields; it needs five, for example "0 1 * * *" for 01:00` };
  }
  const fields: Field[] = [];
  for (const [index, bound] of BOUNDS.entries()) {
    const part = parts[index] ?? '';
    const field = readField(part, bound);
    if (!field) return { problem: `cron "${text}": "${part}" is no ${bound.name} (${bound.low} to ${bound.high})` };
    fields.push(field);
  }
  return { fields: fields as unknown as Fields };
}

function readEvery(text: string): CronRead {
  const everyMs = fromGoDuration(text.slice('@every'.length).trim());
  return everyMs ? { everyMs } : { problem: `"${text}": @every needs a time above zero, for example @every 6h` };
}

function readField(text: string, bound: (typeof BOUNDS)[number]): Field | null {
  const allowed = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [, range = '', step = ''] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const span = readRange(range, bound, step !== '');
    if (!span || step === '0') return null;
    for (let value = span[0]; value <= span[1]; value += Number(step || 1)) allowed.add(value);
  }
  return { allowed, open: /^[*?]/.test(text) };
}

function readRange(text: string, bound: (typeof BOUNDS)[number], stepped: boolean): readonly [number, number] | null {
  if (text === '*' || text === '?') return [bound.low, bound.high];
  const [first = '', last, more] = text.split('-');
  if (more !== undefined) return null;
  const low = readNumber(first, bound);
  const high = last === undefined ? (stepped ? bound.high : low) : readNumber(last, bound);
  return low === null || high === null || low > high ? null : [low, high];
}

function readNumber(text: string, { low, high, names }: (typeof BOUNDS)[number]): number | null {
  const named = (names as readonly string[]).indexOf(text);
  if (named !== -1) return named + low;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}

/** The next run after `after` (epoch ms), in UTC as Velero's server counts; null where none comes or cron is unread. */
export function nextRun(text: string, after: number): number | null {
  const read = readCron(text);
  if ('problem' in read) return null;
  if ('everyMs' in read) return after + read.everyMs;
  const [minutes, hours] = read.fields;
  const today = Math.floor(after / DAY_MS) * DAY_MS;
  for (let day = 0; day < HORIZON_DAYS; day += 1) {
    const start = today + day * DAY_MS;
    if (!isDay(new Date(start), read.fields)) continue;
    const times = [...hours.allowed].flatMap((hour) =>
      [...minutes.allowed].map((minute) => start + (hour * 60 + minute) * 60_000),
    );
    const later = times.filter((time) => time > after);
    if (later.length > 0) return Math.min(...later);
  }
  return null;
}

/** Day of month and day of week are alternatives where both are named: cron's own rule. */
function isDay(date: Date, [, , days, months, weekdays]: Fields): boolean {
  if (!months.allowed.has(date.getUTCMonth() + 1)) return false;
  const inMonth = days.allowed.has(date.getUTCDate());
  const inWeek = weekdays.allowed.has(date.getUTCDay());
  return days.open || weekdays.open ? inMonth && inWeek : inMonth || inWeek;
}
