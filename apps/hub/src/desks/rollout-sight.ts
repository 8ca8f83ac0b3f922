import type { Labels } from '@wavegate/fleet';
import type { Rollout, RolloutCluster } from '@wavegate/rollout';
import type { ClusterStore } from '@wavegate/storage';
import type { Scope } from '../auth/scope.js';

/**
 * What a token's scope lets its holder see of a rollout. Labels are those of now, as everywhere; those at the rollout's
 * start only stand in for a cluster that was removed since.
 */
export class RolloutSight {
  private constructor(
    private readonly scope: Scope,
    private readonly labels: ReadonlyMap<string, Labels>,
  ) {}

  /** Reads nothing for a token without a scope. */
  static async of(scope: Scope, clusters: Pick<ClusterStore, 'all'>): Promise<RolloutSight> {
    const fleet = scope.isLimited ? await clusters.all() : [];
    return new RolloutSight(scope, new Map(fleet.map(({ id, labels }) => [id, labels])));
  }

  covers(row: RolloutCluster): boolean {
    return this.scope.covers(this.labelsOf(row));
  }

  coversSome(rollout: Rollout): boolean {
    return !this.scope.isLimited || [...rollout.clusters.values()].some((row) => this.covers(row));
  }

  /** 403 unless all of them are covered. */
  assertCovers(rows: Iterable<RolloutCluster>, what: string): void {
    if (!this.scope.isLimited) return;
    const named = [...rows].map((row) => ({ name: row.clusterName, labels: this.labelsOf(row) }));
    this.scope.assertCovers(named, what);
  }

  private labelsOf(row: RolloutCluster): Labels {
    return this.labels.get(row.clusterId) ?? row.labels;
  }
}
