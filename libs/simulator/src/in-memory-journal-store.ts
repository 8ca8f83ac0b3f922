import { JournalConflict, type Journal, type JournalStore, type StoredJournal } from '@wavegate/runtime/agent';

/** Journals in memory, by the contract that the cluster's own store keeps. Outlives the process that writes to it. */
export class InMemoryJournalStore implements JournalStore {
  private readonly kept = new Map<
    string,
    { readonly text: string; readonly version: string; readonly order: number }
  >();
  private writes = 0;

  async list(): Promise<readonly StoredJournal[]> {
    return [...this.kept.values()].map(({ text, version }) => ({ journal: JSON.parse(text) as Journal, version }));
  }

  async save(journal: Journal, version: string | null): Promise<string> {
    const known = this.kept.get(journal.order.id);
    if ((known?.version ?? null) !== version) {
      throw new JournalConflict(
        `journal ${journal.order.id} is at ${known?.version ?? 'none'}, not ${version ?? 'none'}`,
      );
    }
    this.writes += 1;
    // Kept as text: what a writer changes afterwards in its own object does not reach the store.
    const entry = { text: JSON.stringify(journal), version: String(this.writes), order: known?.order ?? this.writes };
    this.kept.set(journal.order.id, entry);
    return entry.version;
  }

  async prune(keep: number, spare?: string): Promise<void> {
    const over = [...this.kept]
      .map(([id, { text, order }]) => ({ id, order, journal: JSON.parse(text) as Journal }))
      .filter(({ journal }) => journal.state === 'withdrawn' || (journal.state === 'done' && journal.reported))
      .sort((a, b) => b.journal.order.epoch - a.journal.order.epoch || b.order - a.order);
    for (const { id } of over.slice(keep)) if (id !== spare) this.kept.delete(id);
  }
}
