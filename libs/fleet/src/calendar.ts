import { Temporal } from 'temporal-polyfill';
import type { Labels } from './cluster.js';
import type { PlanSpec } from './plan.js';
import { recurrenceOf, type Recurrence } from './recurrence.js';
import { matches, requireSelector, type Selector } from './selector.js';

/** The part of a plan's gates that the calendar reads. */
export type CalendarGates = Pick<PlanSpec['gates'], 'windows' | 'freezes'>;

export interface WindowState {
  readonly open: boolean;
  /** Closed: epoch ms of the next opening, null = never again. Open: null. */
  readonly opensAt: number | null;
  /** Open: epoch ms at which the last open window closes, null = none binds the cluster or no end is in sight. Closed: null. */
  readonly closesAt: number | null;
}

export interface FreezeState {
  readonly active: boolean;
  /** Of the active freeze that ends last; '' when none is active. */
  readonly name: string;
  /** Epoch ms of the end of this freeze and of those that follow it without a gap; null when none is active. */
  readonly until: number | null;
}

interface Calendar {
  readonly windows: readonly { readonly selector: Selector; readonly recurrence: Recurrence }[];
  readonly freezes: readonly Freeze[];
}

interface Freeze {
  readonly selector: Selector;
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

const UNBOUND: WindowState = { open: true, opensAt: null, closesAt: null };
const NOT_FROZEN: FreezeState = { active: false, name: '', until: null };
// Windows that hand over to each other are followed this often before the end counts as not in sight.
const MAX_HANDOVERS = 100;

/**
 * Whether the windows that bind a cluster (by its labels) let work start at `at`; a cluster that no window binds may
 * always start. A window opens on the days of its rule at `start`, wall-clock time of its zone; a start that a clock
 * change leaves out does not open it that day, one that comes twice opens it at the first (RFC 5545).
 *
 * Cost: O(windows) label matches per call; a rule is asked only when `at` leaves the stretch it was last asked for.
 * Expects gates of a plan that was read without problems; throws RangeError on others.
 */
export function windowState(gates: CalendarGates, labels: Labels, at: number): WindowState {
  const binding = calendarOf(gates).windows.filter(({ selector }) => matches(selector, labels));
  if (binding.length === 0) return UNBOUND;
  const spans = binding.map(({ recurrence }) => recurrence.spanAt(at));
  if (!spans.some(({ open }) => open))
    return { open: false, opensAt: finite(Math.min(...spans.map(({ until }) => until))), closesAt: null };
  return { open: true, opensAt: null, closesAt: closesAt(binding, at) };
}

function closesAt(binding: Calendar['windows'], at: number): number | null {
  let end = at;
  for (let handovers = 0; handovers < MAX_HANDOVERS; handovers += 1) {
    const open = binding.map(({ recurrence }) => recurrence.spanAt(end)).filter((span) => span.open);
    if (open.length === 0) return end;
    if (open.some(({ endKnown }) => !endKnown)) return null;
    end = Math.max(...open.map(({ until }) => until));
  }
  return null;
}

/** Whether a freeze that binds a cluster is on at `at`: from inclusive, until exclusive. */
export function freezeState(gates: CalendarGates, labels: Labels, at: number): FreezeState {
  const binding = calendarOf(gates).freezes.filter(({ selector }) => matches(selector, labels));
  const active = binding.filter((freeze) => freeze.from <= at && at < freeze.until);
  const last = active.reduce<Freeze | null>((one, other) => (one && one.until >= other.until ? one : other), null);
  if (!last) return NOT_FROZEN;
  let until = last.until;
  // Sorted by their beginning: one pass finds every freeze that follows without a gap.
  for (const freeze of binding) if (freeze.from <= until && freeze.until > until) until = freeze.until;
  return { active: true, name: last.name, until };
}

/** Epoch ms of an ISO 8601 instant with offset or Z; null for anything else. */
export function instantMs(text: string): number | null {
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return null;
  }
}

// A plan is immutable and its gates are asked once per cluster and pass: compiled once, forgotten with the plan.
const calendars = new WeakMap<CalendarGates, Calendar>();

function calendarOf(gates: CalendarGates): Calendar {
  const known = calendars.get(gates);
  if (known) return known;
  const calendar: Calendar = {
    windows: gates.windows.map((window) => ({
      selector: requireSelector(window.selector),
      recurrence: recurrenceOf(window),
    })),
    freezes: gates.freezes.map(toFreeze).sort((a, b) => a.from - b.from),
  };
  calendars.set(gates, calendar);
  return calendar;
}

function toFreeze({ name, from, until, selector }: PlanSpec['gates']['freezes'][number]): Freeze {
  const [begin, end] = [instantMs(from), instantMs(until)];
  if (begin === null || end === null) throw new RangeError(`freeze "${name}": ${from} … ${until} are not instants`);
  return { selector: requireSelector(selector), name, from: begin, until: end };
}

const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);
