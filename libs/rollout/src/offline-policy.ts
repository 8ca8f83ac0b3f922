import { reason } from '@wavegate/fleet';
import { endCluster } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { Line } from './line.js';
import type { RolloutCluster } from './rollout.js';
import { offlineDeadline } from './start-hold.js';

/**
 * What becomes of clusters that could start if their agent were there: after the deadline they are skipped, counted as
 * failed, or waited for while a person is told. It rests while the rollout does: a pause must not skip anybody.
 */
export function applyOfflinePolicy(draft: Draft): void {
  if (draft.state !== 'running') return;
  const { offlineMs } = draft.view;
  const silentBy = draft.at - offlineMs;
  const past: Line[] = [];
  for (const { wave, line } of draft.startLists('away')) {
    // The clock of none of them starts before their wave opened.
    const openedAt = draft.wave(wave)?.openedAt ?? -Infinity;
    const counting = openedAt <= silentBy;
    if (counting) past.push(line);
    draft.wakeAt(Math.max(openedAt, line.earliest(counting ? { after: silentBy } : {})) + offlineMs);
  }
  for (const row of draft.rowsIn(past, 0, silentBy)) {
    if (row.offlineSince === null) continue;
    pastDeadline(draft, row, offlineDeadline(draft, row, row.offlineSince));
    // Who is waited for is asked about, one at a time: the rest would be looked at again at every event.
    if (draft.view.spec.strategy.offline.then === 'wait') return;
  }
}

function pastDeadline(draft: Draft, row: RolloutCluster, deadline: number): void {
  switch (draft.view.spec.strategy.offline.then) {
    case 'skip':
      endCluster(draft, row, { kind: 'skipped', reason: reason('offline_skipped', { deadline }) });
      return;
    case 'fail': {
      const why = reason('offline_failed', { deadline });
      endCluster(draft, row, { kind: 'halted', reason: why, standing: {}, cordoned: [] });
      return;
    }
    case 'wait':
      draft.asks.push(reason('offline_waiting', { until: deadline }));
  }
}
