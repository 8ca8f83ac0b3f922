import { canonicalText, reason, type Finding, type Order } from '@wavegate/fleet';
import type {
  OrderReport,
  OrderStore,
  Outgoing,
  SessionRef,
  StoredOrder,
  StoredReport,
  TakenReport,
} from '@wavegate/runtime/hub';
import {
  answerReport,
  withEvidence,
  commandsFor,
  MOST_RECEIPTS_PER_ORDER,
  MOST_VERDICTS_PER_ORDER,
  orderIdOf,
  severityAudit,
} from '@wavegate/runtime/hub';
import type { ClusterRecord, InMemoryHubTables, OrderRecord } from './in-memory-hub-tables.js';
import { changeStanding, copyOf, storedOrder } from './in-memory-hub-tables.js';

/** OrderStore over the in-memory tables. */
export class InMemoryOrderStore implements OrderStore {
  constructor(private readonly tables: InMemoryHubTables) {}

  async outgoing(sessions: readonly SessionRef[]): Promise<readonly Outgoing[]> {
    const at = this.tables.now();
    return sessions
      .filter((session) => this.authoritative(session))
      .flatMap((session) => {
        const orders = this.of(session.clusterId).reverse();
        const active = orders.map(({ standing, order }) => ({ standing, order, deadline: order.deadline }));
        return commandsFor(active, at).map((command) => ({ session: { ...session }, command: copyOf(command) }));
      });
  }

  async take(session: SessionRef, report: StoredReport): Promise<TakenReport> {
    const cluster = this.authoritative(session);
    if (!cluster) {
      const generation = this.tables.clusters.get(session.clusterId)?.generation ?? 0;
      return { kind: 'fenced', reason: reason('newer_generation', { generation }) };
    }
    if (report.kind === 'facts' && report.facts.uid !== cluster.uid) {
      const uids = { expected: cluster.uid, found: report.facts.uid };
      return { kind: 'fenced', reason: reason('cluster_uid_mismatch', uids) };
    }
    this.tables.heard(cluster);
    if (report.kind !== 'facts') return this.takeOrderReport(cluster, report);
    cluster.facts = copyOf(report.facts);
    return { kind: 'taken', commands: [] };
  }

  async ofCluster(clusterId: string, limit: number): Promise<readonly StoredOrder[]> {
    return this.of(clusterId).slice(0, limit).map(storedOrder);
  }

  private takeOrderReport(cluster: ClusterRecord, report: OrderReport): TakenReport {
    const found = this.tables.orders.get(orderIdOf(report));
    const record = found?.order.clusterId === cluster.id ? found : null;
    const answer = answerReport(record?.standing ?? null, report, this.tables.now());
    if (!record || answer.kind === 'duplicate') return { kind: 'duplicate', commands: answer.commands };
    const before = record.findings;
    const fresh = keepEvidence(record, copyOf(report));
    this.auditSeverities(record.order, before, report);
    changeStanding(record, answer.change, this.tables.now());
    if (answer.event && record.standing.rolloutId !== null) {
      this.tables.append(record.standing.rolloutId, withEvidence(answer.event, record.verdicts));
    }
    return { kind: fresh ? 'taken' : 'duplicate', commands: answer.commands };
  }

  private auditSeverities(order: Order, before: readonly Finding[], report: OrderReport): void {
    if (report.kind !== 'findings') return;
    this.tables.writeAudit(severityAudit({ order, before, findings: report.findings, at: this.tables.now() }));
  }

  private authoritative({ clusterId, generation }: SessionRef): ClusterRecord | null {
    const cluster = this.tables.clusters.get(clusterId);
    return cluster && !cluster.removed && cluster.generation === generation ? cluster : null;
  }

  /** Newest first: epochs grow with each order of a cluster. */
  private of(clusterId: string): OrderRecord[] {
    const own = [...this.tables.orders.values()].filter(({ order }) => order.clusterId === clusterId);
    return own.sort((a, b) => b.order.epoch - a.order.epoch);
  }
}

/** False: it is there already. */
function keepEvidence(record: OrderRecord, report: OrderReport): boolean {
  if (report.kind === 'progress') record.progress = report.progress;
  if (report.kind === 'outcome') record.outcome = report.outcome;
  if (report.kind === 'findings') {
    if (canonicalText(record.findings) === canonicalText(report.findings)) return false;
    record.findings = report.findings;
  }
  if (report.kind === 'receipt') {
    const text = canonicalText(report.receipt);
    if (record.receipts.some((known) => canonicalText(known) === text)) return false;
    record.receipts = [...record.receipts, report.receipt].slice(-MOST_RECEIPTS_PER_ORDER);
  }
  if (report.kind === 'verdict') {
    const { phase, verdict } = report;
    const text = canonicalText({ phase, verdict });
    if (record.verdicts.some((known) => canonicalText(known) === text)) return false;
    record.verdicts = [...record.verdicts, { phase, verdict }].slice(-MOST_VERDICTS_PER_ORDER);
  }
  return true;
}
