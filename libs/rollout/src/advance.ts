import { reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { budgetGate } from './gates/budget.js';
import { CalendarLook } from './gates/calendar.js';
import { applyOfflinePolicy } from './offline-policy.js';
import { expireOrders, noteOverdue } from './order-expiry.js';
import { startRollbacks } from './rollback.js';
import { startClusters } from './start-clusters.js';
import { moveWave, recordGates } from './wave-progress.js';

/**
 * Everything that follows from how things stand at `draft.at`, whatever event led here. Level-triggered: it does not
 * matter which wake-up was lost, the next event of any kind catches up.
 */
export function advance(draft: Draft): void {
  expireOrders(draft);
  noteOverdue(draft);
  startRollbacks(draft);
  if (draft.state !== 'aborted' && draft.state !== 'finished') advanceWaves(draft);
  askAboutPeople(draft);
  endWhenThrough(draft);
}

function advanceWaves(draft: Draft): void {
  // Ends: each turn but the last moves the current wave one step, and with the same rows no step goes back.
  do {
    applyOfflinePolicy(draft);
    enforceBudget(draft);
  } while (moveWave(draft));
  const calendar = new CalendarLook(draft.view, draft.at);
  startClusters(draft, calendar);
  recordGates(draft, calendar);
}

/** Latched: once exceeded, only a person's `resumed` starts anything again, even if a lost cluster returns. */
function enforceBudget(draft: Draft): void {
  if (draft.state !== 'running' && draft.state !== 'paused') return;
  const budget = budgetGate(draft.allWaves);
  if (budget.answer === 'pass') return;
  draft.setState('blocked', budget.reason);
  draft.act({ kind: 'notify', clusterId: null, reason: budget.reason });
}

/** The state's own question goes first; a silent cluster is asked about last, because it may return by itself. */
function askAboutPeople(draft: Draft): void {
  if (draft.state === 'blocked' || draft.state === 'paused') draft.asks.unshift(draft.reason);
  const lost = draft.look().lost[0];
  if (lost) draft.asks.push(lost.reason);
}

/** Through: nothing in flight and nothing to come. A rollback asked for later takes `finishedAt` back until it ends. */
function endWhenThrough(draft: Draft): void {
  const { finishedAt } = draft.current;
  if (finishedAt !== null || draft.inFlight > 0) return;
  if (draft.look().rollbacks.some(({ clusterId }) => draft.row(clusterId)?.phase === 'waiting')) return;
  const over = draft.state === 'aborted' || draft.state === 'finished';
  const through = draft.allWaves.every(({ waiting, phase }) => waiting === 0 && phase === 'passed');
  if (!over && !through) return;
  if (!over) draft.setState('finished', reason('rollout_finished'));
  draft.patchHead({ finishedAt: draft.at });
  draft.act({ kind: 'notify', clusterId: null, reason: draft.reason });
}
