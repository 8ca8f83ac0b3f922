/** A kubelet renews its lease every 10 s; the node controller gives up after 40 s. */
const QUIET_MS = 30_000;

/** One node's lease: who, and the text of its renewTime. */
export interface NodeLease {
  readonly node: string;
  readonly renewed: string;
}

/**
 * Since when every node's lease has been renewed without a break. A kubelet whose connection hangs on an API server that
 * is gone looks Ready for 40 s more; its lease tells at once.
 *
 * Counted by our own clock from the moment we saw a lease move, so that the nodes' clocks do not matter; a lease that
 * never moved while we looked says nothing (whoever made it does not renew).
 */
export class LeaseWatch {
  private readonly seen = new Map<string, { renewed: string; movedAt: number | null }>();
  private since: number | null = null;

  /** Epoch ms; null while a lease that used to move stands still. */
  look(leases: readonly NodeLease[], at: number): number | null {
    const names = new Set(leases.map(({ node }) => node));
    for (const node of this.seen.keys()) if (!names.has(node)) this.seen.delete(node);
    for (const { node, renewed } of leases) {
      const known = this.seen.get(node);
      if (!known) this.seen.set(node, { renewed, movedAt: null });
      else if (known.renewed !== renewed) this.seen.set(node, { renewed, movedAt: at });
    }
    this.since = this.still(at).length > 0 ? null : (this.since ?? at);
    return this.since;
  }

  /** Nodes whose lease stands still, by name. */
  still(at: number): string[] {
    return [...this.seen]
      .filter(([, { movedAt }]) => movedAt !== null && at - movedAt > QUIET_MS)
      .map(([node]) => node)
      .sort();
  }
}
