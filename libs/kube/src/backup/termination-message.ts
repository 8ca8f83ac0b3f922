import type { Receipt } from '@wavegate/runtime/agent';
import type { ReceiptFile } from './receipt-file.js';

/** Kubernetes cuts termination messages at 4 KiB; a cut one could not be read. */
const LIMIT = 4_000;
/** For whoever reads the order: at a terminal the program says it by itself. */
const ONE_KEY =
  'only one key opens it: add an offline recovery key as a second recipient, or its loss loses the backups';

/** What a later proof of a stored backup says in the place of what was said when it was taken. */
export type Drill = Required<Pick<Receipt, 'provenAt' | 'verified' | 'checks'>>;

/** The receipt in the words that agent and hub share. */
export function toSharedReceipt(file: ReceiptFile, drill?: Drill): Receipt {
  return {
    backup: file.kind,
    node: file.node,
    path: file.object.path,
    sha256: file.object.sha256,
    revision: file.snapshot?.revision ?? 0,
    totalKeys: file.snapshot?.totalKeys ?? file.export?.objects ?? 0,
    sizeBytes: file.object.sizeBytes,
    takenAt: Date.parse(file.takenAt),
    verified: file.verified,
    checks: [...file.checks, ...(file.encryptedTo.length === 1 ? [ONE_KEY] : [])],
    encryptedTo: file.encryptedTo,
    ...drill,
  };
}

/** One line of JSON that fits; the sentences about the proof are shortened first, they are all in the receipt file. */
export function toTerminationMessage(
  of: { readonly receipt: ReceiptFile; readonly drill?: Drill } | { readonly error: string },
): string {
  if ('error' in of) return JSON.stringify({ ok: false, error: of.error.slice(0, LIMIT / 2) });
  const receipt = toSharedReceipt(of.receipt, of.drill);
  const whole = JSON.stringify({ ok: true, ...receipt });
  if (Buffer.byteLength(whole) <= LIMIT) return whole;
  const short = receipt.checks?.map((line) => line.slice(0, 120)).slice(0, 8);
  return JSON.stringify({ ok: true, ...receipt, checks: short, encryptedTo: receipt.encryptedTo?.slice(0, 8) });
}
