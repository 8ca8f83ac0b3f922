import { sameReason, type Draft } from './draft.js';
import type { CalendarLook } from './gates/calendar.js';
import { inOrder, type Line } from './line.js';
import { proofOf } from './gates/proof.js';
import type { RolloutCluster } from './rollout.js';
import { sendOrder } from './send-order.js';
import { ownHold, slotReason, type Hold, type StartContext } from './start-hold.js';

/**
 * How many held-back clusters an event may write a new reason to. Without a limit a closing window would rewrite
 * thousands of rows; with it the bytes per event do not grow with the fleet. The others keep the reason of their last
 * look, and screens ask `reasonNow`.
 */
const LOOKED_AT = 10;

/** Starts what may start, in order; the rest of those next in line learn why not. */
export function startClusters(draft: Draft, calendar: CalendarLook): void {
  if (draft.state !== 'running') return;
  continueHops(draft, calendar);
  const context = { calendar, barrier: draft.index.barrier };
  const lines = draft.startLists('candidates', 'away').map(({ line }) => line);
  const full = slotHold(draft);
  let slots = slotsToStart(draft);
  let looks = LOOKED_AT;
  for (const row of draft.rowsIn(lines)) {
    if (looks === 0) {
      startTheRest(draft, context, { from: row.position, slots });
      return;
    }
    const hold = ownHold(draft, row, context) ?? (slots === 0 ? full : null);
    if (!hold) {
      start(draft, row, calendar);
      slots -= 1;
      continue;
    }
    tell(draft, hold);
    looks -= 1;
    draft.change(row, { reason: hold.reason });
  }
}

/**
 * Behind those who are told why they wait, thousands may wait for the same: they are asked as lists, whose members pass
 * or fail together, and only those that start are looked at. Clusters that are away are the offline policy's.
 */
function startTheRest(draft: Draft, context: StartContext, { from, slots }: { from: number; slots: number }): void {
  if (slots === 0) return;
  const { startWithinMs } = draft.view;
  // Those whose agent said later than this that it is busy wait for it; all others of a list share its gates.
  const busyBy = draft.at - startWithinMs;
  const inRing = draft.startLists('candidates').filter(({ ring }) => ring === null || ring <= context.barrier);
  const free: Line[] = [];
  const held: { readonly first: number; readonly hold: Hold }[] = [];
  for (const { line } of inRing) {
    const first = line.next(from, busyBy);
    if (first === Infinity) continue;
    const hold = ownHold(draft, draft.rowAt(first), context);
    if (hold) held.push({ first, hold });
    else free.push(line);
  }
  const to = startDue(draft, context.calendar, { due: inOrder(free, from, busyBy), slots });
  // Whoever stands behind the one that took the last slot is not asked.
  for (const { first, hold } of held) if (first < to) tell(draft, hold);
  for (const { line } of inRing) draft.wakeAt(line.earliest({ after: busyBy, from, to }) + startWithinMs);
}

/** Starts them until no slot is left; answers the position from which on nobody was looked at any more. */
function startDue(
  draft: Draft,
  calendar: CalendarLook,
  { due, slots }: { readonly due: Iterable<number>; readonly slots: number },
): number {
  let left = slots;
  for (const position of due) {
    start(draft, draft.rowAt(position), calendar);
    left -= 1;
    if (left === 0) return position;
  }
  return Infinity;
}

/**
 * Half-way clusters keep their slot and pass the start gates again: a hop must not begin in a closed window. Where the
 * first of a list is held back by what it was told before, so are the others, and one look is enough.
 */
function continueHops(draft: Draft, calendar: CalendarLook): void {
  const context = { calendar, barrier: Infinity };
  const positions = [...draft.index.line('hopAway')].map(([position]) => position);
  for (const { line } of draft.index.listsOf('betweenHops')) {
    const first = draft.rowAt(line.next());
    const hold = ownHold(draft, first, context);
    if (hold && sameReason(hold.reason, first.reason)) positions.push(first.position);
    else positions.push(...inOrder([line]));
  }
  for (const position of positions.sort((a, b) => a - b)) continueHop(draft, draft.rowAt(position), context);
}

function continueHop(draft: Draft, row: RolloutCluster, context: StartContext): void {
  const hold = ownHold(draft, row, context);
  if (!hold) {
    start(draft, row, context.calendar);
    return;
  }
  tell(draft, hold);
  if (hold.reason.code === 'offline_waiting') draft.asks.push(hold.reason);
  draft.change(row, { reason: hold.reason });
}

function start(draft: Draft, row: RolloutCluster, calendar: CalendarLook): void {
  sendOrder(draft, row, { kind: 'upgrade', approvedRungs: [], closesAt: calendar.of(row.labels).window.until });
}

function tell(draft: Draft, hold: Hold): void {
  draft.wakeAt(hold.until);
  if (hold.reason.code === 'window_never_opens') draft.asks.push(hold.reason);
}

/** Slots that a start may take: those of the plan, and no more than what the clean clusters prove. */
function slotsToStart(draft: Draft): number {
  const { max } = proofOf(draft.view, draft.allWaves, draft.current.currentWave);
  return Math.max(0, Math.min(draft.freeSlots, max - draft.inFlight));
}

function slotHold(draft: Draft): Hold {
  return { reason: slotReason(draft.view, { ...draft.current, waves: draft.allWaves }), until: null };
}
