import { describe, expect, it } from '@jest/globals';
import { reason, type Receipt } from '@wavegate/fleet';
import { acceptOrder, markReported, neverStart, startOrder } from '@wavegate/upgrade';
// eslint-disable-next-line wavegate/room-fence -- one fake per port: the store in memory lives in the simulator
import { InMemoryJournalStore } from '../../../simulator/src/in-memory-journal-store.js';
import { JournalKeeper, TwinAgent } from './journal-keeper.js';
import { journalStoreContract } from './testing/journal-store-contract.js';
import { sampleOrder, START } from './testing/sample-order.js';

journalStoreContract('the store in memory', () => new InMemoryJournalStore());

const journal = acceptOrder(sampleOrder(), START);

/** Loses the answer of the next write, which was made or was not. */
class LossyStore extends InMemoryJournalStore {
  lose: 'before' | 'after' | null = null;

  override async save(...args: Parameters<InMemoryJournalStore['save']>): Promise<string> {
    const lost = this.lose;
    this.lose = null;
    if (lost === 'before') throw new Error('timeout');
    const version = await super.save(...args);
    if (lost === 'after') throw new Error('timeout');
    return version;
  }
}

describe('the journals as one process knows them', () => {
  it.each(['before', 'after'] as const)(
    'the answer of a write is lost %s it was made → the next write fits',
    async (when) => {
      const store = new LossyStore();
      const keeper = new JournalKeeper(store);
      await keeper.save(journal);
      store.lose = when;
      await expect(keeper.save(startOrder(journal, START))).rejects.toThrow('timeout');
      await keeper.save(startOrder(journal, START + 1));
      expect((await store.list())[0]?.journal).toMatchObject({ state: 'running', startedAt: START + 1 });
    },
  );

  it('somebody else wrote → TwinAgent', async () => {
    const store = new InMemoryJournalStore();
    const [one, other] = [new JournalKeeper(store), new JournalKeeper(store)];
    await one.save(journal);
    await other.load();
    await one.save(startOrder(journal, START));
    await expect(other.save(startOrder(journal, START + 1))).rejects.toBeInstanceOf(TwinAgent);
  });

  it('forty preflights after the last restore for proof, and a new process → it still knows when that was', async () => {
    const store = new InMemoryJournalStore();
    const figures = { takenAt: START, sha256: 'ab', revision: 1, totalKeys: 1, sizeBytes: 1 };
    const receipt: Receipt = { ...figures, node: 'cp-1', path: '/b', verified: 'restore' };
    const ended = (epoch: number) =>
      markReported(neverStart(acceptOrder(sampleOrder({ id: `o${epoch}`, epoch }), START), reason('order_withdrawn')));
    const keeper = new JournalKeeper(store);
    await keeper.save({ ...ended(1), receipt });
    for (let epoch = 2; epoch <= 41; epoch += 1) {
      await keeper.save(ended(epoch));
      await keeper.prune();
    }
    const later = new JournalKeeper(store);
    await later.load();
    expect(later.all()).toHaveLength(21);
    expect(later.provenAt()).toBe(START);
  });
});
