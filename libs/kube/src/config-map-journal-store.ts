import type { V1ConfigMap } from '@kubernetes/client-node';
import { canonicalText, sha256Hex } from '@wavegate/fleet';
import { JournalConflict, type JournalStore, type StoredJournal } from '@wavegate/runtime/agent';
import type { Journal } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isGone } from './kube-error.js';

const LABEL = 'wavegate.dev/journal';
/** A ConfigMap holds 1 MiB at most; beyond this much text a journal is spread over several. */
const SHARD_BYTES = 256 * 1024;

/**
 * One ConfigMap per order, written by compare-and-swap on its resourceVersion, which also stops a twin agent. A large
 * journal's text lies in immutable shards named by their content; the head names them, so one write of the head is
 * what makes a new journal visible.
 */
export class ConfigMapJournalStore implements JournalStore {
  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
  ) {}

  async list(): Promise<readonly StoredJournal[]> {
    const heads = await this.kube.core.listNamespacedConfigMap({
      namespace: this.namespace,
      labelSelector: `${LABEL}=head`,
    });
    return Promise.all(heads.items.map((head) => this.read(head)));
  }

  async save(journal: Journal, version: string | null): Promise<string> {
    const name = headName(journal.order.id);
    const text = canonicalText(journal);
    const shards = text.length > SHARD_BYTES ? await this.writeShards(name, text) : [];
    const body: V1ConfigMap = {
      metadata: {
        name,
        namespace: this.namespace,
        labels: { [LABEL]: 'head' },
        ...(version === null ? {} : { resourceVersion: version }),
      },
      data: shards.length > 0 ? { shards: JSON.stringify(shards) } : { journal: text },
    };
    try {
      const saved =
        version === null
          ? await this.kube.core.createNamespacedConfigMap({ namespace: this.namespace, body })
          : await this.kube.core.replaceNamespacedConfigMap({ name, namespace: this.namespace, body });
      await this.dropOldShards(name, shards);
      return saved.metadata?.resourceVersion ?? '';
    } catch (error) {
      // 404 on a replace: somebody removed our journal under us, which is as bad as a twin.
      if (isConflict(error) || (version !== null && isGone(error))) {
        throw new JournalConflict(`journal ${name} was written by another agent`);
      }
      throw error;
    }
  }

  async prune(keep: number): Promise<void> {
    const kept = (await this.list()).filter(
      ({ journal }) => (journal.state === 'done' && journal.reported) || journal.state === 'withdrawn',
    );
    kept.sort((a, b) => b.journal.acceptedAt - a.journal.acceptedAt);
    for (const { journal } of kept.slice(keep)) {
      const name = headName(journal.order.id);
      await this.remove(name);
      await this.dropOldShards(name, []);
    }
  }

  private async read(head: V1ConfigMap): Promise<StoredJournal> {
    const names = JSON.parse(head.data?.shards ?? '[]') as string[];
    const parts = await Promise.all(
      names.map((name) => this.kube.core.readNamespacedConfigMap({ name, namespace: this.namespace })),
    );
    const text = head.data?.journal ?? parts.map((part) => part.data?.part ?? '').join('');
    return { journal: JSON.parse(text) as Journal, version: head.metadata?.resourceVersion ?? '' };
  }

  private async writeShards(name: string, text: string): Promise<string[]> {
    const names: string[] = [];
    for (let at = 0; at < text.length; at += SHARD_BYTES) {
      const part = text.slice(at, at + SHARD_BYTES);
      const shard = `${name}-${sha256Hex(part).slice(0, 12)}-${names.length}`;
      names.push(shard);
      const labels = { [LABEL]: 'shard', [`${LABEL}-head`]: name };
      const body = { metadata: { name: shard, namespace: this.namespace, labels }, immutable: true, data: { part } };
      await this.kube.core.createNamespacedConfigMap({ namespace: this.namespace, body }).catch((error: unknown) => {
        if (!isConflict(error)) throw error; // the same content is there already
      });
    }
    return names;
  }

  private async dropOldShards(head: string, current: readonly string[]): Promise<void> {
    const selector = `${LABEL}=shard,${LABEL}-head=${head}`;
    const shards = await this.kube.core.listNamespacedConfigMap({ namespace: this.namespace, labelSelector: selector });
    for (const shard of shards.items) {
      const name = shard.metadata?.name ?? '';
      if (!current.includes(name)) await this.remove(name);
    }
  }

  private async remove(name: string): Promise<void> {
    await this.kube.core.deleteNamespacedConfigMap({ name, namespace: this.namespace }).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }
}

function headName(orderId: string): string {
  return `wavegate-journal-${orderId}`;
}
