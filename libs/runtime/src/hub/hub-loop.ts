import type { HubCancel, HubClock, HubLog, HubRandom, WakeBell } from './ports.js';

/** What every loop of the hub needs of the world. */
export interface LoopPorts {
  readonly clock: HubClock;
  readonly random: HubRandom;
  readonly log: HubLog;
  readonly cancel: HubCancel;
}

export interface Loop {
  readonly name: string;
  /** One look at the store. True: there may be more right now, look again without resting. */
  pass(): Promise<boolean>;
  /** Drops everything held in memory: the store is the truth, and after a throw nobody knows how old memory is. */
  forget(): void;
  readonly pollMs: number;
  readonly bell: WakeBell | null;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** A store that is away for a moment is nobody's emergency; one that stays away is. */
const FAILURES_BEFORE_ERROR = 5;

/**
 * The one way a loop of the hub runs: pass, rest (or go on at once), and after a throw forget all, wait with full
 * jitter, and start again from the store. Never throws; resolves after cancellation.
 */
export async function runLoop(loop: Loop, ports: LoopPorts): Promise<void> {
  const { cancel, log } = ports;
  let failures = 0;
  while (!cancel.cancelled) {
    try {
      const more = await loop.pass();
      failures = 0;
      if (!more) await rest(ports, loop.pollMs, loop.bell);
    } catch (error) {
      if (cancel.cancelled) return;
      loop.forget();
      failures += 1;
      const level = failures >= FAILURES_BEFORE_ERROR ? 'error' : 'warn';
      log[level](`${loop.name}: starting again from the store`, { failures, error });
      // Without the bell: while the store is away, every ring would be one more futile try.
      await rest(ports, retryMs(failures, ports.random), null);
    }
  }
}

/** Full jitter: replicas that lost the same database must not come back in step. */
export function retryMs(failures: number, random: HubRandom): number {
  const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return Math.round(ceiling * (0.1 + 0.9 * random.next()));
}

async function rest({ clock, cancel }: LoopPorts, ms: number, bell: WakeBell | null): Promise<void> {
  let forget = (): void => undefined;
  const cancelled = new Promise<void>((resolve) => {
    forget = cancel.onCancel(resolve);
  });
  try {
    await Promise.race([clock.sleep(ms, bell ?? undefined), cancelled]);
  } finally {
    forget();
  }
}
