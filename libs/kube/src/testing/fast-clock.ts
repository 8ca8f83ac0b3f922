import type { AgentClock, Cancel } from '@wavegate/runtime/agent';

/** A clock that runs so many times faster than the machine's: pauses of minutes pass in a test, in their order. */
export class FastClock implements AgentClock {
  private readonly startedAt = performance.now();

  constructor(private readonly speed: number) {}

  now(): number {
    return 1_700_000_000_000 + Math.round((performance.now() - this.startedAt) * this.speed);
  }

  sleep(ms: number, signal?: Cancel): Promise<void> {
    if (signal?.cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms / this.speed);
      signal?.onCancel(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
