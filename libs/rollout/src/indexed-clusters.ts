import { waveSoakMs } from './gates/soak.js';
import { viewOf, type PlanView } from './plan-view.js';
import type { Rollout, RolloutCluster } from './rollout.js';
import { RowIndex } from './row-index.js';

/**
 * The rows of one rollout, with an index that follows every change to them: `set` is the only way to change a row, so
 * the two cannot drift apart. Whoever holds a rollout over many events keeps its rows in this; `decide` takes any map,
 * and builds the index anew where it is given a plain one. The answer is the same, only the cost is not.
 */
export class IndexedClusters extends Map<string, RolloutCluster> {
  readonly index: RowIndex;
  private readonly view: PlanView;
  /** Who stands at a position. */
  private readonly ids: (string | null)[] = [];
  /** Labels are frozen, so what a wave soaks is found once. */
  private readonly soaks = new Map<number, number>();

  /** `plan` is the head's canonical text. Throws where two clusters claim one position in the order. */
  constructor(
    readonly plan: string,
    rows: Iterable<RolloutCluster>,
  ) {
    super();
    for (const row of rows) {
      this.place(row);
      super.set(row.clusterId, row);
    }
    this.view = viewOf(plan);
    this.index = RowIndex.of(this.view, this.values());
  }

  override set(clusterId: string, row: RolloutCluster): this {
    const before = this.get(clusterId) ?? null;
    if (before?.position !== row.position) {
      this.place(row);
      if (before) this.unplace(before);
    }
    if (before?.labels !== row.labels || before.wave !== row.wave) this.soaks.clear();
    this.index.move(before, row);
    return super.set(clusterId, row);
  }

  override delete(clusterId: string): boolean {
    const row = this.get(clusterId);
    if (!row) return false;
    this.index.move(row, null);
    this.soaks.clear();
    this.unplace(row);
    return super.delete(clusterId);
  }

  override clear(): void {
    for (const clusterId of [...this.keys()]) this.delete(clusterId);
  }

  /** The cluster at this place of the order; null when there is none. */
  idAt(position: number): string | null {
    return this.ids[position] ?? null;
  }

  /** The longest soak that any cluster of the wave asks for; milliseconds. */
  soakMsOf(wave: number): number {
    const known = this.soaks.get(wave);
    if (known !== undefined) return known;
    const soakMs = waveSoakMs(this.view, this.values(), wave);
    this.soaks.set(wave, soakMs);
    return soakMs;
  }

  private place({ clusterId, position }: RolloutCluster): void {
    const other = this.idAt(position);
    if (other !== null && other !== clusterId) {
      throw new Error(`clusters ${other} and ${clusterId} both have position ${position}: each has its own`);
    }
    this.ids[position] = clusterId;
  }

  private unplace({ position }: RolloutCluster): void {
    this.ids[position] = null;
  }
}

/** The rollout's rows with their index: as they are where they have one for this plan, else built. */
export function indexedClusters({ head, clusters }: Rollout): IndexedClusters {
  if (clusters instanceof IndexedClusters && clusters.plan === head.plan) return clusters;
  return new IndexedClusters(head.plan, clusters.values());
}
