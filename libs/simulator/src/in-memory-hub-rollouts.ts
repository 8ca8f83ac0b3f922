import type { Order } from '@wavegate/fleet';
import { ORDER_SCHEMA } from '@wavegate/fleet';
import type { Rollout, RolloutAction, RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { AuditEntry, InboxRow, RolloutClaim, RolloutCommit, RolloutStore, WithoutAt } from '@wavegate/runtime/hub';
import { RolloutExists, RolloutUnknown, withdraw } from '@wavegate/runtime/hub';
import type { InMemoryHubTables, RolloutRecord } from './in-memory-hub-tables.js';
import { changeStanding, copyOf, newOrderRecord } from './in-memory-hub-tables.js';

/** RolloutStore over the in-memory tables. */
export class InMemoryRolloutStore implements RolloutStore {
  constructor(private readonly tables: InMemoryHubTables) {}

  async now(): Promise<number> {
    return this.tables.now();
  }

  async claim(replica: string, leaseMs: number): Promise<RolloutClaim | null> {
    const at = this.tables.now();
    const free = [...this.tables.rollouts.values()]
      .filter((row) => row.leaseOwner === null || row.leaseOwner === replica || row.leaseUntil <= at)
      .filter((row) => this.isDue(row, at))
      .sort((a, b) => a.leaseUntil - b.leaseUntil);
    const row = free[0];
    if (!row) return null;
    if (row.leaseOwner !== replica) row.leaseEpoch += 1;
    row.leaseOwner = replica;
    row.leaseUntil = at + leaseMs;
    const { leaseEpoch, leaseUntil, revision } = row;
    return { rolloutId: row.head.id, leaseEpoch, leaseUntil, revision, at };
  }

  async load(rolloutId: string): Promise<Rollout> {
    const row = this.row(rolloutId);
    return {
      head: copyOf(row.head),
      clusters: new Map([...row.clusters].map(([id, cluster]) => [id, copyOf(cluster)])),
    };
  }

  async inbox(rolloutId: string, limit: number): Promise<readonly InboxRow[]> {
    const rows = this.tables.undone(rolloutId).slice(0, limit);
    return rows.map(({ seq, at, event }) => ({ seq, at, event: copyOf(event) }));
  }

  async commit({ claim, head, clusters, actions, audit, inboxDone }: RolloutCommit): Promise<'committed' | 'fenced'> {
    const row = this.row(claim.rolloutId);
    if (row.revision !== claim.revision || row.leaseEpoch !== claim.leaseEpoch) return 'fenced';
    row.revision += 1;
    row.head = copyOf(head);
    for (const cluster of clusters) row.clusters.set(cluster.clusterId, copyOf(cluster));
    for (const action of actions) this.carry(head, action);
    this.tables.markDone(inboxDone);
    this.tables.writeAudit(audit);
    return 'committed';
  }

  async create(rollout: Rollout, audit: AuditEntry): Promise<void> {
    const { head } = rollout;
    if (this.tables.rollouts.has(head.id)) throw new RolloutExists(`rollout ${head.id} is there already`);
    const clusters = new Map<string, RolloutCluster>();
    for (const [id, cluster] of rollout.clusters) clusters.set(id, copyOf(cluster));
    const lease = { revision: 0, leaseOwner: null, leaseUntil: 0, leaseEpoch: 0 };
    this.tables.rollouts.set(head.id, { head: copyOf(head), clusters, ...lease });
    this.tables.append(head.id, { kind: 'started' });
    // Between planning and now an agent may have come or gone, and nobody could tell a rollout that was not there.
    for (const { clusterId, offlineSince } of clusters.values()) {
      const lost = this.tables.clusters.get(clusterId)?.lostTold ?? true;
      if (lost !== (offlineSince !== null)) {
        this.tables.append(head.id, { kind: lost ? 'agentLost' : 'agentReturned', clusterId });
      }
    }
    this.tables.writeAudit([{ ...audit, detail: { ...audit.detail, rollout: head.id } }]);
  }

  async appendCommand(rolloutId: string, event: WithoutAt<RolloutEvent>, audit: AuditEntry): Promise<void> {
    this.row(rolloutId);
    this.tables.append(rolloutId, event);
    this.tables.writeAudit([{ ...audit, detail: { ...audit.detail, rollout: rolloutId } }]);
  }

  private isDue({ head }: RolloutRecord, at: number): boolean {
    return (head.wakeAt !== null && head.wakeAt <= at) || this.tables.undone(head.id).length > 0;
  }

  private carry(head: RolloutHead, action: RolloutAction): void {
    if (action.kind === 'sendOrder') return this.insertOrder(head, action);
    if (action.kind !== 'withdrawOrder') return;
    const record = this.tables.orders.get(action.orderId);
    const answer = record && withdraw(record.standing, action.reason);
    if (!record || !answer) return;
    changeStanding(record, answer.change, this.tables.now());
    if (answer.event) this.tables.append(head.id, answer.event);
  }

  private insertOrder(head: RolloutHead, action: Extract<RolloutAction, { kind: 'sendOrder' }>): void {
    // Derived ids: the same decision taken twice names the same order, which is there already.
    if (this.tables.orders.has(action.orderId)) return;
    const cluster = this.tables.clusters.get(action.clusterId);
    if (!cluster) throw new Error(`no cluster ${action.clusterId}`);
    cluster.epoch += 1;
    const { orderId: id, orderKind, kind: _kind, ...inputs } = action;
    const order: Order = {
      schema: ORDER_SCHEMA,
      id,
      kind: orderKind,
      parent: { kind: 'rollout', id: head.id },
      epoch: cluster.epoch,
      labels: copyOf(cluster.labels),
      plan: head.plan,
      planDigest: head.planDigest,
      ...copyOf(inputs),
    };
    this.tables.orders.set(id, newOrderRecord(order, head.id, this.tables.now()));
  }

  private row(rolloutId: string): RolloutRecord {
    const row = this.tables.rollouts.get(rolloutId);
    if (!row) throw new RolloutUnknown(`no rollout ${rolloutId}`);
    return row;
  }
}
