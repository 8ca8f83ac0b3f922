import type { AgentReport, HubCommand } from '@wavegate/fleet';
import { MessageQueue } from './message-queue.js';
import type { NetworkCounts, Weather } from './network-weather.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualClock } from './virtual-clock.js';

/** Both ends speak at least this often; an end that hears nothing for three of them gives the line up. */
export const HEARTBEAT_MS = 15_000;
const SILENCE_MS = 3 * HEARTBEAT_MS;

export interface LineWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly weather: () => Weather;
  readonly counts: NetworkCounts;
}

/** What the hub's end does with what arrives. */
export interface HubEnd {
  take(report: AgentReport): Promise<'acknowledge' | 'ended'>;
  heard(): void;
  closed(): void;
}

/** The stream ended before the message was acknowledged. */
export class LineBroken extends Error {
  override readonly name = 'LineBroken';
}

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * One connection between an agent and a hub replica. Each direction keeps its order: a message is late, doubled, or the
 * last one that anybody hears, never out of turn. A stream that cannot deliver breaks.
 */
export class SimulatedLine {
  /** What the agent reads. */
  readonly commands = new MessageQueue<HubCommand>();
  private readonly reports = new MessageQueue<{ readonly report: AgentReport; readonly seq: number }>();
  private readonly unacknowledged = new Map<number, Pending>();
  private hub: HubEnd | null = null;
  private seq = 0;
  private broken = false;
  private swallowing = false;
  private readonly arrivesAfter = { toHub: 0, toAgent: 0 };
  private readonly heardAt = { hub: 0, agent: 0 };

  constructor(private readonly world: LineWorld) {
    this.heardAt = { hub: world.clock.now(), agent: world.clock.now() };
  }

  get open(): boolean {
    return !this.broken;
  }

  /** The hub took the connection; from now on messages and heartbeats flow. */
  start(hub: HubEnd): void {
    this.hub = hub;
    void this.pump(hub);
    this.beat();
  }

  /** Agent → hub: resolves when acknowledged, rejects when the line ends before. */
  report(report: AgentReport): Promise<void> {
    if (this.broken) return Promise.reject(new LineBroken('the stream is over'));
    this.seq += 1;
    const { seq } = this;
    return new Promise((resolve, reject) => {
      this.unacknowledged.set(seq, { resolve, reject });
      this.carry('toHub', () => {
        this.heard('hub');
        this.reports.push({ report, seq });
      });
    });
  }

  /** Hub → agent: resolves once written. Written is not delivered. */
  command(command: HubCommand): Promise<void> {
    if (this.broken) return Promise.reject(new LineBroken('the stream is over'));
    this.carry('toAgent', () => {
      this.heard('agent');
      this.commands.push(command);
    });
    return Promise.resolve();
  }

  /** The hub says why, then hangs up. */
  hangUp(last: HubCommand): void {
    if (this.broken) return;
    this.carry('toAgent', () => {
      this.commands.push(last);
      this.break();
    });
  }

  /** A reset: both ends notice. */
  break(): void {
    if (this.broken) return;
    this.broken = true;
    this.commands.end();
    this.reports.end();
    for (const { reject } of this.unacknowledged.values()) reject(new LineBroken('the stream broke'));
    this.unacknowledged.clear();
    this.hub?.closed();
  }

  /** Everything is swallowed from now on; the ends notice only by silence. */
  swallow(): void {
    if (this.swallowing || this.broken) return;
    this.swallowing = true;
    this.world.counts.halfOpened += 1;
  }

  private async pump(hub: HubEnd): Promise<void> {
    for await (const { report, seq } of this.reports) {
      if ((await hub.take(report)) === 'ended') continue;
      this.carry('toAgent', () => {
        this.heard('agent');
        this.unacknowledged.get(seq)?.resolve();
        this.unacknowledged.delete(seq);
      });
    }
  }

  /** Brings one message across, or what the weather makes of it. */
  private carry(way: 'toHub' | 'toAgent', deliver: () => void): void {
    const { clock, random, counts } = this.world;
    const weather = this.world.weather();
    counts.messages += 1;
    if (random.chance(weather.halfOpen)) this.swallow();
    if (this.swallowing) return;
    if (random.chance(weather.loss)) {
      counts.lost += 1;
      clock.schedule(clock.now() + random.int(1, 50), () => this.break());
      return;
    }
    const spike = random.chance(weather.spike);
    if (spike) counts.spikes += 1;
    const delay = random.int(...weather.delayMs) + (spike ? weather.spikeMs : 0);
    const at = Math.max(this.arrivesAfter[way], clock.now() + delay);
    this.arrivesAfter[way] = at;
    const times = random.chance(weather.duplication) ? 2 : 1;
    if (times === 2) counts.duplicated += 1;
    for (let i = 0; i < times; i++) clock.schedule(at, () => (this.broken || this.swallowing ? undefined : deliver()));
  }

  private heard(end: 'hub' | 'agent'): void {
    this.heardAt[end] = this.world.clock.now();
    if (end === 'hub') this.hub?.heard();
  }

  /** Heartbeats of both ends, and what each makes of the other's silence. */
  private beat(): void {
    const { clock } = this.world;
    if (this.broken) return;
    if (clock.now() - Math.min(this.heardAt.hub, this.heardAt.agent) > SILENCE_MS) return this.break();
    this.carry('toHub', () => this.heard('hub'));
    this.carry('toAgent', () => this.heard('agent'));
    clock.schedule(clock.now() + HEARTBEAT_MS, () => this.beat());
  }
}
