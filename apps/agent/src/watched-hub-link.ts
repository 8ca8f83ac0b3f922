import type { ClusterFacts } from '@wavegate/fleet';
import type { HubLink, HubStream, LinkRefusal } from '@wavegate/runtime/agent';
import type { AgentGauges } from './agent-gauges.js';

/** The link, with a gauge for what happens on it. */
export class WatchedHubLink implements HubLink {
  constructor(
    private readonly link: HubLink,
    private readonly gauges: AgentGauges,
  ) {}

  renewIfDue(): Promise<boolean> {
    return this.link.renewIfDue();
  }

  async connect(hello: { readonly facts: ClusterFacts }): Promise<HubStream | LinkRefusal> {
    const met = await this.link.connect(hello);
    this.gauges.count('kind' in met ? 'streams_refused' : 'streams_opened');
    if ('kind' in met) return met;
    this.gauges.connected = true;
    return this.watched(met);
  }

  private watched(stream: HubStream): HubStream {
    const commands = untilEnd(stream.commands, () => (this.gauges.connected = false));
    return {
      generation: stream.generation,
      settledEpoch: stream.settledEpoch,
      commands,
      send: (report) => stream.send(report),
      close: () => stream.close(),
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
