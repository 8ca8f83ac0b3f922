import { reason, resolveCount, toleratedFailures, type Plan } from '@wavegate/fleet';
import type { Planned, PlannedCluster } from './plan.js';
import { ROLLOUT_SCHEMA, type Rollout, type RolloutCluster, type WaveState } from './rollout.js';

export interface RolloutStart {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  /** Canonical text of the plan, and its SHA-256. */
  readonly canonical: string;
  readonly digest: string;
  readonly planned: Planned;
  readonly by: string;
  readonly at: number;
}

/**
 * The first rows of a rollout: the list of clusters is frozen here. Nothing has been decided yet; the event `started`
 * (or any other) opens the first wave. `wakeAt` is set to now, so that a rollout whose `started` event went missing
 * still begins.
 */
export function startRollout(start: RolloutStart): Rollout {
  const { plan, planned, at } = start;
  // "10 %" of a small fleet must not round to a rollout that can never move.
  const maxInFlight = resolveCount(plan.spec.strategy.maxInFlight, planned.taking.length, 'down', 1);
  const waves = planned.waves.map(({ index, share, clusterIds }): WaveState => {
    const size = clusterIds.length;
    return {
      index,
      share,
      size,
      phase: 'waiting',
      since: at,
      waiting: size,
      inFlight: 0,
      upgraded: 0,
      failures: 0,
      skipped: 0,
      lost: 0,
      tolerated: toleratedFailures(plan.spec.strategy.budget, index, size),
      allowed: 0,
      openedAt: null,
      healthyAt: null,
      approvals: [],
      verdict: null,
      verdictOverriddenBy: null,
      gates: [],
    };
  });
  return {
    head: {
      schema: ROLLOUT_SCHEMA,
      id: start.id,
      name: start.name,
      planDigest: start.digest,
      plan: start.canonical,
      state: 'running',
      reason: reason('gate_passed'),
      since: at,
      startedBy: start.by,
      startedAt: at,
      finishedAt: null,
      at,
      currentWave: 1,
      maxInFlight,
      waves,
      wakeAt: at,
      asks: null,
    },
    clusters: new Map(planned.taking.map((cluster) => [cluster.clusterId, firstRow(cluster, maxInFlight, at)])),
  };
}

function firstRow(planned: PlannedCluster, maxInFlight: number, at: number): RolloutCluster {
  return {
    // Field by field: rows made by spreading a rest object become slow dictionaries, and a scan of 5,000 takes 20 times as long.
    clusterId: planned.clusterId,
    clusterName: planned.clusterName,
    clusterUid: planned.clusterUid,
    labels: planned.labels,
    wave: planned.wave,
    position: planned.position,
    ring: planned.ring,
    hops: planned.hops,
    phase: 'waiting',
    reason:
      planned.wave > 1
        ? reason('waiting_for_wave', { wave: planned.wave - 1 })
        : reason('waiting_for_slot', { max: maxInFlight }),
    since: at,
    attempt: 1,
    hop: 1,
    orderId: null,
    offlineSince: planned.connected ? null : at,
    outcome: null,
    nodes: planned.nodes,
  };
}
