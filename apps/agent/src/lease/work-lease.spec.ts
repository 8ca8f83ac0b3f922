import { describe, expect, it } from '@jest/globals';
import type { SeenLease } from '@wavegate/kube';
import { CancelSource, type AgentClock, type Cancel } from '@wavegate/runtime/agent';
import { LEASE_TIMES, WorkLease, type LeaseStore } from './work-lease.js';
import { whileLeased } from './while-leased.js';

/** A clock that is played: time passes only when every sleeper waits, and then to the next one's end. */
class PlayedClock implements AgentClock {
  private at = 1_000_000;
  private readonly sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.at;
  }

  sleep(ms: number, signal?: Cancel): Promise<void> {
    return new Promise((wake) => {
      this.sleepers.push({ until: this.at + ms, wake });
      signal?.onCancel(wake);
    });
  }

  async run(ms: number): Promise<void> {
    const end = this.at + ms;
    for (;;) {
      for (let turn = 0; turn < 30; turn++) await Promise.resolve();
      const next = this.sleepers.filter(({ until }) => until <= end).sort((a, b) => a.until - b.until)[0];
      if (!next) break;
      this.sleepers.splice(this.sleepers.indexOf(next), 1);
      this.at = Math.max(this.at, next.until);
      next.wake();
    }
    this.at = end;
  }
}

/** One Lease on one API server, with the reach that each agent has to it. */
class PlayedServer {
  lease: SeenLease | null = null;
  private writes = 0;

  /** As one agent reaches it; `hangs`: requests arrive and are never answered, `refuses`: they do not arrive. */
  reachedBy(reach: { way: 'good' | 'refuses' | 'hangs' | 'loses answers' }): LeaseStore {
    const passed = async <T>(act: () => T): Promise<T> => {
      if (reach.way === 'hangs') return new Promise<T>(() => undefined);
      if (reach.way === 'refuses') throw Object.assign(new Error('connection refused'), { code: 0 });
      const done = act();
      await Promise.resolve();
      if (reach.way === 'loses answers') throw Object.assign(new Error('reset'), { code: 0 });
      return done;
    };
    return {
      read: () => passed(() => this.lease),
      write: (seen, holder) =>
        passed(() => {
          if (seen && !this.lease) throw Object.assign(new Error('not found'), { code: 404 });
          if (seen?.version !== this.lease?.version) throw Object.assign(new Error('conflict'), { code: 409 });
          return this.put(holder);
        }),
    };
  }

  put(holder: string): SeenLease {
    this.writes += 1;
    this.lease = { holder, version: String(this.writes), durationMs: LEASE_TIMES.durationMs, object: {} };
    return this.lease;
  }
}

class World {
  readonly clock = new PlayedClock();
  readonly server = new PlayedServer();
  /** Who works now. Two at once is what must never be. */
  readonly working = new Set<string>();
  readonly story: string[] = [];

  agent(holder: string) {
    const reach: { way: 'good' | 'refuses' | 'hangs' | 'loses answers' } = { way: 'good' };
    const stop = new CancelSource();
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const lease = new WorkLease({ store: this.server.reachedBy(reach), holder, clock: this.clock, log });
    const ends = (how: string): void => {
      if (this.working.delete(holder)) this.story.push(`${holder} ${how}`);
    };
    const ended = whileLeased(
      { lease, cancel: stop, log, end: () => ends('ends'), onStandBy: () => undefined },
      async () => {
        this.working.add(holder);
        this.story.push(`${holder} works`);
        await new Promise<void>((done) => void stop.onCancel(done));
        ends('left');
      },
    );
    return { reach, stop, ended };
  }
}

describe('the lease by which one of several agents works', () => {
  it('two that start together → one works, the other stands by for as long as the first renews', async () => {
    const world = new World();
    world.agent('a');
    world.agent('b');
    await world.clock.run(3_600_000);
    expect(world.story).toEqual(['a works']);
  });

  it.each(['refuses', 'hangs'] as const)(
    'an API server that %s the holder’s requests → it ends 20 s after its last renewal, and only then another begins',
    async (way) => {
      const world = new World();
      const first = world.agent('a');
      world.agent('b');
      await world.clock.run(60_000);
      first.reach.way = way;
      const cutAt = world.clock.now();
      while (world.working.has('a')) await world.clock.run(500);
      expect(world.clock.now() - cutAt).toBeLessThanOrEqual(LEASE_TIMES.renewWithinMs + 500);
      expect(world.server.lease?.holder).toBe('a');
      await world.clock.run(LEASE_TIMES.durationMs);
      expect(world.story).toEqual(['a works', 'a ends', 'b works']);
    },
  );

  it('the API server away from both for minutes → the holder ends; back again, one of them works', async () => {
    const world = new World();
    const first = world.agent('a');
    const second = world.agent('b');
    await world.clock.run(60_000);
    for (const { reach } of [first, second]) reach.way = 'refuses';
    await world.clock.run(120_000);
    expect([...world.working]).toEqual([]);
    second.reach.way = 'good';
    await world.clock.run(LEASE_TIMES.lookEveryMs + 500);
    expect([...world.working]).toEqual(['b']);
  });

  it('a holder asked to stop → it keeps the lease until its work has left, then another works within seconds', async () => {
    const world = new World();
    const first = world.agent('a');
    world.agent('b');
    await world.clock.run(60_000);
    first.stop.cancel();
    await world.clock.run(LEASE_TIMES.lookEveryMs + 500);
    expect(world.story).toEqual(['a works', 'a left', 'b works']);
    await first.ended;
  });

  it('another that has taken it, whyever → the holder ends at its next renewal', async () => {
    const world = new World();
    world.agent('a');
    await world.clock.run(60_000);
    world.server.put('intruder');
    await world.clock.run(LEASE_TIMES.renewEveryMs + 500);
    expect(world.story).toEqual(['a works', 'a ends']);
  });

  it('a write of its own whose answer was lost, or a label from an admin → no loss', async () => {
    const world = new World();
    const first = world.agent('a');
    world.agent('b');
    await world.clock.run(60_000);
    first.reach.way = 'loses answers';
    await world.clock.run(LEASE_TIMES.renewEveryMs + 100);
    first.reach.way = 'good';
    await world.clock.run(60_000);
    world.server.put('a');
    await world.clock.run(3_600_000);
    expect(world.story).toEqual(['a works']);
  });

  it('the Lease deleted under its holder → it ends; the next one makes it anew', async () => {
    const world = new World();
    world.agent('a');
    world.agent('b');
    await world.clock.run(59_500);
    world.server.lease = null;
    await world.clock.run(LEASE_TIMES.durationMs + LEASE_TIMES.lookEveryMs);
    expect(world.story).toEqual(['a works', 'a ends', 'b works']);
  });

  it('an agent that starts while a lease is held by one that was killed → waits its whole duration, by its own clock', async () => {
    const world = new World();
    world.server.put('killed');
    world.agent('b');
    await world.clock.run(LEASE_TIMES.durationMs - 500);
    expect(world.story).toEqual([]);
    await world.clock.run(LEASE_TIMES.lookEveryMs + 500);
    expect(world.story).toEqual(['b works']);
  });

  it('stopped while it stands by → it never works, and ends', async () => {
    const world = new World();
    world.agent('a');
    await world.clock.run(1_000);
    const second = world.agent('b');
    await world.clock.run(1_000);
    second.stop.cancel();
    await world.clock.run(5_000);
    await second.ended;
    expect(world.story).toEqual(['a works']);
  });
});
