import type { FormatTime } from './describe-reason.js';
import { isoMinute } from './iso-minute.js';
import { backupOf, type Receipt } from './receipt.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** "etcd on cp-1 at 2026-11-21T06:30Z: 4.2 MiB, 10230 keys at revision 88213, restored for proof". */
export function describeReceipt(receipt: Receipt, formatTime: FormatTime = isoMinute): string {
  const kind = backupOf(receipt);
  const where = receipt.node ? ` on ${receipt.node}` : '';
  const what =
    kind === 'etcd' ? `${receipt.totalKeys} keys at revision ${receipt.revision}` : `${receipt.totalKeys} objects`;
  const later = receipt.provenAt === undefined ? '' : ` at ${formatTime(receipt.provenAt)}`;
  const proof = `${receipt.verified === 'restore' ? 'restored for proof' : 'looked at, not restored'}${later}`;
  const sealed = receipt.encryptedTo?.length ? `, encrypted to ${receipt.encryptedTo.length} recipients` : '';
  const size = receipt.sizeBytes > 0 ? `${describeBytes(receipt.sizeBytes)}, ` : '';
  return `${kind}${where} at ${formatTime(receipt.takenAt)}: ${size}${what}, ${proof}${sealed}`;
}

/** "512 B", "4.2 MiB": binary units, one decimal below ten. */
export function describeBytes(bytes: number): string {
  let [value, unit] = [Math.max(0, bytes), 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const shown = unit > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
  return `${shown} ${UNITS[unit]}`;
}
