export type Severity = 'block' | 'warn' | 'info';

/** One preflight result: what was seen on which object, and what a person can do about it. */
export interface Finding {
  /** snake_case, stable: scripts filter by it. */
  readonly code: string;
  readonly severity: Severity;
  /** "payments/ledger", "cp-2", "etcd": what the finding is about. */
  readonly object: string;
  readonly message: string;
  /** What would be right. */
  readonly remedy: string;
  /** Who owns the object, where a label tells; '' otherwise. */
  readonly owner: string;
}
