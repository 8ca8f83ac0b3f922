import { reason, type Reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import type { CalendarLook } from './gates/calendar.js';
import { proofOf } from './gates/proof.js';
import { ringName, type PlanView } from './plan-view.js';
import type { RolloutCluster, RolloutHead } from './rollout.js';

/** What keeps one cluster from starting, and until when; null: nothing of its own does. */
export interface Hold {
  readonly reason: Reason;
  readonly until: number | null;
}

export interface StartContext {
  readonly calendar: CalendarLook;
  readonly barrier: number;
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

/** Why a cluster that nothing of its own holds back does not start: the tighter of the plan's slots and the proof. */
export function slotReason(view: PlanView, { maxInFlight, waves, currentWave }: Slots): Reason {
  const { clean, max } = proofOf(view, waves, currentWave);
  return max < maxInFlight
    ? reason('waiting_for_proof', { clean, max })
    : reason('waiting_for_slot', { max: maxInFlight });
}

type Slots = Pick<RolloutHead, 'maxInFlight' | 'waves' | 'currentWave'>;

/** The offline clock starts when the cluster could otherwise have started: its wave opened, or later it fell silent. */
export function offlineDeadline(draft: Pick<Draft, 'view' | 'wave'>, row: RolloutCluster, since: number): number {
  return Math.max(draft.wave(row.wave)?.openedAt ?? since, since) + draft.view.offlineMs;
}
