import { CancelSource, type AgentLog, type Cancel } from '@wavegate/runtime/agent';
import type { WorkLease } from './work-lease.js';

export interface LeasedWork {
  readonly lease: WorkLease;
  /** Asks to stop: the work leaves at a safe point and keeps the lease until then. */
  readonly cancel: Cancel;
  readonly log: AgentLog;
  /** Ends the process where it stands, as a kill would; the journal makes that safe. */
  readonly end: () => void;
  /** True while it stands by. */
  readonly onStandBy: (standsBy: boolean) => void;
}

/** Stands by until the lease is held, then works; resolves when the work has ended, or when stopped before it began. */
export async function whileLeased(means: LeasedWork, work: () => Promise<void>): Promise<void> {
  const { lease, cancel, log, end, onStandBy } = means;
  onStandBy(true);
  const isOurs = await lease.acquire(cancel);
  onStandBy(false);
  if (!isOurs) return;
  const over = new CancelSource();
  const keeping = lease.keep(over).then((lost) => {
    if (lost === null) return;
    log.warn('the lease is lost: this agent ends at once, another goes on from its journal', { cause: lost });
    end();
  });
  try {
    await work();
  } finally {
    over.cancel();
    await keeping;
    await lease.release();
  }
}
