/** A token bucket: `perSecond` on average, as many at once. Time is asked of the clock given. */
export class RateLimit {
  #left: number;
  #at: number;

  constructor(
    private readonly perSecond: number,
    private readonly clock: { now(): number },
  ) {
    this.#left = perSecond;
    this.#at = clock.now();
  }

  /** 0 when this call may go on; otherwise ms until one may. */
  waitMs(): number {
    const now = this.clock.now();
    // A clock set back must not stop the bucket from filling.
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#left = Math.min(this.perSecond, this.#left + (passed * this.perSecond) / 1000);
    if (this.#left < 1) return Math.ceil(((1 - this.#left) * 1000) / this.perSecond);
    this.#left -= 1;
    return 0;
  }
}
