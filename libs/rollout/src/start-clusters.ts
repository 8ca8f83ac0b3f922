import { reason, type Reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import type { CalendarLook } from './gates/calendar.js';
import { ringName } from './plan-view.js';
import type { RolloutCluster } from './rollout.js';
import { sendOrder } from './send-order.js';
import type { Survey } from './survey.js';

/**
 * How many held-back clusters an event may write a new reason to. Without a limit a closing window would rewrite
 * thousands of rows; with it the bytes per event do not grow with the fleet. The others keep the reason of their last
 * look, and screens ask `reasonNow`.
 */
const LOOKED_AT = 10;

/** What keeps one cluster from starting, and until when; null: nothing of its own does. */
export interface Hold {
  readonly reason: Reason;
  readonly until: number | null;
}

export interface StartContext {
  readonly calendar: CalendarLook;
  readonly barrier: number;
}

/** Starts what may start, in order; the rest of those next in line learn why not. */
export function startClusters(draft: Draft, calendar: CalendarLook): void {
  const seen = draft.look();
  if (draft.state !== 'running') return;
  continueHops(draft, seen, calendar);
  const context = { calendar, barrier: seen.barrier };
  let slots = draft.freeSlots;
  let looks = LOOKED_AT;
  for (const row of seen.candidates) {
    if (slots === 0 && looks === 0) return;
    const hold = ownHold(draft, row, context) ?? (slots === 0 ? slotHold(draft) : null);
    if (!hold) {
      sendOrder(draft, row, { kind: 'upgrade', approvedRungs: [], closesAt: calendar.of(row.labels).window.until });
      slots -= 1;
      continue;
    }
    draft.wakeAt(hold.until);
    askAbout(draft, hold);
    if (looks === 0) continue;
    looks -= 1;
    draft.change(row, { reason: hold.reason });
  }
}

/** Half-way clusters keep their slot and pass the start gates again: a hop must not begin in a closed window. */
function continueHops(draft: Draft, seen: Survey, calendar: CalendarLook): void {
  for (const row of seen.betweenHops) {
    const hold = ownHold(draft, row, { calendar, barrier: Infinity });
    if (hold) {
      draft.wakeAt(hold.until);
      askAbout(draft, hold);
      if (hold.reason.code === 'offline_waiting') draft.asks.push(hold.reason);
      draft.change(row, { reason: hold.reason });
    } else {
      sendOrder(draft, row, { kind: 'upgrade', approvedRungs: [], closesAt: calendar.of(row.labels).window.until });
    }
  }
}

function askAbout(draft: Draft, hold: Hold): void {
  if (hold.reason.code === 'window_never_opens') draft.asks.push(hold.reason);
}

function slotHold(draft: Draft): Hold {
  return { reason: reason('waiting_for_slot', { max: draft.current.maxInFlight }), until: null };
}

/** The first of a cluster's own gates that holds it back: agent, ring, an agent that was busy, freeze, window. */
export function ownHold(
  draft: Pick<Draft, 'view' | 'at' | 'wave'>,
  row: RolloutCluster,
  { calendar, barrier }: StartContext,
): Hold | null {
  if (row.offlineSince !== null) {
    const until = offlineDeadline(draft, row, row.offlineSince);
    return { reason: reason('offline_waiting', { until }), until };
  }
  if (row.ring !== null && row.ring > barrier) {
    return { reason: reason('waiting_for_ring', { ring: ringName(draft.view, barrier) }), until: null };
  }
  if (row.phase === 'waiting' && row.reason.code === 'agent_busy' && draft.at < row.since + draft.view.startWithinMs) {
    return { reason: row.reason, until: row.since + draft.view.startWithinMs };
  }
  const { window, freeze } = calendar.of(row.labels);
  const shut = [freeze, window].find(({ answer }) => answer !== 'pass');
  return shut ? { reason: shut.reason, until: shut.until } : null;
}

/** The offline clock starts when the cluster could otherwise have started: its wave opened, or later it fell silent. */
export function offlineDeadline(draft: Pick<Draft, 'view' | 'wave'>, row: RolloutCluster, since: number): number {
  return Math.max(draft.wave(row.wave)?.openedAt ?? since, since) + draft.view.offlineMs;
}
