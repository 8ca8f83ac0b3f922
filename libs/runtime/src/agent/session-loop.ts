import {
  canonicalText,
  isDurable,
  type AgentReport,
  type ClusterFacts,
  type HubCommand,
  type Reason,
} from '@wavegate/fleet';
import { BackOff } from './back-off.js';
import type { AgentClock, AgentLog, AgentRandom, Cancel, Driver, HubLink, HubStream, LinkRefusal } from './ports.js';
import type { ReportOutbox } from './report-outbox.js';
import { WakeUp } from './wake-up.js';

/**
 * A newer session of this very agent is live: coming back at once would only throw it out in turn. The other may also
 * end in a moment (twins meet at the journal, and one of them stops): so the first pause is short, and they double.
 */
const FIRST_TWIN_PAUSE_MS = 15_000;
const LONGEST_TWIN_PAUSE_MS = 5 * 60_000;
/** Progress is for people: nobody reads faster. */
const PROGRESS_MS = 1_000;
const RENEWAL_MS = 60_000;
/** Changes of facts come in swarms. */
const FACTS_REST_MS = 1_000;
const FACTS_POLL_MS = 5 * 60_000;

export interface SessionLoopPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly link: HubLink;
  readonly driver: Driver;
  readonly outbox: ReportOutbox;
  readonly log: AgentLog;
  readonly cancel: Cancel;
  readonly onCommand: (command: HubCommand) => void;
  /** Told of each stream before anything else of it. */
  readonly onSettled?: (epoch: number) => void;
  /** Null: connected; else since when not. */
  readonly onHubAway: (since: number | null) => void;
}

/** One stream after the other, for as long as the agent lives; tells the hub what is in the outbox, and what changed. */
export class SessionLoop {
  private readonly outboxWake: WakeUp;
  private readonly factsWake: WakeUp;
  private readonly backOff: BackOff;
  private stream: HubStream | null = null;
  private facts: ClusterFacts | null = null;
  private told = '';
  private twinPauseMs = FIRST_TWIN_PAUSE_MS;

  constructor(private readonly ports: SessionLoopPorts) {
    const { clock, random, cancel, outbox } = ports;
    this.outboxWake = new WakeUp(clock, cancel);
    this.factsWake = new WakeUp(clock, cancel);
    this.backOff = new BackOff(random);
    outbox.onPost(() => this.outboxWake.ring());
  }

  /** Resolves when cancelled. */
  async work(): Promise<void> {
    const { cancel, driver } = this.ports;
    const forget = driver.onChange(() => this.factsWake.ring());
    const forgetCancel = cancel.onCancel(() => this.stream?.close());
    try {
      await Promise.all([this.connecting(), this.watchingFacts(), this.renewing()]);
    } finally {
      forget();
      forgetCancel();
    }
  }

  private async connecting(): Promise<void> {
    const { cancel, clock } = this.ports;
    while (!cancel.cancelled) {
      const pause = await this.attempt();
      if (pause > 0 && !cancel.cancelled) await clock.sleep(pause, cancel);
    }
  }

  /** One stream from its beginning to its end; answers how long to stay away, in ms. */
  private async attempt(): Promise<number> {
    const { link, log } = this.ports;
    try {
      // A certificate that ran out while the hub was away is renewed before it is refused.
      await this.renew();
      const facts = this.facts ?? (await this.readFacts());
      const met = await link.connect({ facts });
      if (isRefusal(met)) return this.afterRefusal(met);
      this.told = textOf(facts);
      return await this.live(met);
    } catch (error) {
      log.warn('no stream to the hub', { error: String(error) });
      return this.backOff.next();
    }
  }

  private afterRefusal(refusal: LinkRefusal): number {
    const { kind, message, reason, retryAfterMs } = refusal;
    this.ports.log.warn('hub not reached', { cause: kind, detail: message, reason: reason?.code ?? '' });
    return Math.max(retryAfterMs ?? 0, this.backOff.next());
  }

  private async live(stream: HubStream): Promise<number> {
    const { log, onHubAway, clock, cancel } = this.ports;
    this.stream = stream;
    const begun = clock.now();
    if (cancel.cancelled) stream.close();
    log.info('connected', { generation: stream.generation });
    this.ports.onSettled?.(stream.settledEpoch);
    onHubAway(null);
    const over = { yes: false };
    const sending = this.sending(stream, over);
    let farewell: { readonly reason: Reason; readonly retryAfterMs: number } | null = null;
    try {
      for await (const command of stream.commands) {
        if (command.kind === 'goAway') farewell = command;
        else this.ports.onCommand(command);
      }
    } catch (error) {
      log.warn('stream broke', { error: String(error) });
    }
    over.yes = true;
    stream.close();
    this.stream = null;
    onHubAway(clock.now());
    this.outboxWake.ring();
    await sending;
    if (clock.now() - begun > LONGEST_TWIN_PAUSE_MS) this.twinPauseMs = FIRST_TWIN_PAUSE_MS;
    return this.afterStream(farewell);
  }

  private afterStream(farewell: { readonly reason: Reason; readonly retryAfterMs: number } | null): number {
    const jitter = this.backOff.next();
    if (!farewell) return jitter;
    const { log } = this.ports;
    if (farewell.reason.code === 'newer_generation') {
      log.error('another agent of this cluster is connected: this one stays away', { ...farewell.reason.params });
      const pause = this.twinPauseMs;
      this.twinPauseMs = Math.min(LONGEST_TWIN_PAUSE_MS, pause * 2);
      return pause + jitter;
    }
    log.info('hub asks to come back later', { reason: farewell.reason.code });
    return farewell.retryAfterMs + jitter;
  }

  /** One report after the other: durable ones until acknowledged, the newest progress in between. Never rejects. */
  private async sending(stream: HubStream, over: { yes: boolean }): Promise<void> {
    let progressFrom = 0;
    while (!over.yes && !this.ports.cancel.cancelled) {
      const now = this.ports.clock.now();
      const urgent = this.ports.outbox.next() ?? this.ports.outbox.takeCounted();
      const report = urgent ?? (now >= progressFrom ? this.ports.outbox.takeProgress() : null);
      if (!report) {
        await this.outboxWake.sleep(this.ports.outbox.hasProgress ? progressFrom - now : FACTS_POLL_MS);
        continue;
      }
      if (!urgent) progressFrom = now + PROGRESS_MS;
      if (!(await this.send(stream, report))) return stream.close();
    }
  }

  private async send(stream: HubStream, report: AgentReport): Promise<boolean> {
    try {
      await stream.send(report);
    } catch (error) {
      this.ports.log.info('report not acknowledged, it is kept', { report: report.kind, error: String(error) });
      return false;
    }
    if (isDurable(report)) this.ports.outbox.acknowledged(report);
    // A stream that carries is a good one; one that opens and dies again is not.
    this.backOff.reset();
    return true;
  }

  private async watchingFacts(): Promise<void> {
    const { cancel, clock, log } = this.ports;
    while (!cancel.cancelled) {
      await this.factsWake.sleep(FACTS_POLL_MS);
      await clock.sleep(FACTS_REST_MS, cancel);
      if (cancel.cancelled) return;
      try {
        await this.tellFacts();
      } catch (error) {
        log.warn('facts not read', { error: String(error) });
      }
    }
  }

  private async tellFacts(): Promise<void> {
    const facts = await this.readFacts();
    const text = textOf(facts);
    if (text === this.told) return;
    this.told = text;
    this.ports.outbox.post({ kind: 'facts', facts });
  }

  /** Kept for a connect while the cluster's API is away: the hub is to hear of that, too. */
  private async readFacts(): Promise<ClusterFacts> {
    this.facts = await this.ports.driver.facts();
    return this.facts;
  }

  private async renewing(): Promise<void> {
    const { cancel, clock } = this.ports;
    while (!cancel.cancelled) {
      await clock.sleep(RENEWAL_MS, cancel);
      if (!cancel.cancelled && (await this.renew())) this.stream?.close();
    }
  }

  /** True when a new certificate is in use: the next stream takes it. */
  private async renew(): Promise<boolean> {
    try {
      return await this.ports.link.renewIfDue();
    } catch (error) {
      this.ports.log.warn('certificate not renewed', { error: String(error) });
      return false;
    }
  }
}

const isRefusal = (met: HubStream | LinkRefusal): met is LinkRefusal => 'kind' in met;
/** The moment of observation is no news. */
const textOf = (facts: ClusterFacts): string => canonicalText({ ...facts, observedAt: 0 });
