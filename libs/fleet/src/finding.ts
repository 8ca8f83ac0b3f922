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
  /** Found by the validation after an upgrade; absent for what was found before. */
  readonly phase?: 'after';
  /** The pods that it is about, for whoever must find them: a bounded number of them; absent where it is about none. */
  readonly pods?: readonly FindingPod[];
}

export interface FindingPod {
  /** "payments/ledger-7c9f" */
  readonly pod: string;
  readonly node: string;
  /** The budgets that guard it, "payments/ledger"; several separated by ", ", '' for none. */
  readonly pdb: string;
}
