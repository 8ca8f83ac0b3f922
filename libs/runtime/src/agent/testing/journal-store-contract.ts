import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { acceptOrder, beginStep, finish, markReported, neverStart, startOrder } from '@wavegate/upgrade';
import { JournalConflict, type JournalStore } from '../ports.js';
import { sampleOrder, START } from './sample-order.js';

/** What every store of journals must do; run against the one in memory and the one in the cluster. */
export function journalStoreContract(name: string, makeStore: () => JournalStore | Promise<JournalStore>): void {
  const journalOf = (epoch: number) => acceptOrder(sampleOrder({ epoch }), START);
  const skipped = { kind: 'skipped', reason: reason('order_withdrawn') } as const;

  describe(`${name} keeps journals`, () => {
    it('a journal is saved → it is listed as it was, with the version that save answered', async () => {
      const store = await makeStore();
      const version = await store.save(journalOf(1), null);
      expect(await store.list()).toEqual([{ journal: journalOf(1), version }]);
    });

    it('saved at the version it has → replaced, under a new version', async () => {
      const store = await makeStore();
      const first = await store.save(journalOf(1), null);
      const second = await store.save(startOrder(journalOf(1), START), first);
      expect(second).not.toBe(first);
      expect((await store.list()).map(({ journal }) => journal.state)).toEqual(['running']);
    });

    it('saved at an older version → JournalConflict, and the newer one stays', async () => {
      const store = await makeStore();
      const first = await store.save(journalOf(1), null);
      await store.save(startOrder(journalOf(1), START), first);
      await expect(store.save(journalOf(1), first)).rejects.toBeInstanceOf(JournalConflict);
      expect((await store.list()).map(({ journal }) => journal.state)).toEqual(['running']);
    });

    it('created though it is there → JournalConflict: a twin was faster', async () => {
      const store = await makeStore();
      await store.save(journalOf(1), null);
      await expect(store.save(journalOf(1), null)).rejects.toBeInstanceOf(JournalConflict);
    });

    it('replaced though it is gone → JournalConflict', async () => {
      const store = await makeStore();
      await expect(store.save(journalOf(1), '1')).rejects.toBeInstanceOf(JournalConflict);
    });

    it('a journal of several hundred KiB → comes back whole', async () => {
      const store = await makeStore();
      let journal = startOrder(journalOf(1), START);
      for (let i = 0; i < 1_500; i++) {
        const node = `worker-node-with-a-rather-long-name-${i}.example.internal`;
        journal = beginStep(journal, { kind: 'uncordonNode', name: `uncordonNode/${node}`, node }, START);
      }
      await store.save(journal, null);
      expect((await store.list())[0]?.journal).toEqual(journal);
    });

    it('pruned → the newest done and reported ones stay, and everything that is open', async () => {
      const store = await makeStore();
      await store.save(startOrder(journalOf(1), START), null);
      await store.save(finish(journalOf(2), skipped), null);
      for (const epoch of [3, 4, 5]) await store.save(markReported(finish(journalOf(epoch), skipped)), null);
      await store.save(neverStart(journalOf(6), reason('order_withdrawn')), null);
      await store.prune(2);
      const kept = (await store.list()).map(({ journal }) => journal.order.epoch).sort();
      expect(kept).toEqual(expect.arrayContaining([1, 2, 5]));
      expect(kept).not.toContain(3);
    });

    it('pruned, and one is to be spared → it stays, however old', async () => {
      const store = await makeStore();
      for (const epoch of [3, 4, 5]) await store.save(markReported(finish(journalOf(epoch), skipped)), null);
      await store.prune(1, journalOf(3).order.id);
      const kept = (await store.list()).map(({ journal }) => journal.order.epoch).sort();
      expect(kept).toEqual([3, 5]);
    });
  });
}
