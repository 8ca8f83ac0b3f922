import { describe, expect, it } from '@jest/globals';
import type { HubCommand } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { Decision, Rollout, RolloutEvent } from '@wavegate/rollout';
import { InProcessBell } from './in-process-bell.js';
import { OrderDispatcher } from './order-dispatcher.js';
import type {
  AgentStream,
  HubCancel,
  HubClock,
  HubLog,
  OrderStore,
  Outgoing,
  SessionRef,
  SessionStore,
} from './ports.js';
import { decideBatch } from './rollout-batch.js';
import { keepSessions } from './session-keeper.js';
import { SessionRegistry } from './session-registry.js';
import { sampleRollout } from './testing/sample-rollout.js';

const log: HubLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
const random = { next: () => 0.5 };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time moves when the test says so; everything that is due then runs. */
class HandClock implements HubClock {
  private time = 0;
  private sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.time;
  }

  sleep(ms: number, bell?: { next(): Promise<void> }): Promise<void> {
    const slept = new Promise<void>((wake) => this.sleepers.push({ until: this.time + ms, wake }));
    return bell ? Promise.race([slept, bell.next()]) : slept;
  }

  async pass(ms: number, stepMs = 1_000): Promise<void> {
    const end = this.time + ms;
    while (this.time < end) {
      await settle();
      this.time = Math.min(end, this.time + stepMs);
      const due = this.sleepers.filter(({ until }) => until <= this.time);
      this.sleepers = this.sleepers.filter(({ until }) => until > this.time);
      for (const { wake } of due) wake();
      await settle();
    }
  }
}

function cancellation(): HubCancel & { stop(): void } {
  const acts = new Set<() => void>();
  const own = {
    cancelled: false,
    onCancel: (act: () => void) => (acts.add(act), () => void acts.delete(act)),
    stop: () => {
      own.cancelled = true;
      for (const act of acts) act();
    },
  };
  return own;
}

interface PlayedStream extends AgentStream {
  readonly sent: HubCommand[];
  readonly ended: string[];
}

function played(session: SessionRef, send?: () => Promise<void>): PlayedStream {
  const [sent, ended]: [HubCommand[], string[]] = [[], []];
  const write = async (command: HubCommand) => {
    sent.push(command);
    await send?.();
  };
  return { session, sent, ended, send: write, end: ({ code }) => void ended.push(code) };
}

const confirm = (orderId: string): HubCommand => ({ kind: 'confirm', orderId, epoch: 1 });

describe('the order dispatcher', () => {
  function dispatching(open: () => readonly Outgoing[]) {
    const [clock, registry, cancel, bell] = [
      new HandClock(),
      new SessionRegistry(),
      cancellation(),
      new InProcessBell(),
    ];
    const store = { outgoing: async () => open() } as unknown as OrderStore;
    const dispatcher = new OrderDispatcher({ clock, registry, cancel, bell, store, log, random });
    return { clock, registry, cancel, bell, dispatcher, run: dispatcher.run() };
  }
  const ref = (clusterId: string): SessionRef => ({ clusterId, generation: 1 });

  it('an agent that does not read → the others get theirs, and it is never given a second one', async () => {
    const open = () => ['c1', 'c2'].map((id) => ({ session: ref(id), command: confirm(id) }));
    const { clock, registry, cancel } = dispatching(open);
    const stuck = played(ref('c1'), () => new Promise(() => undefined));
    const quick = played(ref('c2'));
    for (const stream of [stuck, quick]) registry.register(stream, 0);
    await clock.pass(60_000);
    expect(stuck.sent).toHaveLength(1);
    expect(quick.sent.length).toBeGreaterThan(4);
    cancel.stop();
  });

  it('unanswered → written again every ten seconds, answered → no more; a ring needs no poll', async () => {
    let open: readonly Outgoing[] = [{ session: ref('c1'), command: confirm('o1') }];
    const { clock, registry, cancel, bell } = dispatching(() => open);
    const stream = played(ref('c1'));
    registry.register(stream, 0);
    await settle();
    bell.ring();
    await settle();
    expect(stream.sent).toHaveLength(1);
    await clock.pass(25_000);
    expect(stream.sent).toHaveLength(3);
    open = [];
    await clock.pass(60_000);
    expect(stream.sent).toHaveLength(3);
    cancel.stop();
  });

  it('an answer was sent with the acknowledgement → the next poll does not send it again; a new stream gets it at once', async () => {
    const open = () => [{ session: ref('c1'), command: confirm('o1') }];
    const { clock, registry, cancel, dispatcher } = dispatching(open);
    const stream = played(ref('c1'));
    registry.register(stream, 0);
    dispatcher.answer(ref('c1'), [confirm('o1')]);
    await clock.pass(5_000);
    expect(stream.sent).toHaveLength(1);
    const next = played({ clusterId: 'c1', generation: 2 });
    registry.register(next, 0);
    await clock.pass(2_000);
    expect([next.sent.length, stream.ended]).toEqual([1, ['newer_generation']]);
    cancel.stop();
  });
});

describe('the session keeper', () => {
  function keeping(store: Partial<SessionStore>) {
    const [clock, registry, cancel, rolloutBell] = [
      new HandClock(),
      new SessionRegistry(),
      cancellation(),
      new InProcessBell(),
    ];
    const quiet: SessionStore = {
      open: async () => ({ generation: 1 }),
      beat: async () => [],
      close: async () => undefined,
      expire: async () => 0,
      revoked: async () => [],
    };
    void keepSessions({ clock, registry, cancel, rolloutBell, log, random, store: { ...quiet, ...store } });
    return { clock, registry, cancel };
  }
  const session = { clusterId: 'c1', generation: 3 };

  it('the hub was away → nobody is called lost before it has been steady for a minute', async () => {
    let [expired, away] = [0, false];
    const { clock, cancel } = keeping({
      revoked: async () => {
        if (away) throw new Error('the store is away');
        return [];
      },
      expire: async () => (expired += 1),
    });
    await clock.pass(55_000);
    expect(expired).toBe(0);
    await clock.pass(10_000);
    expect(expired).toBeGreaterThan(0);
    away = true;
    await clock.pass(30_000);
    away = false;
    expired = 0;
    await clock.pass(50_000);
    expect(expired).toBe(0);
    // The process stood still for five minutes: one jump of the clock.
    await clock.pass(30_000);
    expired = 0;
    await clock.pass(300_000, 300_000);
    await clock.pass(50_000);
    expect(expired).toBe(0);
    cancel.stop();
  });

  it('superseded, revoked or silent → its stream is ended and told why', async () => {
    const end = async (store: Partial<SessionStore>, ms: number) => {
      const { clock, registry, cancel } = keeping(store);
      const stream = played(session);
      registry.register(stream, 0);
      await clock.pass(ms);
      cancel.stop();
      return stream.ended;
    };
    expect(await end({ beat: async (sessions) => sessions }, 20_000)).toEqual(['newer_generation']);
    expect(await end({ revoked: async (sessions) => sessions }, 6_000)).toEqual(['certificate_revoked']);
    expect(await end({}, 70_000)).toEqual(['agent_lost']);
  });

  it('an agent that was not heard of since the last beat → is not beaten again', async () => {
    let beats = 0;
    const { clock, registry, cancel } = keeping({ beat: async () => ((beats += 1), []) });
    registry.register(played(session), 0);
    await clock.pass(50_000);
    expect(beats).toBe(1);
    registry.heard(session, clock.now());
    await clock.pass(20_000);
    expect(beats).toBe(2);
    cancel.stop();
  });
});

describe('a batch of the rollout runner', () => {
  const rollout = sampleRollout('r1', ['c1'], 100);
  const held = () => ({ head: rollout.head, clusters: new Map(rollout.clusters) });
  const nothing = { clusters: [], actions: [], ignored: null, cannot: [] };
  const judge = { judge: () => ({ schema: 1, kind: 'promote', period: null, reasons: [], slis: [] }) as const };

  it('events come late or early → time never runs backwards, and a wake-up that is due follows the rows', () => {
    const seen: [string, number][] = [];
    const decide = ({ head }: Rollout, event: RolloutEvent): Decision => {
      seen.push([event.kind, event.at]);
      return { ...nothing, head: { ...head, at: event.at, wakeAt: event.kind === 'woke' ? null : 120 } };
    };
    const rows = [
      { seq: 1, at: 150, event: { kind: 'paused', by: 'ada' } },
      { seq: 2, at: 90, event: { kind: 'aborted', by: 'ada' } },
    ] as const;
    const batch = decideBatch({ held: held(), rows, now: 160, decide, judge });
    expect(seen).toEqual([
      ['paused', 150],
      ['aborted', 150],
      ['woke', 160],
    ]);
    expect(batch.inboxDone).toEqual([1, 2]);
    expect(batch.audit.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
      'ada rollout.paused',
      'ada rollout.aborted',
    ]);
  });

  it('the engine asks for a verdict → ask and verdict are one commit, so no crash can come between them', () => {
    const decide = ({ head }: Rollout, event: RolloutEvent): Decision => ({
      ...nothing,
      head: { ...head, reason: reason('verified', { version: event.kind }) },
      actions: event.kind === 'started' ? [{ kind: 'judgeWave', wave: 1 }] : [],
    });
    const batch = decideBatch({
      held: held(),
      rows: [{ seq: 1, at: 100, event: { kind: 'started' } }],
      now: 100,
      decide,
      judge,
    });
    expect(batch.head.reason.params).toEqual({ version: 'waveJudged' });
    expect(batch.audit.map(({ action }) => action)).toEqual(['rollout.started', 'rollout.waveJudged']);
  });

  it('an engine that asks for verdicts without end → the batch fails instead of spinning', () => {
    const decide = ({ head }: Rollout): Decision => ({ ...nothing, head, actions: [{ kind: 'judgeWave', wave: 1 }] });
    const rows = [{ seq: 1, at: 100, event: { kind: 'started' } }] as const;
    expect(() => decideBatch({ held: held(), rows, now: 100, decide, judge })).toThrow('without end');
  });
});
