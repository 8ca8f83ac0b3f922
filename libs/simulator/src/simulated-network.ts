import { isDurable } from '@wavegate/fleet';
import type { ClusterFacts, Reason } from '@wavegate/fleet';
import type { HubLink, HubStream, LinkRefusal } from '@wavegate/runtime/agent';
import type { AgentStream, SessionRef } from '@wavegate/runtime/hub';
import { FAIR_WEATHER } from './network-weather.js';
import type { NetworkCounts, Weather } from './network-weather.js';
import { SimulatedLine } from './simulated-line.js';
import type { HubEnd } from './simulated-line.js';
import type { MortalProcess } from './mortal-process.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualClock } from './virtual-clock.js';

export interface Hello {
  readonly clusterId: string;
  readonly facts: ClusterFacts;
}

export type Opened =
  | { readonly session: SessionRef; readonly end: HubEnd }
  | { readonly refused: Reason; readonly retryAfterMs: number | null };

/** A hub replica as the network sees it: it opens sessions and is the other end of their lines. */
export interface Gateway {
  readonly replica: string;
  open(hello: Hello, line: SimulatedLine): Promise<Opened>;
}

/** How long an agent tries to reach somebody who does not answer. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Lines between agents and hub replicas, with weather, partitions and replicas that come and go. */
export class SimulatedNetwork {
  weather: Weather = FAIR_WEATHER;
  readonly counts: NetworkCounts = {
    messages: 0,
    lost: 0,
    duplicated: 0,
    halfOpened: 0,
    spikes: 0,
    connectFailures: 0,
    partitioned: 0,
    connects: 0,
  };
  private readonly gateways = new Map<string, Gateway>();
  private readonly lines = new Map<SimulatedLine, { readonly replica: string; readonly clusterId: string }>();
  private readonly cut = new Set<string>();
  private lineNumber = 0;

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: SeededRandom,
  ) {}

  listen(gateway: Gateway): void {
    this.gateways.set(gateway.replica, gateway);
  }

  /** The replica's process is gone: its sockets are closed by its kernel. */
  goDown(replica: string): void {
    this.gateways.delete(replica);
    for (const [line, ends] of [...this.lines]) if (ends.replica === replica) this.reset(line);
  }

  /** Nothing gets through between this cluster and any hub, until it is mended. Neither end is told. */
  partition(clusterId: string): void {
    this.cut.add(clusterId);
    this.counts.partitioned += 1;
    for (const [line, ends] of this.lines) if (ends.clusterId === clusterId) line.swallow();
  }

  mend(clusterId?: string): void {
    if (clusterId === undefined) this.cut.clear();
    else this.cut.delete(clusterId);
  }

  /** The agent's side, as a process that may die at any of its awaits. */
  link(clusterId: string, life: MortalProcess): HubLink {
    return {
      connect: (hello) => life.live(this.connect({ clusterId, facts: hello.facts }, life), 'link.connect'),
      renewIfDue: () => life.live(Promise.resolve(false), 'link.renew'),
    };
  }

  private async connect(hello: Hello, life: MortalProcess): Promise<HubStream | LinkRefusal> {
    this.lineNumber += 1;
    const random = this.random.split(`line ${this.lineNumber}`);
    const [low, high] = this.weather.delayMs;
    await this.clock.sleep(3 * random.int(low, high));
    const gateway = this.reachable(hello.clusterId, random);
    if (!gateway) {
      await this.clock.sleep(CONNECT_TIMEOUT_MS);
      return { kind: 'unreachable', reason: null, message: 'nobody answers', retryAfterMs: null };
    }
    this.counts.connects += 1;
    const line = this.lineTo(gateway.replica, hello.clusterId, random);
    // A hub whose store is away cannot open a session: for the agent that is a hub that is not there.
    const opening = gateway.open(hello, line).catch(() => undefined);
    const opened = await Promise.race([opening, this.clock.sleep(CONNECT_TIMEOUT_MS)]);
    // No answer in time: a hub that is paused or died while it opened the session.
    if (!opened || !line.open || !life.alive) {
      this.reset(line);
      return { kind: 'unreachable', reason: null, message: 'the hub went away', retryAfterMs: null };
    }
    if ('refused' in opened) {
      this.reset(line);
      const { refused: reason, retryAfterMs } = opened;
      return { kind: 'refused', reason, message: reason.code, retryAfterMs };
    }
    return this.streamOf(opened.session.generation, line, life);
  }

  private reachable(clusterId: string, random: SeededRandom): Gateway | null {
    const replicas = [...this.gateways.values()];
    if (this.cut.has(clusterId) || replicas.length === 0) return null;
    if (random.chance(this.weather.connectFailure)) {
      this.counts.connectFailures += 1;
      return null;
    }
    return random.pick(replicas);
  }

  private lineTo(replica: string, clusterId: string, random: SeededRandom): SimulatedLine {
    const { clock, counts } = this;
    const line = new SimulatedLine({ clock, counts, random, weather: () => this.weather });
    this.lines.set(line, { replica, clusterId });
    return line;
  }

  private streamOf(generation: number, line: SimulatedLine, life: MortalProcess): HubStream {
    life.onDeath(() => this.reset(line));
    return {
      generation,
      settledEpoch: 0,
      commands: life.iterate(line.commands, 'stream.commands'),
      send: (report) => {
        const acknowledged = line.report(report);
        if (isDurable(report)) return life.live(acknowledged, `stream.send.${report.kind}`);
        // Lossy: whether it arrives is nobody's business.
        acknowledged.catch(() => undefined);
        return life.live(Promise.resolve(), `stream.send.${report.kind}`);
      },
      close: () => this.reset(line),
    };
  }

  private reset(line: SimulatedLine): void {
    this.lines.delete(line);
    line.break();
  }
}

/** The hub's side of a line, as its dispatcher and registry see it. */
export function agentStream(session: SessionRef, line: SimulatedLine): AgentStream {
  return {
    session,
    send: (command) => line.command(command),
    end: (why, retryAfterMs) => line.hangUp({ kind: 'goAway', reason: why, retryAfterMs }),
  };
}
