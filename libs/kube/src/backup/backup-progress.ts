/** What a backup is doing, for a terminal and for a log. Lossy. */
export interface BackupProgress {
  /** In words: "saving the snapshot". */
  readonly step: string;
  /** Bytes or objects; total null where nobody knows it before the end. */
  readonly done: number;
  readonly total: number | null;
  readonly unit: 'bytes' | 'objects' | '';
}

export type SayProgress = (progress: BackupProgress) => void;

export const stepOf = (step: string): BackupProgress => ({ step, done: 0, total: null, unit: '' });
