import type { AgentReport, ClusterFacts, HubCommand, Order } from '@wavegate/fleet';
import type { HubLink, HubStream, LinkRefusal } from '../ports.js';

/** The hub's end: takes reports, sends commands; can be away, and can forget to acknowledge. */
export class FakeHub implements HubLink {
  readonly reports: AgentReport[] = [];
  readonly hellos: ClusterFacts[] = [];
  away: LinkRefusal['kind'] | null = null;
  /** Reports arrive and are not acknowledged: the stream breaks instead. */
  deaf = false;
  confirms = true;
  renewals = 0;
  renewalDue = false;
  attempts = 0;
  settledEpoch = 0;
  private stream: Stream | null = null;

  async connect({ facts }: { readonly facts: ClusterFacts }): Promise<HubStream | LinkRefusal> {
    this.attempts += 1;
    if (this.away) return { kind: this.away, reason: null, message: 'no hub here', retryAfterMs: null };
    this.hellos.push(facts);
    this.stream = new Stream(this.hellos.length, this.settledEpoch, (report) => this.take(report));
    return this.stream;
  }

  async renewIfDue(): Promise<boolean> {
    if (!this.renewalDue) return false;
    this.renewalDue = false;
    this.renewals += 1;
    return true;
  }

  get connected(): boolean {
    return this.stream?.open === true;
  }

  say(command: HubCommand): void {
    this.stream?.say(command);
  }

  order(order: Order): void {
    this.say({ kind: 'order', order });
  }

  hangUp(): void {
    this.stream?.close();
  }

  told(kind: AgentReport['kind']): AgentReport[] {
    return this.reports.filter((report) => report.kind === kind);
  }

  private async take(report: AgentReport): Promise<void> {
    if (this.deaf && report.kind !== 'progress') {
      this.hangUp();
      throw new Error('stream ended');
    }
    this.reports.push(report);
    if (report.kind === 'orderAccepted' && this.confirms) this.say({ ...report, kind: 'confirm' });
  }
}

class Stream implements HubStream {
  open = true;
  private readonly queue: HubCommand[] = [];
  private wake: () => void = () => {};

  constructor(
    readonly generation: number,
    readonly settledEpoch: number,
    private readonly take: (report: AgentReport) => Promise<void>,
  ) {}

  get commands(): AsyncIterable<HubCommand> {
    return this.iterate();
  }

  say(command: HubCommand): void {
    this.queue.push(command);
    this.wake();
  }

  async send(report: AgentReport): Promise<void> {
    if (!this.open) throw new Error('stream ended');
    await this.take(report);
  }

  close(): void {
    this.open = false;
    this.wake();
  }

  private async *iterate(): AsyncGenerator<HubCommand> {
    // What was said before hanging up still arrives.
    while (this.open || this.queue.length > 0) {
      const command = this.queue.shift();
      if (command) yield command;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
