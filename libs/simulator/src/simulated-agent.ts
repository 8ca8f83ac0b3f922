import { runAgent } from '@wavegate/runtime/agent';
import type {
  AgentClock,
  AgentLog,
  AgentRandom,
  Cancel,
  HubLink,
  JournalStore,
  Metrics,
} from '@wavegate/runtime/agent';
import type { MortalProcess } from './mortal-process.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedDriver } from './simulated-driver.js';
import { SimulatedMetrics } from './simulated-metrics.js';

export interface AgentWorld {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly cluster: SimulatedCluster;
  readonly journals: JournalStore;
  /** The cluster's own simulated ones unless given. */
  readonly metrics?: Metrics;
  /** Made for the same process: `SimulatedNetwork.link`. */
  readonly link: HubLink;
  readonly log: AgentLog;
  /** The program ended by itself, with this error: whoever runs it may start it again. */
  readonly onExit: (error: unknown) => void;
}

const NEVER_CANCELLED: Cancel = { cancelled: false, onCancel: () => () => {} };

/** An agent of the simulation: the production loops over a simulated cluster, in a process that can die at any await. */
export class SimulatedAgent {
  constructor(
    private readonly world: AgentWorld,
    private readonly life: MortalProcess,
  ) {}

  start(): void {
    const { life, world } = this;
    const clock = life.wrap(world.clock, 'clock');
    const running = runAgent({
      clock,
      random: world.random,
      link: world.link,
      journals: life.wrap(world.journals, 'journals'),
      driver: life.wrap(new SimulatedDriver(world.cluster, clock), 'driver'),
      metrics: life.wrap(world.metrics ?? new SimulatedMetrics(world.cluster), 'metrics'),
      policy: { refuses: () => Promise.resolve(null) },
      log: world.log,
      cancel: NEVER_CANCELLED,
    });
    running.catch((error: unknown) => {
      life.kill();
      world.onExit(error);
    });
  }
}
