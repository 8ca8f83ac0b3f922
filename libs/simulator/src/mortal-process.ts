/** Thrown by nobody and caught by nobody: the type of a promise that a dead process waits for. */
function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

export interface CrashPoints {
  /** Asked before and after each port call ("store.commit:after"); true kills the process right there. */
  crashesAt(point: string): boolean;
}

const NOWHERE: CrashPoints = { crashesAt: () => false };

/**
 * A process that can be killed or paused at any of its awaits. Loops reach the world only through ports; `wrap` makes
 * each port call of a dead process hang for ever and each of a paused one wait. To the loop that *is* death: nothing
 * after the await runs. What a call had already done to the world stays done, as with a real SIGKILL.
 */
export class MortalProcess {
  private dead = false;
  private resumed: Promise<void> | null = null;
  private resume: (() => void) | null = null;
  private readonly deathActs: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly points: CrashPoints = NOWHERE,
  ) {}

  get alive(): boolean {
    return !this.dead;
  }

  get paused(): boolean {
    return this.resumed !== null;
  }

  kill(): void {
    if (this.dead) return;
    this.dead = true;
    for (const act of this.deathActs) act();
  }

  /** What the world does when the process dies: its sockets close. */
  onDeath(act: () => void): void {
    this.deathActs.push(act);
  }

  /** SIGSTOP; the promise of `resume` is what every port call then waits for. */
  pause(): void {
    if (this.resumed !== null) return;
    this.resumed = new Promise((resolve) => (this.resume = resolve));
  }

  /** SIGCONT. */
  proceed(): void {
    const resume = this.resume;
    this.resumed = null;
    this.resume = null;
    resume?.();
  }

  /** The same port, as this process sees it. Methods only; getters and fields are read through. */
  wrap<T extends object>(port: T, name: string): T {
    return new Proxy(port, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        // Reading the clock is no effect, and its answer is no promise that could hang.
        if (key === 'now' && name === 'clock') return member.bind(target) as unknown;
        return (...args: unknown[]) => this.call(() => Reflect.apply(member, target, args), `${name}.${String(key)}`);
      },
    });
  }

  /** A promise of the world as this process sees it. */
  async live<T>(promise: Promise<T>, point: string): Promise<T> {
    try {
      const value = await promise;
      await this.standing(point);
      return value;
    } catch (error) {
      await this.standing(point);
      throw error;
    }
  }

  /** Commands and reports as this process sees them: a dead one never gets the next. */
  async *iterate<T>(source: AsyncIterable<T>, name: string): AsyncGenerator<T> {
    for await (const item of source) {
      await this.standing(`${name}:next`);
      yield item;
    }
    await this.standing(`${name}:end`);
  }

  private call(act: () => unknown, point: string): unknown {
    if (this.dead) return never();
    if (this.crashes(`${point}:before`)) return never();
    const result = act();
    return result instanceof Promise ? this.live(result, `${point}:after`) : result;
  }

  private crashes(point: string): boolean {
    if (!this.dead && this.points.crashesAt(point)) this.kill();
    return this.dead;
  }

  private async standing(point: string): Promise<void> {
    while (this.resumed !== null) await this.resumed;
    if (this.crashes(point)) await never<void>();
  }
}
