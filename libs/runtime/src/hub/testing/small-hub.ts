import type { AgentReport, HubCommand, Outcome } from '@wavegate/fleet';
import { InProcessBell } from '../in-process-bell.js';
import { OrderDispatcher } from '../order-dispatcher.js';
import type {
  AgentStream,
  CrashPoint,
  HubCancel,
  HubClock,
  HubLog,
  OrderStore,
  RolloutStore,
  SessionStore,
  WaveJudge,
} from '../ports.js';
import { ReportTaker } from '../report-taker.js';
import type { Decide } from '../rollout-batch.js';
import { runRollouts } from '../rollout-runner.js';
import { keepSessions } from '../session-keeper.js';
import { SessionRegistry } from '../session-registry.js';
import { sampleFacts } from './sample-rollout.js';

export interface SmallHubSettings {
  readonly store: RolloutStore & SessionStore & OrderStore;
  readonly clock: HubClock;
  readonly replica: string;
  readonly decide: Decide;
  readonly leaseMs?: number;
  /** Asked at each crash point; true kills this hub right there. */
  readonly crashAt?: (point: CrashPoint) => boolean;
}

/** A clean wave promotes: the statistics are tested where they are. */
export const promoteCleanWaves: WaveJudge = {
  judge: (_wave, clusters) => {
    const kind = clusters.every(({ ended }) => ended === 'upgraded') ? 'promote' : 'hold';
    return { schema: 1, kind, period: null, reasons: [], slis: [] };
  },
};

/** The hub's loops wired as the hub wires them, without wire and framework; it can be killed between any two effects. */
export class SmallHub {
  readonly registry = new SessionRegistry();
  readonly dispatcher: OrderDispatcher;
  readonly taker: ReportTaker;
  readonly notices: string[] = [];
  readonly warnings: string[] = [];
  private readonly acts = new Set<() => void>();
  private readonly orderBell = new InProcessBell();
  private readonly loops: readonly Promise<void>[];
  alive = true;
  private stopping = false;

  constructor(readonly settings: SmallHubSettings) {
    const { clock, replica, decide, leaseMs = 2_000 } = settings;
    const store = this.mortal(settings.store);
    const [bell, orderBell] = [new InProcessBell(), this.orderBell];
    const crashPoints = { reach: (point: CrashPoint) => this.reach(point) };
    const ports = { clock, random: { next: () => 0.5 }, log: this.log, cancel: this.cancel, crashPoints, store };
    const { registry } = this;
    const notifier = { notify: async (_id: string, { kind }: { kind: string }) => void this.notices.push(kind) };
    this.dispatcher = new OrderDispatcher({ ...ports, registry, bell: orderBell, resendMs: 500, pollMs: 100 });
    this.taker = new ReportTaker({ ...ports, registry, dispatcher: this.dispatcher, rolloutBell: bell });
    this.loops = [
      runRollouts({
        ...ports,
        replica,
        decide,
        leaseMs,
        judge: promoteCleanWaves,
        notifier,
        bell,
        orderBell,
        pollMs: 100,
      }),
      this.dispatcher.run(),
      keepSessions({ ...ports, registry, rolloutBell: bell, tickMs: 500, beatMs: 1_000 }),
    ];
  }

  /** The stream's opening, as the gateway does it. */
  async accept(agent: PlayedAgent): Promise<void> {
    const { clusterId } = agent;
    const facts = sampleFacts(`uid-${clusterId}`, 1);
    const identity = {
      clusterUid: `uid-${clusterId}`,
      certificateSerial: `cert-${clusterId}`,
      agentVersion: '1',
      facts,
    };
    const answer = await this.mortal(this.settings.store).open({
      clusterId,
      replica: this.settings.replica,
      ...identity,
    });
    if ('refused' in answer) throw new Error(answer.refused.code);
    const stream = agent.stream(this, answer.generation);
    this.registry.register(stream, this.settings.clock.now());
    this.orderBell.ring();
  }

  /** SIGKILL: no await of this hub goes on, and its streams break. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const act of this.acts) act();
  }

  /** Only for a hub that was not killed: cancels its loops and waits for them. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const act of this.acts) act();
    await Promise.all(this.loops);
    this.alive = false;
  }

  onDeath(act: () => void): void {
    this.acts.add(act);
  }

  private readonly cancel: HubCancel = (() => {
    const isCancelled = () => this.stopping || !this.alive;
    return {
      get cancelled() {
        return isCancelled();
      },
      onCancel: (act: () => void) => {
        this.acts.add(act);
        return () => void this.acts.delete(act);
      },
    };
  })();

  private readonly log: HubLog = {
    info: () => undefined,
    warn: (message, fields) =>
      void this.warnings.push(`${message} ${String(fields?.['error'] instanceof Error ? fields['error'].stack : '')}`),
    error: (message) => void this.warnings.push(message),
  };

  private reach(point: CrashPoint): Promise<void> | undefined {
    if (this.alive && !this.stopping && this.settings.crashAt?.(point)) this.kill();
    return this.alive ? undefined : new Promise(() => undefined);
  }

  /** Calls of a dead process never come back; what they had done to the store stays done. */
  private mortal<T extends object>(store: T): T {
    return new Proxy(store, {
      get: (target, name) => {
        const method = target[name as keyof T];
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const result: unknown = this.alive ? await method.apply(target, args) : undefined;
          return this.alive ? result : new Promise(() => undefined);
        };
      },
    });
  }
}

/**
 * An agent that does what the protocol asks of one, and counts: accepts an order, begins it once at its confirmation,
 * reports its outcome, and sends again what was not acknowledged.
 */
export class PlayedAgent {
  /** Order → how often its effects were begun. */
  readonly begun = new Map<string, number>();
  private readonly accepted = new Map<string, number>();
  private readonly unacknowledged: AgentReport[] = [];
  private current: { readonly hub: SmallHub; readonly stream: AgentStream } | null = null;
  private pumping = false;

  constructor(
    readonly clusterId: string,
    private readonly outcome: (orderId: string) => Outcome = () => ({ kind: 'upgraded', standing: {} }),
  ) {}

  get connected(): boolean {
    return this.current !== null;
  }

  /** The application heartbeat. */
  beat(): void {
    const { hub, stream } = this.current ?? {};
    if (hub && stream) hub.registry.heard(stream.session, hub.settings.clock.now());
  }

  stream(hub: SmallHub, generation: number): AgentStream {
    const own: AgentStream = {
      session: { clusterId: this.clusterId, generation },
      send: async (command) => {
        if (this.current?.stream !== own) throw new Error('the stream is over');
        this.receive(command);
      },
      end: () => this.drop(own),
    };
    this.current = { hub, stream: own };
    hub.onDeath(() => this.drop(own));
    void this.pump();
    return own;
  }

  private drop(stream: AgentStream): void {
    if (this.current?.stream === stream) this.current = null;
  }

  private receive(command: HubCommand): void {
    if (command.kind === 'order') {
      const { id, epoch } = command.order;
      if (this.accepted.has(id)) return;
      this.accepted.set(id, epoch);
      this.report({ kind: 'orderAccepted', orderId: id, epoch });
    }
    if (command.kind === 'confirm' && !this.begun.has(command.orderId)) {
      const { orderId, epoch } = command;
      this.begun.set(orderId, 1);
      this.report({ kind: 'outcome', orderId, epoch, outcome: this.outcome(orderId) });
    }
    if (command.kind === 'withdraw') {
      const started = this.begun.has(command.orderId);
      this.report({ kind: 'orderWithdrawn', orderId: command.orderId, started });
    }
  }

  private report(report: AgentReport): void {
    this.unacknowledged.push(report);
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    while (this.current && this.unacknowledged[0]) {
      const { hub, stream } = this.current;
      const gone = new Promise<'gone'>((tell) => hub.onDeath(() => tell('gone')));
      const answer = await Promise.race([hub.taker.take(stream, this.unacknowledged[0]), gone]);
      if (answer === 'acknowledge') this.unacknowledged.shift();
      else this.drop(stream);
    }
    this.pumping = false;
  }
}
