import type { ClusterFacts } from '@wavegate/fleet';
import type { HubLink, HubStream, LinkRefusal } from '@wavegate/runtime/agent';
import type { AgentGauges } from './agent-gauges.js';
import type { AgentLog } from './agent-log.js';

/** The link, with a line in the log and a gauge for what happens on it. */
export class WatchedHubLink implements HubLink {
  private lastRefusal = '';

  constructor(
    private readonly link: HubLink,
    private readonly log: AgentLog,
    private readonly gauges: AgentGauges,
  ) {}

  renewIfDue(): Promise<boolean> {
    return this.link.renewIfDue();
  }

  async connect(hello: { readonly facts: ClusterFacts }): Promise<HubStream | LinkRefusal> {
    const end = await this.link.connect(hello);
    if ('kind' in end) return this.refused(end);
    this.gauges.connected = true;
    this.gauges.count('streams_opened');
    this.lastRefusal = '';
    this.log.info({ generation: end.generation }, 'connected to the hub');
    return this.watched(end);
  }

  /** The same cause every few seconds for hours is one line, not a thousand. */
  private refused(refusal: LinkRefusal): LinkRefusal {
    this.gauges.count('streams_refused');
    if (this.lastRefusal !== refusal.message) {
      this.log.warn({ cause: refusal.kind, reason: refusal.reason?.code }, refusal.message);
    }
    this.lastRefusal = refusal.message;
    return refusal;
  }

  private watched(stream: HubStream): HubStream {
    const ended = (): void => {
      this.gauges.connected = false;
    };
    return {
      generation: stream.generation,
      commands: untilEnd(stream.commands, ended),
      send: (report) => stream.send(report),
      close: () => {
        ended();
        stream.close();
      },
    };
  }
}

async function* untilEnd<T>(source: AsyncIterable<T>, ended: () => void): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    ended();
  }
}
