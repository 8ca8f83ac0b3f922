/** What an upgrade must leave as it was: small enough for a journal (about 40 bytes a workload). */
export interface PictureSummary {
  readonly schema: 1;
  /** Epoch ms of the look. */
  readonly at: number;
  readonly version: string;
  /** "Deployment shop/web" → ready replicas. Workloads that had none ready are not held against the upgrade. */
  readonly ready: Readonly<Record<string, number>>;
  /** Workloads with a pod in CrashLoopBackOff already before. */
  readonly crashLooping: readonly string[];
}
