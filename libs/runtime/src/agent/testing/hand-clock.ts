import type { AgentClock, Cancel } from '../ports.js';
import { START } from './sample-order.js';

/** Time that moves only when a test says so: timers come due one by one, everything ready runs in between. */
export class HandClock implements AgentClock {
  private time = START;
  private timers: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  private made = 0;

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal?: Cancel): Promise<void> {
    return new Promise((resolve) => {
      const timer = { at: this.time + Math.max(0, ms), order: this.made++, act: resolve };
      this.timers.push(timer);
      signal?.onCancel(() => {
        this.timers = this.timers.filter((other) => other !== timer);
        resolve();
      });
    });
  }

  /** Lets time pass until `stop` says so, or for `ms`; true when it was stopped. */
  async run(ms: number, stop: () => boolean = () => false): Promise<boolean> {
    const until = this.time + ms;
    for (;;) {
      await settled();
      if (stop()) return true;
      const [next] = this.timers.sort((a, b) => a.at - b.at || a.order - b.order);
      if (!next || next.at > until) break;
      this.timers.shift();
      this.time = Math.max(this.time, next.at);
      next.act();
    }
    this.time = until;
    return false;
  }
}

/** Everything that was ready has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
