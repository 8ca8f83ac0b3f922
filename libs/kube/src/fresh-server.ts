import type { AgentClock } from '@wavegate/runtime/agent';
import { toKubeError } from './kube-error.js';

/**
 * An API server that has just started refuses everybody, with 401 or 403, until it has loaded their rights: seen for
 * half a second, on a machine with little else to do. After this long a refusal is believed.
 */
export const FRESH_MS = 30_000;
const PAUSE_MS = 1_000;

/** Asks again for a while where a right seems to be missing. */
export async function unlessFresh<T>(clock: AgentClock, ask: () => Promise<T>): Promise<T> {
  const until = clock.now() + FRESH_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isRefusedForNow(error) || clock.now() >= until) throw error;
      await clock.sleep(PAUSE_MS);
    }
  }
}

/** A 403 with a cause has looked at what was asked: a namespace being deleted, an admission's policy. */
function isRefusedForNow(error: unknown): boolean {
  const { code, causes } = toKubeError(error);
  return code === 401 || (code === 403 && causes.length === 0);
}
