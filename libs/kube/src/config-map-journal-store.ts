import type { V1ConfigMap } from '@kubernetes/client-node';
import { canonicalText } from '@wavegate/fleet';
import { JournalConflict, type JournalStore, type StoredJournal } from '@wavegate/runtime/agent';
import type { Journal } from '@wavegate/runtime/agent';
import { JOURNAL_LABEL, JournalShards } from './journal-shards.js';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isGone } from './kube-error.js';

/** A ConfigMap holds 1 MiB at most; beyond this much text a journal is spread over several. */
export const SHARD_LIMIT = 256 * 1024;

/**
 * One ConfigMap per order, written by compare-and-swap on its resourceVersion, which also stops a twin agent. A large
 * journal's text lies in immutable shards named by their content; the head names them, so one write of the head is
 * what makes a new journal visible.
 */
export class ConfigMapJournalStore implements JournalStore {
  private readonly shards: JournalShards;
  /** Heads that have had shards: for all others there is nothing to clear after a write. */
  private readonly sharded = new Set<string>();

  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
  ) {
    this.shards = new JournalShards(kube, namespace);
  }

  async list(): Promise<readonly StoredJournal[]> {
    return Promise.all((await this.heads()).map((head) => this.read(head)));
  }

  async save(journal: Journal, version: string | null): Promise<string> {
    const name = headName(journal.order.id);
    const text = canonicalText(journal);
    const parts = text.length > SHARD_LIMIT ? await this.shards.write(name, text, SHARD_LIMIT) : [];
    const data: Record<string, string> = parts.length > 0 ? { shards: JSON.stringify(parts) } : { journal: text };
    const saved = await this.write(name, data, version);
    if (parts.length > 0 || this.sharded.has(name)) await this.clear(name, parts);
    return saved;
  }

  async prune(keep: number, spare?: string): Promise<void> {
    const ended = (await this.list()).filter(
      ({ journal }) => (journal.state === 'done' && journal.reported) || journal.state === 'withdrawn',
    );
    ended.sort((a, b) => b.journal.order.epoch - a.journal.order.epoch);
    // The head first: shards without a head are litter, a head without its shards could not be read.
    const over = ended.slice(keep).filter(({ journal }) => journal.order.id !== spare);
    for (const { journal } of over) await this.shards.remove(headName(journal.order.id));
    await this.shards.removeOrphans((await this.heads()).map((head) => head.metadata?.name ?? ''));
  }

  private async heads(): Promise<readonly V1ConfigMap[]> {
    const labelSelector = `${JOURNAL_LABEL}=head`;
    return (await this.kube.core.listNamespacedConfigMap({ namespace: this.namespace, labelSelector })).items;
  }

  private async read(head: V1ConfigMap): Promise<StoredJournal> {
    const parts = JSON.parse(head.data?.shards ?? '[]') as string[];
    if (parts.length > 0) this.sharded.add(head.metadata?.name ?? '');
    const text = head.data?.journal ?? (await this.shards.read(parts));
    return { journal: JSON.parse(text) as Journal, version: head.metadata?.resourceVersion ?? '' };
  }

  private async write(name: string, data: Record<string, string>, version: string | null): Promise<string> {
    try {
      return await this.put(name, data, version);
    } catch (error) {
      // 404 on a replace: somebody removed our journal under us, which is as bad as a twin.
      if (isConflict(error) || (version !== null && isGone(error))) {
        throw new JournalConflict(`journal ${name} was written by another agent`);
      }
      throw error;
    }
  }

  private async put(name: string, data: Record<string, string>, version: string | null): Promise<string> {
    const { namespace } = this;
    const metadata = { name, namespace, labels: { [JOURNAL_LABEL]: 'head' } };
    const saved =
      version === null
        ? await this.kube.core.createNamespacedConfigMap({ namespace, body: { metadata, data } })
        : await this.kube.core.replaceNamespacedConfigMap({
            name,
            namespace,
            body: { metadata: { ...metadata, resourceVersion: version }, data },
          });
    return saved.metadata?.resourceVersion ?? '';
  }

  /** After the head is written; what an error leaves behind, `prune` collects. */
  private async clear(name: string, parts: readonly string[]): Promise<void> {
    await this.shards.removeBut(name, parts).catch(() => undefined);
    if (parts.length > 0) this.sharded.add(name);
    else this.sharded.delete(name);
  }
}

function headName(orderId: string): string {
  return `wavegate-journal-${orderId}`;
}
