import { judgeWave } from '@wavegate/analysis';
import { decide } from '@wavegate/rollout';
import {
  keepSessions,
  OrderDispatcher,
  ReportTaker,
  runRollouts,
  SessionRegistry,
  type CrashPoints,
  type LoopPorts,
  type Notifier,
  type OrderStore,
  type RolloutStore,
  type SessionStore,
  type WakeBell,
} from '@wavegate/runtime/hub';
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
}

export interface LoopWorld extends LoopPorts {
  readonly notifier: Notifier;
  readonly crashPoints: CrashPoints;
  /** They ring in the other replicas too, so that the one with the lease or the stream looks at once. */
  readonly rolloutBell: WakeBell;
  readonly orderBell: WakeBell;
}

/** The runtime's loops of this replica, wired to each other; `run` resolves after cancellation. */
export interface HubLoops {
  readonly registry: SessionRegistry;
  readonly taker: ReportTaker;
  /** Something new is in an inbox. */
  readonly rolloutBell: WakeBell;
  run(): Promise<void>;
}

export function openLoops(stores: LoopStores, settings: LoopSettings, world: LoopWorld, metrics: HubMetrics): HubLoops {
  const registry = new SessionRegistry();
  const { clock, random, log, cancel, notifier, crashPoints, rolloutBell, orderBell } = world;
  const ports = { clock, random, log, cancel };
  const dispatcher = new OrderDispatcher({ ...ports, store: stores.orders, registry, bell: orderBell, crashPoints });
  const taker = new ReportTaker({ ...ports, store: stores.orders, registry, dispatcher, rolloutBell, crashPoints });
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
        keepSessions({
          ...ports,
          store: stores.sessions,
          registry,
          rolloutBell,
          lostAfterMs,
          beatMs,
          tickMs: beatMs / 3,
        }),
      ]);
    },
  };
}
