import type { AuditStore } from './audit-store.js';

/** An event as people follow it: a line of the audit without its chain. `id` is what SSE resumes from. */
export interface StoredEvent {
  readonly id: number;
  /** Epoch ms. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventQuery {
  readonly since: number;
  readonly limit: number;
  readonly rollout?: string;
  readonly cluster?: string;
}

/**
 * Events are the audit, read by rollout or cluster. Sequence numbers are given under the head row's lock, so that a
 * reader who has seen n can never miss one below it that was committed later.
 */
export class EventReader {
  constructor(private readonly audit: AuditStore) {}

  async since(query: EventQuery): Promise<readonly StoredEvent[]> {
    const rows = await this.audit.read(query);
    return rows.map(({ seq: id, at, actor, action, object, detail }) => ({ id, at, actor, action, object, detail }));
  }

  /** The newest event's id: where a follower who wants no history begins. */
  async last(): Promise<number> {
    return (await this.audit.head()).seq;
  }
}
