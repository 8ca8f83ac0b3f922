import type { HubCommand } from '@wavegate/fleet';
import { alignControls, BASELINE_PERIODS, endOf, MOST_KEPT_PERIODS, type JudgedOrder } from './control-series.js';
import type { LoopPorts } from './hub-loop.js';
import { runLoop } from './hub-loop.js';
import type { ControlStore } from './ports.js';
import type { SessionRegistry } from './session-registry.js';

export interface ControlRelaying extends LoopPorts {
  readonly store: ControlStore;
  readonly registry: SessionRegistry;
  readonly pollMs?: number;
}

/** Three are needed for a comparison; a few more, so that one that falls silent or starts does not end it. */
const MOST_PEERS = 7;
/** The newest periods are asked for again: a scrape may have come late. */
const ASKED_AGAIN = 3;
/** An answer that does not come is asked for again after so long, or a period. */
const PATIENCE_MS = 5_000;

/**
 * While clusters are judged, asks those of the same rollout that nothing was changed in yet what the same objectives
 * count there, and tells the judged ones. Each replica asks and tells the agents that it holds; what was answered lies in
 * the store between them. All of it is lossy: what is missing is asked for again, and the judge does without.
 */
export function relayControls(relaying: ControlRelaying): Promise<void> {
  const relay = new ControlRelay(relaying);
  return runLoop(
    {
      name: 'control relay',
      pass: () => relay.pass(),
      forget: () => relay.forget(),
      pollMs: relaying.pollMs ?? 1_000,
      bell: null,
    },
    relaying,
  );
}

class ControlRelay {
  /** Peer and plan → when it was last asked. */
  private readonly asked = new Map<string, number>();
  /** Order → end of the newest period that was told. */
  private readonly told = new Map<string, string>();

  constructor(private readonly relaying: ControlRelaying) {}

  forget(): void {
    this.asked.clear();
    this.told.clear();
  }

  async pass(): Promise<boolean> {
    const { store, registry } = this.relaying;
    // A replica without streams has nobody to ask or to tell.
    const judged = registry.sessions().length > 0 ? await store.judged() : [];
    if (judged.length === 0) this.forget();
    for (const [rolloutId, orders] of Map.groupBy(judged, (order) => order.rolloutId)) {
      await this.relay(rolloutId, orders);
    }
    return false;
  }

  private async relay(rolloutId: string, orders: readonly JudgedOrder[]): Promise<void> {
    const [first] = orders;
    if (!first) return;
    const { store } = this.relaying;
    const peers = await store.peersOf(rolloutId, MOST_PEERS);
    const known = await store.controls(first.planDigest, peers);
    const at = this.relaying.clock.now();
    for (const peer of peers) {
      const kept = known.find(({ clusterId }) => clusterId === peer);
      this.ask(peer, orders, { at, end: kept ? endOf(kept) : 0 });
    }
    const fresh = known.filter((control) => at - endOf(control) < (ASKED_AGAIN + 1) * first.periodMs);
    for (const order of orders) this.tell(order, fresh, at);
  }

  private ask(peer: string, orders: readonly JudgedOrder[], { at, end }: { at: number; end: number }): void {
    const [first] = orders;
    if (!first) return;
    const { plan, planDigest, periodMs } = first;
    const until = Math.floor(at / periodMs) * periodMs;
    const key = `${peer}/${planDigest}`;
    const rests = at - (this.asked.get(key) ?? 0) < Math.min(PATIENCE_MS, periodMs);
    if (end >= until || rests) return;
    const earliest = Math.min(...orders.map(({ baselineUntil }) => baselineUntil)) - (BASELINE_PERIODS + 1) * periodMs;
    const since = end > 0 ? end - ASKED_AGAIN * periodMs : earliest;
    const from = Math.max(Math.floor(since / periodMs) * periodMs, until - MOST_KEPT_PERIODS * periodMs);
    this.asked.set(key, at);
    this.send(peer, { kind: 'measure', request: { plan, planDigest, from, until, periodMs } });
  }

  private tell(order: JudgedOrder, known: Parameters<typeof alignControls>[1], at: number): void {
    const others = known.filter(({ clusterId }) => clusterId !== order.clusterId);
    const newest = `${order.from}/${others.map((control) => `${control.clusterId} ${endOf(control)}`).join()}`;
    if (others.length === 0 || this.told.get(order.orderId) === newest) return;
    if (this.send(order.clusterId, { kind: 'controls', controls: alignControls(order, others, at) })) {
      this.told.set(order.orderId, newest);
    }
  }

  /** False: this replica does not hold the cluster's stream. */
  private send(clusterId: string, command: HubCommand): boolean {
    const stream = this.relaying.registry.ofCluster(clusterId);
    stream?.send(command).catch(() => undefined);
    return stream !== null;
  }
}
