import type { AgentRandom } from './ports.js';

/** Full jitter: uniform between 0 and a limit that doubles, so that a thousand agents do not come back as one. */
export class BackOff {
  private failures = 0;

  constructor(
    private readonly random: AgentRandom,
    private readonly baseMs = 1_000,
    private readonly capMs = 30_000,
  ) {}

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const limit = Math.min(this.capMs, this.baseMs * 2 ** Math.min(this.failures, 20));
    this.failures += 1;
    return this.random.next() * limit;
  }

  reset(): void {
    this.failures = 0;
  }
}
