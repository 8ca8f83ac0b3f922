import { toTerminationMessage, type BackupProgress, type ReceiptFile, type SayProgress } from '@wavegate/kube';
import { writeFileSync } from 'node:fs';
import { table } from './table.js';

export interface OutputOptions {
  readonly output: string;
}

const REDRAW_MS = 200;

/** Progress on stderr: one line that moves on a terminal, a line per step elsewhere. */
export class ProgressLine {
  private lastStep = '';
  private drawnAt = 0;

  readonly say: SayProgress = (progress) => {
    if (!process.stderr.isTTY) return this.perStep(progress);
    if (progress.step === this.lastStep && Date.now() - this.drawnAt < REDRAW_MS) return;
    this.lastStep = progress.step;
    this.drawnAt = Date.now();
    process.stderr.write(`\r\u001b[K  ${progress.step} ${amount(progress)}`);
  };

  end(): void {
    if (process.stderr.isTTY && this.lastStep) process.stderr.write('\r\u001b[K');
  }

  private perStep({ step }: BackupProgress): void {
    if (step === this.lastStep) return;
    this.lastStep = step;
    process.stderr.write(`  ${step}\n`);
  }
}

function amount({ done, total, unit }: BackupProgress): string {
  if (unit === '') return '';
  const of = unit === 'bytes' ? size : (value: number) => value.toLocaleString('en-US');
  // The archive is a little larger than the database that its total is known by.
  return total === null || done > total ? of(done) : `${of(done)} of ${of(total)}`;
}

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** What was taken and how far it is proven, for a person. */
export function receiptLines(receipt: ReceiptFile): readonly string[] {
  const { object, snapshot, encryptedTo } = receipt;
  const how =
    receipt.verified === 'restore' ? 'restored' : receipt.kind === 'etcd' ? 'hash and pages only' : 'read back';
  const rows = [
    ['path', `${object.path} (${size(object.sizeBytes)})`],
    ['sha256', object.sha256],
    ['taken', receipt.takenAt],
    ['proven', how],
    ...(snapshot ? [['etcd', etcdLine(snapshot)]] : []),
    ...(receipt.export ? [['objects', exportLine(receipt.export)]] : []),
    ['opens with', encryptedTo.length > 0 ? encryptedTo.join(', ') : 'no key: it is not encrypted'],
  ];
  return [...table(rows, '  '), ...receipt.checks.map((check) => `  · ${check}`), ...advice(receipt)];
}

function etcdLine({ etcdVersion, revision, registryKeys }: NonNullable<ReceiptFile['snapshot']>): string {
  return `${etcdVersion}, revision ${revision}, ${registryKeys.toLocaleString('en-US')} Kubernetes objects`;
}

function exportLine({ objects, byKind }: NonNullable<ReceiptFile['export']>): string {
  return `${objects.toLocaleString('en-US')} of ${Object.keys(byKind).length} kinds`;
}

function advice({ encryptedTo }: ReceiptFile): readonly string[] {
  if (encryptedTo.length !== 1) return [];
  return [
    '  ! only one key opens it: add an offline recovery key (a second --recipient), or its loss loses the backups',
  ];
}

/** Leaves the outcome where the kubelet looks for it. */
export function leaveTermination(file: string | undefined, outcome: Parameters<typeof toTerminationMessage>[0]): void {
  if (file) writeFileSync(file, toTerminationMessage(outcome));
}
