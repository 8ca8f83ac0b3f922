import { digestOf, type Outcome } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { fingerprintOf, sameFailure } from './failure-fingerprint.js';
import type { KnownFailure, RolloutCluster } from './rollout.js';

/** Fingerprints remembered, oldest first: as many different failures have long spent every budget. */
const MOST_KNOWN = 100;

/**
 * A cluster's own failure is remembered, and the second cluster that fails alike stops the rollout: the cause is not in
 * one cluster, and the next one that has the trait will fail too. A retry of the first that fails again is still one
 * cluster; one that was mended meanwhile still counts, since what failed there failed here. After a person resumed, each
 * further cluster that fails alike stops it again. Plans of before this policy spend the budget only.
 */
export function noteFailure(draft: Draft, row: RolloutCluster, outcome: Outcome): void {
  const { clusterId, clusterName, labels } = row;
  const fingerprint = fingerprintOf({ clusterId, clusterName, labels, hop: row.hops[row.hop - 1] ?? null }, outcome);
  if (!fingerprint) return;
  const key = digestOf(fingerprint.key).slice(0, 16);
  const known = draft.current.failures ?? [];
  const first = known.find((failure) => failure.key === key);
  if (!first) {
    const failures: KnownFailure[] = [...known, { key, clusterId, clusterName }];
    draft.patchHead({ failures: failures.slice(0, MOST_KNOWN) });
    return;
  }
  if (first.clusterId === clusterId || draft.view.spec.strategy.sameFailure !== 'stop') return;
  if (draft.state !== 'running' && draft.state !== 'paused') return;
  const why = sameFailure(first.clusterName, clusterName, fingerprint);
  draft.setState('blocked', why);
  draft.act({ kind: 'notify', clusterId: null, reason: why });
}
