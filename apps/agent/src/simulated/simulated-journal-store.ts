import { JournalConflict, type Journal, type JournalStore, type StoredJournal } from '@wavegate/runtime/agent';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createFile } from './atomic-file.js';

const NAME = /^([0-9a-f]+)\.(\d+)\.json$/;

interface Kept {
  readonly orderId: string;
  readonly version: number;
}

/**
 * Journals of a simulated cluster, one file per order and version. A version is made by a hard link that must not
 * exist yet: the file system's compare-and-swap, so that a twin in another process is stopped as it is by Kubernetes.
 */
export class SimulatedJournalStore implements JournalStore {
  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  list(): Promise<readonly StoredJournal[]> {
    return Promise.resolve([...this.newest().values()].map((kept) => this.read(kept)));
  }

  save(journal: Journal, version: string | null): Promise<string> {
    const orderId = journal.order.id;
    const stored = this.newest().get(orderId)?.version ?? 0;
    const next = stored + 1;
    const fits = version === null ? stored === 0 : version === String(stored);
    if (!fits || !createFile(this.path({ orderId, version: next }), JSON.stringify(journal))) {
      return Promise.reject(new JournalConflict(`journal ${orderId} was written by another agent`));
    }
    if (stored > 0) rmSync(this.path({ orderId, version: stored }), { force: true });
    return Promise.resolve(String(next));
  }

  async prune(keep: number, spare?: string): Promise<void> {
    const ended = (await this.list())
      .map(({ journal }) => journal)
      .filter(({ state, reported }) => state === 'withdrawn' || (state === 'done' && reported))
      .sort((a, b) => b.order.epoch - a.order.epoch);
    const newest = this.newest();
    for (const { order } of ended.slice(keep)) {
      const kept = newest.get(order.id);
      if (kept && order.id !== spare) rmSync(this.path(kept), { force: true });
    }
  }

  private read(kept: Kept): StoredJournal {
    return {
      journal: JSON.parse(readFileSync(this.path(kept), 'utf8')) as Journal,
      version: String(kept.version),
    };
  }

  /** A process killed between the link and the removal leaves two versions: the higher one is it. */
  private newest(): Map<string, Kept> {
    const found = new Map<string, Kept>();
    for (const name of existsSync(this.directory) ? readdirSync(this.directory) : []) {
      const [, orderId, version] = NAME.exec(name) ?? [];
      if (orderId === undefined) continue;
      const known = found.get(orderId)?.version ?? 0;
      if (Number(version) > known) found.set(orderId, { orderId, version: Number(version) });
    }
    return found;
  }

  private path({ orderId, version }: Kept): string {
    return join(this.directory, `${orderId}.${version}.json`);
  }
}
