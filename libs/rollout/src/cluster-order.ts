import { digestOf, matches, minorOf, requireSelector, type Cluster, type Plan } from '@wavegate/fleet';

/** Nodes above which a cluster counts as larger; four buckets tell sizes apart well enough to spread over them. */
const SIZE_BUCKETS = [3, 10, 50] as const;

/** A cluster with its place in the order. */
export interface Placed {
  readonly cluster: Cluster;
  /** Null for canaries, which no barrier holds back, and where the plan has no rings. */
  readonly ring: number | null;
}

/**
 * Who goes first: canaries whatever their ring, then ring after ring, and inside a ring spread over strata, so that
 * a wave tells something about the next. The order depends on the plan's digest and the ids alone, never on the order
 * of the list: the same plan over the same fleet gives the same waves, and another plan tries other clusters first.
 */
export function orderClusters(plan: Plan, digest: string, clusters: readonly Cluster[]): Placed[] {
  const { canaries, rings } = plan.spec.strategy;
  const canary = canaries === '' ? null : requireSelector(canaries);
  const selectors = rings.map((ring) => requireSelector(ring));
  const groups = new Map<number, Cluster[]>();
  for (const cluster of clusters) {
    const group = canary && matches(canary, cluster.labels) ? -1 : ringOf(cluster, selectors);
    const members = groups.get(group);
    if (members) members.push(cluster);
    else groups.set(group, [cluster]);
  }
  return [...groups.keys()]
    .sort((a, b) => a - b)
    .flatMap((group) =>
      spread(plan, digest, groups.get(group) ?? []).map((cluster) => ({
        cluster,
        ring: group < 0 || rings.length === 0 ? null : group,
      })),
    );
}

/** First ring that matches; clusters that match none come last, as an implicit ring. */
function ringOf(cluster: Cluster, selectors: readonly ReturnType<typeof requireSelector>[]): number {
  const found = selectors.findIndex((selector) => matches(selector, cluster.labels));
  return found < 0 ? selectors.length : found;
}

/** One from each stratum in turn, strata and members both in hash order. */
function spread(plan: Plan, digest: string, clusters: readonly Cluster[]): Cluster[] {
  const ranked = clusters
    .map((cluster) => ({ cluster, rank: digestOf([digest, cluster.id]) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const strata = new Map<string, Cluster[]>();
  for (const { cluster } of ranked) {
    const stratum = stratumOf(plan, cluster);
    const members = strata.get(stratum);
    if (members) members.push(cluster);
    else strata.set(stratum, [cluster]);
  }
  const lists = [...strata.values()];
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const ordered: Cluster[] = [];
  for (let round = 0; round < longest; round += 1) {
    for (const list of lists) {
      const next = list[round];
      if (next) ordered.push(next);
    }
  }
  return ordered;
}

function stratumOf(plan: Plan, { labels, facts }: Cluster): string {
  const values = plan.spec.strategy.spreadBy.map((key) => labels[key] ?? '');
  const server = facts?.apiServers[0];
  const size = SIZE_BUCKETS.filter((limit) => (facts?.nodes.length ?? 0) > limit).length;
  return JSON.stringify([...values, server === undefined ? '' : minorOf(server), size]);
}
