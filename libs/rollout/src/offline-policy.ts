import { reason } from '@wavegate/fleet';
import { endCluster } from './cluster-end.js';
import type { Draft } from './draft.js';
import type { RolloutCluster } from './rollout.js';
import { offlineDeadline } from './start-clusters.js';

/**
 * What becomes of clusters that could start if their agent were there: after the deadline they are skipped, counted as
 * failed, or waited for while a person is told. It rests while the rollout does: a pause must not skip anybody.
 */
export function applyOfflinePolicy(draft: Draft): void {
  if (draft.state !== 'running') return;
  for (const row of draft.look().candidates) {
    if (row.offlineSince === null) continue;
    const deadline = offlineDeadline(draft, row, row.offlineSince);
    if (draft.at < deadline) draft.wakeAt(deadline);
    else pastDeadline(draft, row, deadline);
  }
}

function pastDeadline(draft: Draft, row: RolloutCluster, deadline: number): void {
  switch (draft.view.spec.strategy.offline.then) {
    case 'skip':
      return endCluster(draft, row, { kind: 'skipped', reason: reason('offline_skipped', { deadline }) });
    case 'fail': {
      const why = reason('offline_failed', { deadline });
      return endCluster(draft, row, { kind: 'halted', reason: why, standing: {}, cordoned: [] });
    }
    case 'wait':
      draft.asks.push(reason('offline_waiting', { until: deadline }));
  }
}
