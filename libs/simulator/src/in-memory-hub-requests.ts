import type { Reason } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { AuditEntry, RequestAnswer, RequestedOrder, RequestStore, WithdrawAnswer } from '@wavegate/runtime/hub';
import { OVERDUE_GRACE_MS, withdraw } from '@wavegate/runtime/hub';
import type { InMemoryHubTables, OrderRecord } from './in-memory-hub-tables.js';
import { changeStanding, copyOf, newOrderRecord, storedOrder } from './in-memory-hub-tables.js';

/** RequestStore over the in-memory tables. */
export class InMemoryRequestStore implements RequestStore {
  constructor(private readonly tables: InMemoryHubTables) {}

  async request(order: RequestedOrder, audit: AuditEntry): Promise<RequestAnswer> {
    const cluster = this.tables.clusters.get(order.clusterId);
    if (!cluster || cluster.removed) return { kind: 'noCluster' };
    const known = this.tables.orders.get(order.id);
    if (known) return { kind: 'known', order: storedOrder(known) };
    const busy = this.inTheWay(order.clusterId);
    if (busy) return { kind: 'busy', by: storedOrder(busy) };
    cluster.epoch += 1;
    const filledIn = { epoch: cluster.epoch, labels: copyOf(cluster.labels) };
    const record = newOrderRecord({ ...copyOf(order), ...filledIn }, null, this.tables.now());
    this.tables.orders.set(order.id, record);
    this.tables.writeAudit([audit]);
    return { kind: 'inserted', order: storedOrder(record) };
  }

  async withdrawRequest(orderId: string, why: Reason, audit: AuditEntry): Promise<WithdrawAnswer> {
    const record = this.tables.orders.get(orderId);
    if (!record) return { kind: 'unknown' };
    if (record.standing.rolloutId !== null) return { kind: 'ofRollout', rolloutId: record.standing.rolloutId };
    const answer = withdraw(record.standing, why);
    if (!answer?.change) return { kind: 'tooLate', order: storedOrder(record) };
    changeStanding(record, answer.change, this.tables.now());
    this.tables.writeAudit([audit]);
    return { kind: 'withdrawn', order: storedOrder(record) };
  }

  async expireRequests(): Promise<number> {
    const late = [...this.tables.orders.values()].filter(
      (record) => record.standing.rolloutId === null && this.isLate(record),
    );
    for (const record of late) {
      const why = reason('order_expired', { startBy: record.standing.startBy });
      changeStanding(record, { state: 'withdrawn', withdrawReason: why }, this.tables.now());
    }
    return late.length + this.endOverdue();
  }

  private endOverdue(): number {
    const now = this.tables.now();
    const overdue = [...this.tables.orders.values()].filter(({ standing, order }) => {
      const begun = standing.state === 'confirmed' || standing.state === 'withdrawing';
      return begun && standing.rolloutId === null && order.deadline + OVERDUE_GRACE_MS <= now;
    });
    for (const record of overdue) {
      const cluster = this.tables.clusters.get(record.order.clusterId);
      const since = cluster?.beatAt ?? record.confirmedAt ?? record.createdAt;
      const { deadline } = record.order;
      const why = cluster?.lostTold ? reason('agent_lost', { since }) : reason('deadline_passed', { deadline });
      changeStanding(record, { state: 'withdrawn', withdrawReason: why }, now);
    }
    return overdue.length;
  }

  private inTheWay(clusterId: string): OrderRecord | undefined {
    const active = ['open', 'confirmed', 'withdrawing'];
    return [...this.tables.orders.values()]
      .filter(({ order, standing }) => order.clusterId === clusterId && active.includes(standing.state))
      .filter((record) => !this.isLate(record) && !this.isOverdue(record))
      .sort((a, b) => a.order.epoch - b.order.epoch)[0];
  }

  private isOverdue({ standing, order }: OrderRecord): boolean {
    return standing.state !== 'open' && order.deadline <= this.tables.now();
  }

  private isLate({ standing }: OrderRecord): boolean {
    return standing.state === 'open' && standing.startBy <= this.tables.now();
  }
}
