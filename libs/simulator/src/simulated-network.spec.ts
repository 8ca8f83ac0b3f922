import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { AgentReport, ClusterFacts, HubCommand } from '@wavegate/fleet';
import type { HubStream } from '@wavegate/runtime/agent';
import { MortalProcess } from './mortal-process.js';
import { FAIR_WEATHER } from './network-weather.js';
import type { Weather } from './network-weather.js';
import { SeededRandom } from './seeded-random.js';
import type { SimulatedLine } from './simulated-line.js';
import { SimulatedNetwork } from './simulated-network.js';
import { VirtualClock } from './virtual-clock.js';

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const facts = { uid: 'u' } as ClusterFacts;

function world(weather: Partial<Weather> = {}, seed = '1') {
  const clock = new VirtualClock(0);
  const network = new SimulatedNetwork(clock, new SeededRandom(seed));
  network.weather = { ...FAIR_WEATHER, ...weather };
  const taken: AgentReport[] = [];
  const lines: SimulatedLine[] = [];
  let closed = 0;
  network.listen({
    replica: 'hub',
    open: (_hello, line) => {
      const end = {
        take: (report: AgentReport) => {
          taken.push(report);
          return Promise.resolve('acknowledge' as const);
        },
        heard: () => undefined,
        closed: () => (closed += 1),
      };
      lines.push(line);
      line.start(end);
      return Promise.resolve({ session: { clusterId: 'c', generation: lines.length }, end });
    },
  });
  const connect = async (life = new MortalProcess('agent')): Promise<HubStream> => {
    const connecting = network.link('c', life).connect({ facts });
    await clock.run(clock.now() + 6_000, flush);
    const stream = await connecting;
    if (!('commands' in stream)) throw new Error(stream.message);
    return stream;
  };
  return { clock, network, taken, lines, connect, closed: () => closed };
}

const outcome = (orderId: string): AgentReport => ({
  kind: 'orderRefused',
  orderId,
  reason: reason('order_withdrawn'),
});
const confirm = (epoch: number): HubCommand => ({ kind: 'confirm', orderId: 'o', epoch });

async function read(stream: HubStream, into: HubCommand[]): Promise<void> {
  for await (const command of stream.commands) into.push(command);
}

describe('SimulatedNetwork', () => {
  it('rough weather without loss → everything arrives in order, late or twice but never out of turn', async () => {
    const { clock, connect, lines, taken } = world({ delayMs: [1, 900], spike: 0.2, spikeMs: 4_000, duplication: 0.3 });
    const stream = await connect();
    const commands: HubCommand[] = [];
    void read(stream, commands);
    const sent = Array.from({ length: 30 }, (_, i) => stream.send(outcome(`o-${i}`)));
    for (let i = 1; i <= 30; i++) await lines[0]!.command(confirm(i));
    await clock.run(clock.now() + 600_000, flush);
    await Promise.all(sent);
    const epochs = commands.flatMap((command) => (command.kind === 'confirm' ? [command.epoch] : []));
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(new Set(epochs).size).toBe(30);
    expect(epochs.length).toBeGreaterThan(30);
    expect(taken.length).toBeGreaterThan(30);
  });

  it('a lost message → the stream breaks: commands end, unacknowledged reports are rejected, the hub is told', async () => {
    const { clock, connect, network, closed } = world();
    const stream = await connect();
    network.weather = { ...FAIR_WEATHER, loss: 1 };
    const sent = stream.send(outcome('o'));
    const reading = read(stream, []);
    const rejected = expect(sent).rejects.toThrow('broke');
    await clock.run(clock.now() + 1_000, flush);
    await rejected;
    await reading;
    expect(closed()).toBe(1);
  });

  it('a partition → nobody is told, and both ends give up by silence within a minute', async () => {
    const { clock, connect, network, closed } = world();
    const stream = await connect();
    network.partition('c');
    const rejected = expect(stream.send(outcome('o'))).rejects.toThrow('broke');
    await clock.run(clock.now() + 20_000, flush);
    expect(closed()).toBe(0);
    await clock.run(clock.now() + 60_000, flush);
    await rejected;
    expect(closed()).toBe(1);
    await expect(connect()).rejects.toThrow('nobody answers');
  });

  it('the hub goes down → its lines break; the agent dies → the hub is told', async () => {
    const { clock, connect, network, closed } = world();
    const life = new MortalProcess('agent');
    await connect(life);
    life.kill();
    await clock.run(clock.now() + 1_000, flush);
    expect(closed()).toBe(1);
    await connect();
    network.goDown('hub');
    expect(closed()).toBe(2);
  });
});
