import { reason, type Reason } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { blockByBudget } from './gates/budget-block.js';
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
    blockByBudget(draft);
  } while (moveWave(draft));
  const calendar = new CalendarLook(draft.view, draft.at);
  startClusters(draft, calendar);
  recordGates(draft, calendar);
}

/** The state's own question goes first; a silent cluster is asked about last, because it may return by itself. */
function askAboutPeople(draft: Draft): void {
  if (draft.state === 'blocked' || draft.state === 'paused') draft.asks.unshift(draft.reason);
  const lost = draft.index.line('lost').next();
  if (lost < Infinity) draft.asks.push(draft.rowAt(lost).reason);
}

/** Through: nothing in flight and nothing to come. A rollback asked for later takes `finishedAt` back until it ends. */
function endWhenThrough(draft: Draft): void {
  const { finishedAt } = draft.current;
  if (finishedAt !== null || draft.inFlight > 0) return;
  if (!draft.index.line('rollbacks').isEmpty) return;
  const over = draft.state === 'aborted' || draft.state === 'finished';
  const through = draft.allWaves.every(({ waiting, phase }) => waiting === 0 && phase === 'passed');
  if (!over && !through) return;
  if (!over) draft.setState('finished', finishing(draft));
  draft.patchHead({ finishedAt: draft.at });
  draft.act({ kind: 'notify', clusterId: null, reason: draft.reason });
}

/** A rollout in which every cluster was left out must not read like one that went well. */
function finishing({ allWaves }: Draft): Reason {
  const clusters = allWaves.reduce((sum, { size }) => sum + size, 0);
  const skipped = allWaves.reduce((sum, wave) => sum + wave.skipped, 0);
  return clusters > 0 && skipped === clusters ? reason('nothing_upgraded', { clusters }) : reason('rollout_finished');
}
