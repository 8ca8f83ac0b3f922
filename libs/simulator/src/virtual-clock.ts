import type { Cancel } from '@wavegate/runtime/agent';
import type { WakeBell } from '@wavegate/runtime/hub';

/** Lets everything that is ready run (promise callbacks), without letting time pass. Given by whoever has a real event loop. */
export type Flush = () => Promise<void>;

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/**
 * Time that stands still while code runs and jumps to the next timer when all have run. Timers come due by time, then
 * by insertion: one seed, one order of events.
 */
export class VirtualClock {
  private readonly timers: Timer[] = [];
  private inserted = 0;

  constructor(private time: number) {}

  now(): number {
    return this.time;
  }

  /** Calls `act` at `at` (at once in virtual time when that has passed); the answer takes it back. */
  schedule(at: number, act: () => void): () => void {
    const timer: Timer = { at: Math.max(at, this.time), order: this.inserted++, act };
    this.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.remove(index);
    };
  }

  /** Resolves after `ms`, earlier when `wake` is cancelled or rings; never rejects. */
  sleep(ms: number, wake?: Cancel | WakeBell): Promise<void> {
    return new Promise((resolve) => {
      let forget: () => void = () => {};
      const cancelTimer = this.schedule(this.time + ms, () => {
        forget();
        resolve();
      });
      const early = (): void => {
        cancelTimer();
        resolve();
      };
      if (wake === undefined) return;
      if (wake instanceof VirtualBell) forget = wake.onRing(early);
      else if ('onCancel' in wake) forget = wake.onCancel(early);
      else void wake.next().then(early);
    });
  }

  /**
   * Runs timers until `until` (epoch ms) or until `stop` says so, flushing before each. Returns false when nothing was
   * left to come due before `until`.
   */
  async run(until: number, flush: Flush, stop: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      await flush();
      if (stop()) return true;
      const next = this.timers[0];
      if (next === undefined || next.at > until) {
        this.time = Math.max(this.time, until);
        return next !== undefined;
      }
      this.remove(0);
      this.time = next.at;
      next.act();
    }
  }

  // A binary heap over (at, order): a run has some hundred timers open and some hundred thousand in all.
  private push(timer: Timer): void {
    this.timers.push(timer);
    this.siftUp(this.timers.length - 1);
  }

  private remove(index: number): void {
    const last = this.timers.pop();
    if (last === undefined || index === this.timers.length) return;
    this.timers[index] = last;
    this.siftDown(index);
    this.siftUp(index);
  }

  private siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  private siftDown(start: number): void {
    let index = start;
    for (;;) {
      const left = index * 2 + 1;
      const right = left + 1;
      let least = left;
      if (right < this.timers.length && this.earlier(right, left)) least = right;
      if (least >= this.timers.length || !this.swapIfEarlier(least, index)) return;
      index = least;
    }
  }

  private earlier(one: number, other: number): boolean {
    const a = this.timers[one]!;
    const b = this.timers[other]!;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  private swapIfEarlier(child: number, parent: number): boolean {
    if (!this.earlier(child, parent)) return false;
    const kept = this.timers[child]!;
    this.timers[child] = this.timers[parent]!;
    this.timers[parent] = kept;
    return true;
  }
}

/** A bell whose ring is kept until somebody waits for it, and which can forget somebody who stopped waiting. */
export class VirtualBell implements WakeBell {
  private rung = false;
  private readonly waiting = new Set<() => void>();

  ring(): void {
    if (this.waiting.size === 0) this.rung = true;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const act of waiting) act();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.onRing(resolve));
  }

  /** Calls `act` at the next ring, at once if one was not yet consumed; the answer stops that. */
  onRing(act: () => void): () => void {
    if (this.rung) {
      this.rung = false;
      act();
      return () => {};
    }
    this.waiting.add(act);
    return () => this.waiting.delete(act);
  }
}
