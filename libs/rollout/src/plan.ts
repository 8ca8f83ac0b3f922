import {
  canonicalText,
  isHopProblem,
  matches,
  planClusterHops,
  reason,
  requireSelector,
  sha256Hex,
  type Cluster,
  type Hop,
  type Labels,
  type Plan,
  type Reason,
} from '@wavegate/fleet';
import { orderClusters } from './cluster-order.js';
import { cutIntoWaves, type PlannedWave } from './waves.js';

/** A cluster that takes part, with its place. */
export interface PlannedCluster {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly clusterUid: string;
  readonly labels: Labels;
  /** 1-based index of a kept wave. */
  readonly wave: number;
  readonly position: number;
  readonly ring: number | null;
  readonly hops: readonly Hop[];
  readonly nodes: number;
  readonly connected: boolean;
}

export interface LeftOut {
  readonly clusterId: string;
  readonly reason: Reason;
}

export interface Planned {
  readonly waves: readonly PlannedWave[];
  readonly taking: readonly PlannedCluster[];
  /** Selected by the plan, but not taking part; sorted by id. Clusters outside the selector are not mentioned. */
  readonly left: readonly LeftOut[];
}

/**
 * What the plan would do with this fleet: who takes part, in which order, in which wave. Changes nothing. The moment is
 * part of the engine's door, but no answer depends on it: a preview at night must show the waves of the morning.
 */
export function plan(plan: Plan, clusters: readonly Cluster[], _at?: number): Planned {
  const digest = sha256Hex(canonicalText(plan));
  const selector = requireSelector(plan.spec.clusters.selector);
  const left: LeftOut[] = [];
  const hopsOf = new Map<string, readonly Hop[]>();
  const fit: Cluster[] = [];
  for (const cluster of clusters) {
    if (!matches(selector, cluster.labels)) continue;
    const hops = assess(plan, cluster);
    if ('code' in hops) {
      left.push({ clusterId: cluster.id, reason: hops });
      continue;
    }
    hopsOf.set(cluster.id, hops);
    fit.push(cluster);
  }
  const placed = orderClusters(plan, digest, fit);
  const waves = cutIntoWaves(plan.spec.strategy, placed);
  const waveOf = new Map(waves.flatMap(({ index, clusterIds }) => clusterIds.map((id) => [id, index] as const)));
  const taking = placed.map(({ cluster, ring }, position) => ({
    clusterId: cluster.id,
    clusterName: cluster.name,
    clusterUid: cluster.facts?.uid ?? '',
    labels: cluster.labels,
    wave: waveOf.get(cluster.id) ?? waves.length,
    position,
    ring,
    hops: hopsOf.get(cluster.id) ?? [],
    nodes: cluster.facts?.nodes.length ?? 0,
    connected: cluster.connected,
  }));
  return { waves, taking, left: left.sort((a, b) => (a.clusterId < b.clusterId ? -1 : 1)) };
}

/** The cluster's hops, or why it cannot take part. Names and ids both work in `exclude`: people write names. */
function assess(plan: Plan, cluster: Cluster): readonly Hop[] | Reason {
  const { clusters, target } = plan.spec;
  const { facts } = cluster;
  if (clusters.exclude.includes(cluster.id) || clusters.exclude.includes(cluster.name))
    return reason('excluded_by_plan');
  // Without the UID no order can be bound to the cluster: an agent restored elsewhere could take it.
  if (!facts || facts.uid === '') return reason('facts_missing');
  if (facts.driver === 'none') return reason('driver_missing');
  const hops = planClusterHops(facts, target.kubernetes, target.via);
  if (isHopProblem(hops)) return reason('hop_impossible', { detail: hops.problem.detail });
  return hops.length === 0 ? reason('already_at_target', { version: target.kubernetes }) : hops;
}
