import type { V1ConfigMap } from '@kubernetes/client-node';
import { sha256Hex } from '@wavegate/fleet';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isGone } from './kube-error.js';

export const JOURNAL_LABEL = 'wavegate.dev/journal';
const HEAD_LABEL = 'wavegate.dev/journal-head';

/** The pieces of a journal that is too large for one ConfigMap: immutable, named by head, place and content. */
export class JournalShards {
  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
  ) {}

  /** Writes the pieces that are not there yet; returns the names of all, in order. */
  async write(head: string, text: string, limit: number): Promise<string[]> {
    const names: string[] = [];
    for (const part of cut(text, limit)) {
      const name = `${head}-${sha256Hex(part).slice(0, 12)}-${names.length}`;
      const labels = { [JOURNAL_LABEL]: 'shard', [HEAD_LABEL]: head };
      const body = { metadata: { name, namespace: this.namespace, labels }, immutable: true, data: { part } };
      await this.kube.core.createNamespacedConfigMap({ namespace: this.namespace, body }).catch((error: unknown) => {
        if (!isConflict(error)) throw error; // the same content is there already
      });
      names.push(name);
    }
    return names;
  }

  async read(names: readonly string[]): Promise<string> {
    const { namespace } = this;
    const parts = await Promise.all(names.map((name) => this.kube.core.readNamespacedConfigMap({ name, namespace })));
    return parts.map((part) => part.data?.part ?? '').join('');
  }

  /** The head's pieces, except those named. */
  async removeBut(head: string, keep: readonly string[]): Promise<void> {
    for (const { metadata } of await this.list(`${HEAD_LABEL}=${head}`)) {
      if (!keep.includes(metadata?.name ?? '')) await this.remove(metadata?.name ?? '');
    }
  }

  /** Pieces of heads that are no more. */
  async removeOrphans(heads: readonly string[]): Promise<void> {
    for (const { metadata } of await this.list(`${JOURNAL_LABEL}=shard`)) {
      if (!heads.includes(metadata?.labels?.[HEAD_LABEL] ?? '')) await this.remove(metadata?.name ?? '');
    }
  }

  async remove(name: string): Promise<void> {
    await this.kube.core.deleteNamespacedConfigMap({ name, namespace: this.namespace }).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }

  private async list(labelSelector: string): Promise<readonly V1ConfigMap[]> {
    return (await this.kube.core.listNamespacedConfigMap({ namespace: this.namespace, labelSelector })).items;
  }
}

/** Pieces of at most `limit` UTF-16 units, never through a surrogate pair: half of one would not survive UTF-8. */
export function cut(text: string, limit: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + limit;
    const splits = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
    const next = splits ? end - 1 : end;
    parts.push(text.slice(at, next));
    at = next;
  }
  return parts;
}
