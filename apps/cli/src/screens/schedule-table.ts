import type { Schedule } from '../gen/types.gen.js';
import { printColumns, type Cell } from './columns.js';
import { momentText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

const TITLES = ['NAME', 'KIND', 'CLUSTERS', 'WHEN', 'NEXT', 'LAST'];

export function renderSchedules(schedules: readonly Schedule[], options: ScreenOptions): string {
  if (schedules.length === 0) return 'There is no schedule: wavegate schedules create --help';
  const rows = schedules.map((schedule): Cell[] => [
    { text: schedule.name, tone: 'strong' },
    { text: [schedule.kind, schedule.args['what']].filter((word) => typeof word === 'string').join(' ') },
    { text: schedule.selector || 'all' },
    { text: `${schedule.rrule} ${schedule.start} ${schedule.timeZone}` },
    { text: schedule.nextAt === null ? 'never again' : momentText(Date.parse(schedule.nextAt), options) },
    lastCell(schedule, options),
  ]);
  return printColumns(TITLES, rows, { width: options.width, paint: paintOf(options.color), wrapLast: true }).join('\n');
}

/** Clusters that were left out are named: a drill that silently skips one proves nothing there. */
function lastCell({ lastRun }: Schedule, options: ScreenOptions): Cell {
  if (!lastRun) return { text: 'not yet' };
  const { orders, left, dueAt } = lastRun;
  const ran = `${momentText(Date.parse(dueAt), options)}: ${orders} ${orders === 1 ? 'order' : 'orders'}`;
  if (left.length === 0) return { text: ran };
  return { text: `${ran}; left out ${left.map(({ cluster, why }) => `${cluster} (${why})`).join(', ')}`, tone: 'warn' };
}
