import { backupOf, canonicalText } from '@wavegate/fleet';
import type { Journal } from '@wavegate/upgrade';
import { JournalConflict, type JournalStore, type StoredJournal } from './ports.js';

/** Journals that are kept; the store forgets older ones once they are done and reported. */
const KEPT = 20;

/** Another process works with this agent's journals: this one must not go on. */
export class TwinAgent extends Error {
  override readonly name = 'TwinAgent';
}

/**
 * The journals as this process knows them. Every write is a compare-and-swap; a write whose answer was lost is looked
 * up before the next one, since it may have been made: without that the agent would take itself for its twin.
 */
export class JournalKeeper {
  private readonly held = new Map<string, StoredJournal>();
  private readonly uncertain = new Map<string, Journal>();

  constructor(private readonly store: JournalStore) {}

  async load(): Promise<void> {
    const stored = await this.store.list();
    this.held.clear();
    this.uncertain.clear();
    for (const entry of stored) this.held.set(entry.journal.order.id, entry);
  }

  all(): Journal[] {
    return [...this.held.values()].map(({ journal }) => journal).sort((a, b) => a.order.epoch - b.order.epoch);
  }

  get(orderId: string): Journal | null {
    return this.held.get(orderId)?.journal ?? null;
  }

  /** The order being carried out; the newest where a fault left several. */
  running(): Journal | null {
    return this.all().findLast(({ state }) => state === 'running') ?? null;
  }

  /** Highest epoch ever seen here, -1 for none: a lower one is a replay. */
  highestEpoch(): number {
    return this.all().at(-1)?.order.epoch ?? -1;
  }

  /** Epoch ms of the newest etcd snapshot that was restored for proof, by the journals that are kept; null: none. */
  provenAt(): number | null {
    return this.newestProof()?.takenAt ?? null;
  }

  private newestProof(): { readonly order: string; readonly takenAt: number } | null {
    const proofs = this.all().flatMap(({ receipt, order }) =>
      receipt && backupOf(receipt) === 'etcd' && receipt.verified === 'restore'
        ? [{ order: order.id, takenAt: receipt.takenAt }]
        : [],
    );
    return proofs.sort((a, b) => b.takenAt - a.takenAt)[0] ?? null;
  }

  /** Throws TwinAgent where somebody else wrote; anything else thrown means: not known whether it was written. */
  async save(journal: Journal): Promise<void> {
    const id = journal.order.id;
    if (this.uncertain.has(id)) await this.lookUp(id);
    try {
      const version = await this.store.save(journal, this.held.get(id)?.version ?? null);
      this.held.set(id, { journal, version });
    } catch (error) {
      if (error instanceof JournalConflict) throw twin(id);
      this.uncertain.set(id, journal);
      throw error;
    }
  }

  async prune(): Promise<void> {
    // However many preflights and exports came after it: the newest proof is what the next preflight asks for.
    await this.store.prune(KEPT, this.newestProof()?.order);
  }

  private async lookUp(id: string): Promise<void> {
    const tried = this.uncertain.get(id);
    const found = (await this.store.list()).find(({ journal }) => journal.order.id === id);
    const known = this.held.get(id);
    const isTried = found && tried && same(found.journal, tried);
    if (!isTried && found?.version !== known?.version) throw twin(id);
    if (found && isTried) this.held.set(id, found);
    this.uncertain.delete(id);
  }
}

const same = (a: Journal, b: Journal): boolean => canonicalText(a) === canonicalText(b);
const twin = (id: string): TwinAgent => new TwinAgent(`the journal of order ${id} was written by another agent`);
