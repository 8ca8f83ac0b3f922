import type { AgentClock, AgentRandom, Cancel } from '@wavegate/runtime/agent';

/** The machine's clock. Sleeps end early when cancelled and never reject. */
export const systemClock: AgentClock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, signal),
};

export const systemRandom: AgentRandom = { next: () => Math.random() };

function sleep(ms: number, signal?: Cancel): Promise<void> {
  if (signal?.cancelled) return Promise.resolve();
  return new Promise((resolve) => {
    let forget = (): void => undefined;
    const end = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    // A delay beyond 2^31 ms would fire at once.
    const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
    if (signal) forget = signal.onCancel(end);
  });
}
