import { describe, expect, it } from '@jest/globals';
import type { ControlPeer, HubCommand, MeasuredSamples, Series } from '@wavegate/fleet';
import { relayControls } from './control-relay.js';
import { mergeControls, type JudgedOrder, type StoredControl } from './control-series.js';
import type { AgentStream, ControlStore } from './ports.js';
import { SessionRegistry } from './session-registry.js';

const P = 60_000;
/** A minute's beginning, so that periods are easy to read; the judgement began 20 s into one. */
const NOON = Date.UTC(2026, 10, 23, 12);
const order = (clusterId: string, changes: Partial<JudgedOrder> = {}): JudgedOrder => ({
  ...{ orderId: `o-${clusterId}`, clusterId, rolloutId: 'r', plan: 'plan', planDigest: 'd', periodMs: P },
  ...{ from: NOON + 20_000, baselineUntil: NOON - 30 * P + 20_000, ...changes },
});

type Sent = { readonly to: string; readonly at: number } & HubCommand;

/** A hub with one replica's streams, a second a pass; peers answer when the test says so. */
class World implements ControlStore {
  at = NOON + 5 * P;
  orders: JudgedOrder[] = [order('me')];
  peers: string[] = ['p-1', 'p-2', 'p-3'];
  fails = 0;
  readonly limits: number[] = [];
  readonly kept = new Map<string, StoredControl>();
  readonly sent: Sent[] = [];
  readonly registry = new SessionRegistry();

  constructor(here: readonly string[] = ['me', 'p-1', 'p-2', 'p-3']) {
    for (const clusterId of here) this.connects(clusterId);
  }

  connects(clusterId: string): void {
    this.registry.register(this.stream(clusterId), this.at);
  }

  judged = async (): Promise<readonly JudgedOrder[]> => {
    this.fails -= 1;
    if (this.fails >= 0) throw new Error('the store is away');
    return this.orders;
  };
  peersOf = async (_rollout: string, limit: number): Promise<readonly string[]> => {
    this.limits.push(limit);
    return this.peers.slice(0, limit);
  };
  controls = async (_digest: string, ids: readonly string[]): Promise<readonly StoredControl[]> =>
    ids.flatMap((id) => this.kept.get(id) ?? []);
  saveControl = async (clusterId: string, samples: MeasuredSamples): Promise<void> => {
    this.kept.set(clusterId, mergeControls(this.kept.get(clusterId) ?? null, clusterId, samples));
  };

  /** What a peer has counted so far: a period of [1, 1000] for each that has ended by `until`. */
  async answers(clusterId: string, until: number): Promise<void> {
    const from = NOON - 100 * P;
    const series: Series = Array.from({ length: (until - from) / P }, () => [1, 1000] as const);
    await this.saveControl(clusterId, { planDigest: 'd', from, periodMs: P, slis: [{ name: 'shop', series }] });
  }

  /** So many passes of one relay, a second apart; what happens after the nth of them is told beside. */
  async passes(count: number, after: Readonly<Record<number, () => unknown>> = {}): Promise<readonly Sent[]> {
    const before = this.sent.length;
    let done = 0;
    const cancel = { cancelled: false, onCancel: () => () => undefined };
    const sleep = async (): Promise<void> => {
      done += 1;
      cancel.cancelled = done >= count;
      this.at += 1_000;
      await after[done]?.();
    };
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const clock = { now: () => this.at, sleep };
    await relayControls({
      clock,
      random: { next: () => 0 },
      log: silent,
      cancel,
      store: this,
      registry: this.registry,
    });
    return this.sent.slice(before);
  }

  private stream(clusterId: string): AgentStream {
    return {
      session: { clusterId, generation: 1, replica: 'hub-1' } as AgentStream['session'],
      send: async (command) => void this.sent.push({ to: clusterId, at: this.at, ...command }),
      end: () => undefined,
    };
  }
}

const asked = (sent: readonly Sent[], to: string) =>
  sent.flatMap((one) => (one.kind === 'measure' && one.to === to ? [{ sentAt: one.at, ...one.request }] : []));
const told = (sent: readonly Sent[], to = 'me'): (readonly ControlPeer[])[] =>
  sent.flatMap((one) => (one.kind === 'controls' && one.to === to ? [one.controls.peers] : []));

describe('peers are asked', () => {
  it('nothing is known of them → for the baseline of the judgement and all since, by whole periods', async () => {
    const world = new World();
    const [first] = asked(await world.passes(1), 'p-1');
    // An hour before the change began, one period more so that the nearest is always there, and no period that has not ended.
    expect(first).toMatchObject({ plan: 'plan', planDigest: 'd', periodMs: P, until: NOON + 5 * P });
    expect(first?.from).toBe(NOON - 30 * P - 61 * P);
  });

  it('two clusters are judged → once, for the older baseline of both', async () => {
    const world = new World(['me', 'you', 'p-1']);
    world.orders = [order('me'), order('you', { baselineUntil: NOON - 90 * P })];
    expect(asked(await world.passes(1), 'p-1').map(({ from }) => from)).toEqual([NOON - 151 * P]);
  });

  it('no answer → again after five seconds, not at every look', async () => {
    const world = new World();
    const times = asked(await world.passes(12), 'p-1').map(({ sentAt }) => (sentAt - NOON - 5 * P) / 1_000);
    expect(times).toEqual([0, 5, 10]);
  });

  it('no answer, and periods are shorter than that → again after a period', async () => {
    const world = new World();
    world.orders = [order('me', { periodMs: 2_000 })];
    const times = asked(await world.passes(6), 'p-1').map(({ sentAt }) => (sentAt - NOON - 5 * P) / 1_000);
    expect(times).toEqual([0, 2, 4]);
  });

  it('answered → rested until the next period has ended, then asked for it and the three before, which may have come late', async () => {
    const world = new World();
    await world.answers('p-1', NOON + 5 * P);
    const sent = asked(await world.passes(62), 'p-1');
    expect(sent[0]).toMatchObject({ sentAt: NOON + 6 * P, from: NOON + 2 * P, until: NOON + 6 * P });
  });

  it('known long ago → no more than ten hours of minutes at once', async () => {
    const world = new World();
    await world.answers('p-1', NOON - 40 * P);
    world.at = NOON + 1_000 * P;
    const [first] = asked(await world.passes(1), 'p-1');
    expect([first?.from, first?.until]).toEqual([NOON + 400 * P, NOON + 1_000 * P]);
  });

  it('seven at most, and only those whose stream ends in this replica', async () => {
    const world = new World(['me', 'p-2']);
    world.peers = Array.from({ length: 20 }, (_, n) => `p-${n + 1}`);
    const sent = await world.passes(1);
    expect(world.limits).toEqual([7]);
    expect(sent.filter(({ kind }) => kind === 'measure').map(({ to }) => to)).toEqual(['p-2']);
  });

  it('nobody is judged, or no stream ends here → nobody is asked', async () => {
    const idle = new World();
    idle.orders = [];
    expect(await idle.passes(10)).toEqual([]);
    const elsewhere = new World([]);
    expect(await elsewhere.passes(10)).toEqual([]);
    expect(elsewhere.limits).toEqual([]);
  });

  it('the judging ended and another began → asked at once, whatever was asked for the first', async () => {
    const world = new World();
    const sent = await world.passes(3, {
      1: () => (world.orders = []),
      2: () => (world.orders = [order('you')]),
    });
    expect(asked(sent, 'p-1').map(({ sentAt }) => sentAt - NOON - 5 * P)).toEqual([0, 2_000]);
  });

  it('the store is away for a moment → looked at again, and asked then', async () => {
    const world = new World();
    world.fails = 3;
    expect(asked(await world.passes(4), 'p-1')).toHaveLength(1);
  });
});

describe('the judged cluster is told', () => {
  const answered = async (world: World, until: number): Promise<void> => {
    for (const peer of world.peers) await world.answers(peer, until);
  };

  it('what its peers counted, beside its own periods; once, until there is more', async () => {
    const world = new World();
    await answered(world, NOON + 5 * P);
    const [peers, again] = told(await world.passes(30));
    expect(again).toBeUndefined();
    expect(peers?.map(({ cluster }) => cluster)).toEqual(['p-1', 'p-2', 'p-3']);
    expect(peers?.[0]?.slis[0]?.baseline).toHaveLength(60);
    expect(peers?.[0]?.slis[0]?.after).toHaveLength(5);
    const more = await world.passes(30, { 10: () => world.answers('p-2', NOON + 6 * P) });
    expect(told(more).map((all) => all[1]?.slis[0]?.after.length)).toEqual([5, 6]);
  });

  it.each([
    ['not four periods old yet → it is one', NOON + 5 * P + 59_000, true],
    ['four periods old → it is none any more', NOON + 6 * P, false],
  ])('a peer’s newest answer is %s', async (_, now, isPeer) => {
    const world = new World();
    await world.answers('p-1', NOON + 5 * P);
    await world.answers('p-2', NOON + 2 * P);
    world.at = now;
    const [peers] = told(await world.passes(1));
    expect(peers?.map(({ cluster }) => cluster)).toEqual(isPeer ? ['p-1', 'p-2'] : ['p-1']);
  });

  it('all answers are old → nothing: without fresh peers the judge does by itself', async () => {
    const world = new World();
    await answered(world, NOON + P);
    expect(told(await world.passes(1))).toEqual([]);
  });

  it('never of itself: a cluster that waits for its own order is nobody’s peer to itself', async () => {
    const world = new World(['p-1', 'p-2']);
    world.orders = [order('p-1')];
    await answered(world, NOON + 5 * P);
    const [peers] = told(await world.passes(1), 'p-1');
    expect(peers?.map(({ cluster }) => cluster)).toEqual(['p-2', 'p-3']);
  });

  it('the next phase is judged → told again, beside its periods', async () => {
    const world = new World();
    await answered(world, NOON + 5 * P);
    const next = order('me', { from: NOON + 2 * P + 20_000 });
    const sent = told(await world.passes(6, { 3: () => (world.orders = [next]) }));
    expect(sent.map((peers) => peers[0]?.slis[0]?.after.length)).toEqual([5, 3]);
  });

  it('its stream ends in another replica → told there; here once the stream comes', async () => {
    const world = new World(['p-1']);
    await answered(world, NOON + 5 * P);
    const sent = await world.passes(6, { 4: () => world.connects('me') });
    expect(sent.flatMap(({ kind, to, at }) => (kind === 'controls' ? [[to, at - NOON - 5 * P]] : []))).toEqual([
      ['me', 4_000],
    ]);
  });
});
