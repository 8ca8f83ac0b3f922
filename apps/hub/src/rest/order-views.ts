import { backupOf, describeReceipt, provenAt, type DrainProgress, type Progress, type Receipt } from '@wavegate/fleet';
import type { LastBackup, NamedOrder, StoredSchedule } from '@wavegate/storage';
import type { z } from 'zod';
import type { DrainShape } from './drain-shape.js';
import { toFindingView } from './finding-view.js';
import type * as shapes from './order-shapes.js';
import type { LastBackupShape } from './shapes.js';
import { toOutcomeView, toReasonView, toTime, toTimeOrNull } from './views.js';

type OrderView = z.infer<typeof shapes.OrderShape>;

const ENDED = new Set(['withdrawn', 'refused', 'done']);

export function toOrderView(stored: NamedOrder): OrderView {
  const { order, state, progress, outcome, reason } = stored;
  const { from, to } = order.hop;
  const { kind: _kind, ...args } = order.args ?? { kind: order.kind };
  return {
    id: order.id,
    kind: order.kind,
    cluster: stored.clusterName,
    clusterId: order.clusterId,
    parent: { ...order.parent },
    args: order.args ? { ...args } : null,
    hop: from === to ? from : `${from} → ${to}`,
    planDigest: order.planDigest,
    state,
    ended: ENDED.has(state),
    reason: reason && toReasonView(reason),
    waits: stored.waits && toReasonView(stored.waits),
    createdAt: toTime(stored.createdAt),
    startBy: toTime(order.startBy),
    deadline: toTime(order.deadline),
    confirmedAt: toTimeOrNull(stored.confirmedAt),
    endedAt: toTimeOrNull(stored.endedAt),
    // The progress of an ended order says nothing about now.
    progress: progress && !ENDED.has(state) ? toProgressView(progress) : null,
    findings: stored.findings.map(toFindingView),
    receipts: stored.receipts.map(toReceiptView),
    outcome: outcome && toOutcomeView(outcome),
  };
}

function toProgressView(progress: Progress): NonNullable<OrderView['progress']> {
  const { phase, nodesDone, nodesTotal, drains = [] } = progress;
  return {
    ...{ phase, nodesDone, nodesTotal, reason: toReasonView(progress.reason), since: toTime(progress.since) },
    drains: drains.map(toDrainView),
  };
}

export function toDrainView({ node, counts, waits }: DrainProgress): z.infer<typeof DrainShape> {
  return { node, counts: { ...counts }, waits: waits.map((wait) => ({ ...wait, since: toTime(wait.since) })) };
}

export function toReceiptView(receipt: Receipt): z.infer<typeof shapes.ReceiptShape> {
  const { node, path, sha256, revision, totalKeys, sizeBytes, verified, checks = [], encryptedTo = [] } = receipt;
  return {
    ...{ backup: backupOf(receipt), text: describeReceipt(receipt), takenAt: toTime(receipt.takenAt) },
    provenAt: toTime(provenAt(receipt)),
    ...{ node, path, sha256, revision, totalKeys, sizeBytes, verified },
    ...{ checks: [...checks], encryptedTo: [...encryptedTo] },
  };
}

export function toLastBackupView(last: LastBackup | null): z.infer<typeof LastBackupShape> | null {
  if (!last) return null;
  const { orderId: order, receipt } = last;
  // A drill and a restore are proofs of today, of a backup that may be old.
  const at = toTime(provenAt(receipt));
  return { order, at, backup: backupOf(receipt), text: describeReceipt(receipt), verified: receipt.verified };
}

export function toScheduleView(schedule: StoredSchedule): z.infer<typeof shapes.ScheduleShape> {
  const { id, name, selector, rule, kind, createdBy, lastRun } = schedule;
  const { kind: _kind, ...args } = schedule.args;
  return {
    ...{ id, name, selector, ...rule, kind, args, createdBy },
    createdAt: toTime(schedule.createdAt),
    nextAt: toTimeOrNull(schedule.nextAt),
    lastRun: lastRun && { ...lastRun, dueAt: toTime(lastRun.dueAt), left: lastRun.left.map((one) => ({ ...one })) },
  };
}
