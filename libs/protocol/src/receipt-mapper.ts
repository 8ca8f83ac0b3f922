import type { MessageInitShape } from '@bufbuild/protobuf';
import type { BackupKind, Receipt } from '@wavegate/fleet';
import type { Receipt as WireReceipt, ReceiptSchema } from './gen/wavegate/agent/v1/gateway_pb.js';
import { carried, required, safeNumber, sendable, wireInteger } from './wire-values.js';

export function toWireReceipt(receipt: Receipt): MessageInitShape<typeof ReceiptSchema> {
  return {
    backup: receipt.backup ?? '',
    node: receipt.node,
    path: sendable(receipt.path),
    sha256: receipt.sha256,
    revision: wireInteger(receipt.revision),
    totalKeys: wireInteger(receipt.totalKeys),
    sizeBytes: wireInteger(receipt.sizeBytes),
    takenAtUnixMs: wireInteger(receipt.takenAt),
    verified: receipt.verified,
    checks: (receipt.checks ?? []).map(sendable),
    encryptedTo: [...(receipt.encryptedTo ?? [])],
    provenAtUnixMs: wireInteger(receipt.provenAt ?? 0),
  };
}

export function fromWireReceipt(given: WireReceipt | undefined): Receipt {
  const wire = required(given, 'receipt');
  return {
    ...(wire.backup === '' ? {} : { backup: carried<BackupKind>(wire.backup) }),
    node: wire.node,
    path: wire.path,
    sha256: wire.sha256,
    revision: safeNumber(wire.revision, 'receipt.revision'),
    totalKeys: safeNumber(wire.totalKeys, 'receipt.total_keys'),
    sizeBytes: safeNumber(wire.sizeBytes, 'receipt.size_bytes'),
    takenAt: safeNumber(wire.takenAtUnixMs, 'receipt.taken_at'),
    ...(wire.provenAtUnixMs > 0n ? { provenAt: safeNumber(wire.provenAtUnixMs, 'receipt.proven_at') } : {}),
    // A word that is not known proves nothing: only "restore" says that it was restored.
    verified: wire.verified === 'restore' ? 'restore' : 'status',
    ...(wire.checks.length > 0 ? { checks: wire.checks } : {}),
    ...(wire.encryptedTo.length > 0 ? { encryptedTo: wire.encryptedTo } : {}),
  };
}
