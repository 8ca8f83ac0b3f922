import type { WakeBell } from './ports.js';

/**
 * A bell within one process. A ring is kept until a `next()` has seen it, also when somebody was waiting: a waiter may
 * have given up meanwhile (its sleep came to its end first), and a ring heard by nobody would cost a poll interval.
 * The price is one look too many after most rings; looking is cheap, and looking late is what users notice.
 */
export class InProcessBell implements WakeBell {
  private rung = false;
  private waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  ring(): void {
    this.rung = true;
    this.waiting?.resolve();
    this.waiting = null;
  }

  next(): Promise<void> {
    if (this.rung) {
      this.rung = false;
      return Promise.resolve();
    }
    this.waiting ??= Promise.withResolvers<void>();
    return this.waiting.promise;
  }
}
