import type { Event } from '../gen/types.gen.js';
import { cutText } from './columns.js';
import { clockText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

/** Said by the rest of the line already, or only of use to programs. */
const LEFT_OUT = new Set(['decidedAt', 'rollout', 'clusterId', 'clusterUid', 'orderId', 'changed']);
const NAMED = 3;

/**
 * One event on one line: number, time, who, what, about what, and its details in short. `-o json` has them whole; on a
 * terminal the line is cut where the window ends.
 */
export function renderEvent(event: Event, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const time = clockText(Date.parse(event.at), options);
  const front = `${event.seq}  ${time}  ${event.actor}  `;
  const about = `  ${event.object}  `;
  const room = options.width - front.length - event.action.length - about.length;
  const detail = cutText(detailText(event.detail), Math.max(0, room));
  return (front + paint(event.action, 'strong') + about + paint(detail, 'faint')).trimEnd();
}

function detailText(detail: Event['detail']): string {
  return Object.entries(detail)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(([key, value]) => (key === 'changes' && Array.isArray(value) ? changesText(value) : `${key}=${short(value)}`))
    .join(' ');
}

/** "stg-sin-3 ordered (order_sent), stg-fra-3 upgrading (order_running) and 2 more". */
function changesText(changes: readonly unknown[]): string {
  const words = changes.slice(0, NAMED).map((change) => {
    const { name, phase, reason } = change as { name?: unknown; phase?: unknown; reason?: { code?: unknown } };
    return `${String(name ?? '?')} ${String(phase ?? '?')}${reason?.code ? ` (${String(reason.code)})` : ''}`;
  });
  const more = changes.length - words.length;
  return words.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** A reason by its code, a list by its length, a text as it is. */
function short(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value.every((item) => typeof item !== 'object') ? value.join(',') : `${value.length}`;
  if (typeof value === 'object' && value !== null && 'code' in value) return String(value.code);
  return JSON.stringify(value) ?? '';
}
