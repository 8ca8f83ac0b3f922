import { isConflict, isGone, toKubeError, type SeenLease } from '@wavegate/kube';
import type { AgentClock, AgentLog, Cancel } from '@wavegate/runtime/agent';

/**
 * Whoever holds the lease stops 10 s before anybody else may start: for a clock that runs unevenly, a timer that is late
 * and a request that is still on its way. Nobody compares clocks of two machines: each measures by its own how long it
 * has seen the lease unchanged.
 */
export const LEASE_TIMES = { durationMs: 30_000, renewWithinMs: 20_000, renewEveryMs: 5_000, lookEveryMs: 2_000 };

export interface LeaseStore {
  read(): Promise<SeenLease | null>;
  write(seen: SeenLease | null, holder: string, at: number): Promise<SeenLease>;
}

export interface WorkLeaseMeans {
  readonly store: LeaseStore;
  /** Of this process and of no other, not even of its own pod after a restart. */
  readonly holder: string;
  readonly clock: AgentClock;
  readonly log: AgentLog;
  readonly times?: typeof LEASE_TIMES;
}

/**
 * Of several agents of one cluster exactly one works: the holder of this lease. It is no guard against a process that was
 * frozen and does not know it yet; that one is the journals' compare-and-swap, which is never given up.
 *
 * standing by --free, or unchanged for its duration--> held --renewed--> held
 *                                                       `--taken, deleted, or not renewed in time--> lost: the process ends
 */
export class WorkLease {
  private readonly times: typeof LEASE_TIMES;
  private watched: { readonly version: string; readonly since: number } | null = null;
  private held: SeenLease | null = null;
  private goodUntil = 0;
  private said = '';

  constructor(private readonly means: WorkLeaseMeans) {
    this.times = means.times ?? LEASE_TIMES;
  }

  /** Resolves with true once it is held; with false when cancelled before. */
  async acquire(cancel: Cancel): Promise<boolean> {
    const { clock } = this.means;
    while (!cancel.cancelled) {
      if (await this.tryTake()) return true;
      await clock.sleep(this.times.lookEveryMs, cancel);
    }
    return false;
  }

  /** Renews until told to stop (null), or until it is lost: answers why. */
  async keep(stop: Cancel): Promise<string | null> {
    const { clock } = this.means;
    while (!stop.cancelled) {
      await clock.sleep(Math.min(this.times.renewEveryMs, this.leftMs()), stop);
      if (stop.cancelled) return null;
      // A request may hang for as long as its own bound: the lease's time is not its to spend.
      const lost = await Promise.race([this.renew(), clock.sleep(this.leftMs(), stop).then(() => null)]);
      if (lost !== null && !stop.cancelled) return lost;
      if (this.leftMs() === 0 && !stop.cancelled) return `not renewed for ${this.times.renewWithinMs / 1000} s`;
    }
    return null;
  }

  /** Lets it go, so that another takes it at once. Where that fails, the other one waits. Never rejects. */
  async release(): Promise<void> {
    const { store, clock, log } = this.means;
    const held = this.held;
    this.held = null;
    if (!held) return;
    try {
      await store.write(held, '', clock.now());
    } catch (error) {
      log.info('lease not let go: another agent waits until it runs out', { detail: toKubeError(error).message });
    }
  }

  private leftMs(): number {
    return Math.max(0, this.goodUntil - this.means.clock.now());
  }

  private async tryTake(): Promise<boolean> {
    const { store, holder, clock } = this.means;
    const askedAt = clock.now();
    try {
      const seen = await store.read();
      if (!this.isFree(seen)) return this.standBy(`agent ${seen?.holder ?? '?'} works; this one stands by`);
      this.holds(await store.write(seen, holder, askedAt), askedAt);
      this.means.log.info('this agent works: it holds the lease', { holder });
      return true;
    } catch (error) {
      if (isConflict(error)) return this.standBy('another agent was quicker; this one stands by');
      return this.standBy(`the lease cannot be asked for: ${toKubeError(error).message}`);
    }
  }

  private standBy(line: string): false {
    if (line !== this.said) this.means.log.info(line);
    this.said = line;
    return false;
  }

  /** Counted from the moment this process first saw that version: later than it was written, never earlier. */
  private isFree(seen: SeenLease | null): boolean {
    // One that was never there has no holder; one that was deleted has, until that one's next renewal.
    if (seen ? seen.holder === '' : !this.watched) return true;
    const since = this.unchangedSince(seen?.version ?? 'deleted');
    return this.means.clock.now() - since >= Math.max(seen?.durationMs ?? 0, this.times.durationMs);
  }

  private unchangedSince(version: string): number {
    if (this.watched?.version !== version) this.watched = { version, since: this.means.clock.now() };
    return this.watched.since;
  }

  /** `askedAt`: before the request was sent, which is the earliest it can have been written. */
  private holds(lease: SeenLease, askedAt: number): void {
    this.held = lease;
    this.goodUntil = askedAt + this.times.renewWithinMs;
  }

  /** Null, or why it is lost. */
  private async renew(): Promise<string | null> {
    const { store, holder, clock, log } = this.means;
    const askedAt = clock.now();
    try {
      this.holds(await store.write(this.held, holder, askedAt), askedAt);
      return null;
    } catch (error) {
      if (isGone(error)) return 'it was deleted';
      if (isConflict(error)) return this.afterConflict();
      log.warn('lease not renewed', { detail: toKubeError(error).message });
      return null;
    }
  }

  /** Somebody wrote: another agent, an admin's label, or we ourselves by a request whose answer was lost. */
  private async afterConflict(): Promise<string | null> {
    const { store, holder } = this.means;
    try {
      const seen = await store.read();
      if (seen === null || seen.holder !== holder)
        return seen?.holder ? `agent ${seen.holder} has taken it` : 'it was taken away';
      this.held = seen;
    } catch {
      // Asked again by the next renewal.
    }
    return null;
  }
}
