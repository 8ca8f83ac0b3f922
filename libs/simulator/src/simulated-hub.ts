import type { AgentReport } from '@wavegate/fleet';
import { keepSessions, OrderDispatcher, ReportTaker, runRollouts, SessionRegistry } from '@wavegate/runtime/hub';
import type {
  AgentStream,
  HubCancel,
  HubLog,
  Notifier,
  OrderStore,
  RolloutRunner,
  RolloutStore,
  SessionStore,
} from '@wavegate/runtime/hub';
import type { MortalProcess } from './mortal-process.js';
import { agentStream } from './simulated-network.js';
import type { Gateway, Hello, Opened } from './simulated-network.js';
import type { SimulatedLine } from './simulated-line.js';
import type { SeededRandom } from './seeded-random.js';
import { VirtualBell } from './virtual-clock.js';
import type { VirtualClock } from './virtual-clock.js';

export interface HubStores {
  readonly rollouts: RolloutStore;
  readonly sessions: SessionStore;
  readonly orders: OrderStore;
}

export interface HubWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly stores: HubStores;
  readonly decide: RolloutRunner['decide'];
  readonly judge: RolloutRunner['judge'];
  readonly log: HubLog;
  readonly notifier: Notifier;
}

/** Times of the loops; the same for every replica. */
const LEASE_MS = 10_000;
const LOST_AFTER_MS = 60_000;
/** Longer than in production: bells do the work, and each look of an idle replica costs the simulation real time. */
const POLL_MS = 5_000;

const NEVER_CANCELLED: HubCancel = { cancelled: false, onCancel: () => () => {} };

/**
 * A hub replica of the simulation: the production loops over the world's store, clock and network. The process it
 * lives in can die or stand still at each of its awaits.
 */
export class SimulatedHub implements Gateway {
  readonly replica: string;
  private readonly registry = new SessionRegistry();
  private readonly rolloutBell = new VirtualBell();
  private readonly orderBell = new VirtualBell();
  private readonly sessions: SessionStore;
  private readonly clock: VirtualClock;
  private readonly taker: ReportTaker;
  private readonly dispatcher: OrderDispatcher;

  constructor(
    private readonly world: HubWorld,
    readonly life: MortalProcess,
  ) {
    const { log, random, stores } = world;
    this.replica = life.name;
    this.clock = life.wrap(world.clock, 'clock');
    this.sessions = life.wrap(stores.sessions, 'sessions');
    const store = life.wrap(stores.orders, 'orders');
    const loop = { clock: this.clock, random, log, cancel: NEVER_CANCELLED };
    this.dispatcher = new OrderDispatcher({
      ...loop,
      store,
      registry: this.registry,
      bell: this.orderBell,
      pollMs: POLL_MS,
    });
    this.taker = new ReportTaker({
      store,
      registry: this.registry,
      dispatcher: this.dispatcher,
      rolloutBell: this.rolloutBell,
      clock: this.clock,
      random,
      log,
    });
  }

  /** Starts the loops; they end with the process. */
  start(): void {
    const { log, random, decide, judge, notifier, stores } = this.world;
    const loop = { clock: this.clock, random, log, cancel: NEVER_CANCELLED };
    const { rolloutBell, orderBell, registry, replica } = this;
    const store = this.life.wrap(stores.rollouts, 'rollouts');
    const runner = {
      ...loop,
      store,
      decide,
      judge,
      notifier,
      bell: rolloutBell,
      orderBell,
      replica,
      leaseMs: LEASE_MS,
      pollMs: POLL_MS,
    };
    void runRollouts(runner);
    void this.dispatcher.run();
    void keepSessions({ ...loop, store: this.sessions, registry, rolloutBell, lostAfterMs: LOST_AFTER_MS });
  }

  /** A person's command was committed: a hint, as NOTIFY would be. */
  hint(): void {
    this.rolloutBell.ring();
  }

  async open(hello: Hello, line: SimulatedLine): Promise<Opened> {
    const { clusterId, facts } = hello;
    const answer = await this.sessions.open({
      clusterId,
      replica: this.replica,
      clusterUid: facts.uid,
      certificateSerial: `serial-${clusterId}`,
      agentVersion: '0.1.0',
      facts,
    });
    if ('refused' in answer) return { refused: answer.refused, retryAfterMs: null };
    const session = { clusterId, generation: answer.generation };
    const stream = this.life.wrap(agentStream(session, line), 'stream');
    const end = this.endOf(stream);
    line.start(end);
    this.registry.register(stream, this.clock.now());
    this.orderBell.ring();
    this.rolloutBell.ring();
    return { session, end };
  }

  private endOf(stream: AgentStream) {
    return {
      take: (report: AgentReport) => this.life.live(this.taker.take(stream, report), 'gateway.take'),
      heard: () => this.registry.heard(stream.session, this.world.clock.now()),
      closed: () => {
        this.registry.unregister(stream.session);
        this.sessions.close(stream.session).catch(() => undefined);
      },
    };
  }
}
