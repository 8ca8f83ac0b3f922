import { judgeWave } from '@wavegate/analysis';
import type { Cluster } from '@wavegate/fleet';
import { decide } from '@wavegate/rollout';
import {
  keepRequests,
  keepSessions,
  OrderDispatcher,
  relayControls,
  ReportTaker,
  runLoop,
  runRollouts,
  SessionRegistry,
  type ControlStore,
  type CrashPoints,
  type LoopPorts,
  type Notifier,
  type OrderStore,
  type RequestStore,
  type RolloutStore,
  type ScheduleStore,
  type SessionStore,
  type WakeBell,
} from '@wavegate/runtime/hub';
import type { Pruned } from '@wavegate/storage';
import type { HubMetrics } from './metrics.js';

export interface LoopSettings {
  readonly replica: string;
  readonly leaseMs: number;
  readonly lostAfterMs: number;
}

export interface LoopStores {
  readonly rollouts: RolloutStore;
  readonly sessions: SessionStore;
  readonly orders: OrderStore;
  readonly controls: ControlStore;
  readonly requests: RequestStore;
  readonly schedules: ScheduleStore;
  readonly clusters: { all(): Promise<readonly (Cluster & { readonly approved: boolean })[]> };
  readonly oldRows: { prune(): Promise<Pruned> };
}

export interface LoopWorld extends LoopPorts {
  readonly notifier: Notifier;
  readonly crashPoints: CrashPoints;
  /** They ring in the other replicas too, so that the one with the lease or the stream looks at once. */
  readonly rolloutBell: WakeBell;
  readonly orderBell: WakeBell;
}

const PRUNE_EVERY_MS = 3_600_000;

/** The store writes reports in groups over few connections by itself: it needs many at hand, one of each agent at most. */
const REPORTS_AT_ONCE = 10_000;

/** The runtime's loops of this replica, wired to each other; `run` resolves after cancellation. */
export interface HubLoops {
  readonly registry: SessionRegistry;
  readonly taker: ReportTaker;
  /** Something new is in an inbox. */
  readonly rolloutBell: WakeBell;
  /** An order, or a withdrawal, was committed. */
  readonly orderBell: WakeBell;
  run(): Promise<void>;
}

export function openLoops(stores: LoopStores, settings: LoopSettings, world: LoopWorld, metrics: HubMetrics): HubLoops {
  const registry = new SessionRegistry();
  const { clock, random, log, cancel, notifier, crashPoints, rolloutBell, orderBell } = world;
  const ports = { clock, random, log, cancel };
  const dispatcher = new OrderDispatcher({ ...ports, store: stores.orders, registry, bell: orderBell, crashPoints });
  const taker = new ReportTaker({
    ...ports,
    store: stores.orders,
    registry,
    dispatcher,
    rolloutBell,
    crashPoints,
    controls: stores.controls,
    mostAtOnce: REPORTS_AT_ONCE,
  });
  const measured: typeof decide = (rollout, event) => {
    const end = metrics.decisionSeconds.startTimer();
    const decision = decide(rollout, event);
    end();
    metrics.decisions.inc({ event: event.kind, result: decision.ignored === null ? 'fitted' : 'ignored' });
    return decision;
  };
  return {
    registry,
    taker,
    rolloutBell,
    orderBell,
    run: async () => {
      const { leaseMs, replica, lostAfterMs } = settings;
      // A beat well within the time after which silence means lost; the defaults are 15 s of 60 s.
      const beatMs = Math.min(15_000, lostAfterMs / 4);
      await Promise.all([
        runRollouts({
          ...ports,
          store: stores.rollouts,
          decide: measured,
          judge: { judge: (_wave, clusters) => judgeWave(clusters) },
          notifier,
          bell: rolloutBell,
          orderBell,
          replica,
          leaseMs,
          crashPoints,
        }),
        dispatcher.run(),
        relayControls({ ...ports, store: stores.controls, registry }),
        keepSessions({
          ...ports,
          store: stores.sessions,
          registry,
          rolloutBell,
          lostAfterMs,
          beatMs,
          tickMs: beatMs / 3,
        }),
        keepRequests({
          ...ports,
          requests: stores.requests,
          schedules: stores.schedules,
          clusters: async () => (await stores.clusters.all()).filter(({ approved }) => approved),
          now: () => stores.rollouts.now(),
          orderBell,
        }),
        keepHouse(stores.oldRows, ports),
      ]);
    },
  };
}

/** Deletes what nobody asks for any more: batch after batch while there is some, then again in an hour. */
function keepHouse(oldRows: LoopStores['oldRows'], ports: LoopPorts): Promise<void> {
  const pass = async (): Promise<boolean> => {
    const { more, ...counts } = await oldRows.prune();
    if (counts.inboxRows + counts.idempotencyKeys > 0) ports.log.info('old rows pruned', counts);
    return more;
  };
  return runLoop({ name: 'house keeper', pass, forget: () => undefined, pollMs: PRUNE_EVERY_MS, bell: null }, ports);
}
