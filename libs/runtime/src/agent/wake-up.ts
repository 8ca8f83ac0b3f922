import { CancelSource } from './cancel-source.js';
import type { AgentClock, Cancel } from './ports.js';

/**
 * A sleep that can be ended early. A ring while nobody sleeps is kept for the next sleep: what happened between looking
 * and sleeping is never slept through. Cancelling rings, now and for good.
 */
export class WakeUp {
  private rung = false;
  private sleeper: CancelSource | null = null;

  constructor(
    private readonly clock: AgentClock,
    private readonly cancel: Cancel,
  ) {
    cancel.onCancel(() => this.ring());
  }

  ring(): void {
    this.rung = true;
    this.sleeper?.cancel();
  }

  async sleep(ms: number): Promise<void> {
    if (!this.rung && !this.cancel.cancelled) {
      this.sleeper = new CancelSource();
      await this.clock.sleep(Math.max(0, ms), this.sleeper);
      this.sleeper = null;
    }
    this.rung = false;
  }
}
