import type { Finding } from '@wavegate/fleet';
import { severityAudit } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Statements } from './database.js';
import { toOrder } from './order-rows.js';
import type { OrderRow } from './rows.js';

/** Findings that an order's row did not hold before. */
export interface FindingsSeen {
  readonly orderId: string;
  readonly before: readonly Finding[];
  readonly findings: readonly Finding[];
  readonly at: number;
}

/** Only of plans that change severities: most have no such rule, and their texts are not read. */
const RULED = `
  SELECT o.id, o.body, o.epoch, p.canonical FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.id = ANY($1::text[]) AND p.canonical LIKE '%"severities":[{%'`;

/** Writes down which waivers were used. Call it last in a transaction: it takes the audit's head. */
export async function auditSeverities(tx: Statements, seen: readonly FindingsSeen[]): Promise<void> {
  if (seen.length === 0) return;
  const rows = await tx.rows<Pick<OrderRow, 'id' | 'body' | 'epoch' | 'canonical'>>(RULED, [
    [...new Set(seen.map(({ orderId }) => orderId))],
  ]);
  const orders = new Map(rows.map((row) => [row.id, toOrder(row)]));
  const lines = seen.flatMap(({ orderId, before, findings, at }) => {
    const order = orders.get(orderId);
    return order ? severityAudit({ order, before, findings, at }) : [];
  });
  await appendAudit(tx, lines);
}
