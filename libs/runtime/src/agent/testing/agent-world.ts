import { runAgent, type AgentPorts } from '../agent.js';
import { CancelSource } from '../cancel-source.js';
import type { JournalStore } from '../ports.js';
// eslint-disable-next-line wavegate/room-fence -- one fake per port: the store in memory lives in the simulator, and tests alone need it here
import { InMemoryJournalStore } from '../../../../simulator/src/in-memory-journal-store.js';
import { FakeCluster, FakeDriver } from './fake-driver.js';
import { FakeHub } from './fake-hub.js';
import { HandClock } from './hand-clock.js';

/** A port whose calls stop answering when its process dies: what a killed process never gets to see. */
function mortal<T extends object>(port: T, life: { dead: boolean; onCall?: (name: string) => void }): T {
  const never = new Promise<never>(() => {});
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (life.dead) return never;
        const result: unknown = Reflect.apply(member, target, args);
        life.onCall?.(String(key));
        if (!(result instanceof Promise)) return result;
        return result.then((value: unknown) => (life.dead ? never : value));
      };
    },
  });
}

export interface RunningAgent {
  /** Undefined while it runs; null when it resolved, the error when it rejected. */
  ended: Error | null | undefined;
  /** Stops at the next safe point. */
  stop(): void;
  /** As SIGKILL does. */
  kill(): void;
}

/** Hub, cluster, journals and time of a test; agents come and go in it. */
export class AgentWorld {
  readonly clock = new HandClock();
  readonly hub = new FakeHub();
  readonly journals: JournalStore = new InMemoryJournalStore();
  readonly driver: FakeDriver;
  readonly errors: string[] = [];

  constructor(readonly cluster = new FakeCluster()) {
    this.driver = new FakeDriver(cluster, this.clock);
  }

  start(changes: Partial<AgentPorts> = {}, onSave?: (kill: () => void) => void): RunningAgent {
    const cancel = new CancelSource();
    const life: { dead: boolean; onCall?: (name: string) => void } = { dead: false };
    const kill = (): void => {
      life.dead = true;
      this.hub.hangUp();
    };
    const saving = { ...life };
    if (onSave) saving.onCall = (name) => name === 'save' && onSave(kill);
    Object.defineProperty(saving, 'dead', { get: () => life.dead });
    const silent = { info: () => {}, warn: () => {}, error: (message: string) => void this.errors.push(message) };
    const agent: RunningAgent = { ended: undefined, stop: () => cancel.cancel(), kill };
    const ports: AgentPorts = {
      clock: mortal(this.clock, life),
      random: { next: () => 0.5 },
      link: mortal(this.hub, life),
      journals: mortal(this.journals, saving),
      driver: mortal(this.driver, life),
      metrics: { samples: async () => [] },
      policy: { refuses: async () => null },
      ...{ log: silent, cancel },
      ...changes,
    };
    runAgent(ports).then(
      () => (agent.ended = null),
      (error: Error) => (agent.ended = error),
    );
    return agent;
  }

  /** Lets time pass until the outcome of an order is acknowledged; false when that takes longer than `ms`. */
  async untilOutcome(ms = 24 * 3_600_000, count = 1): Promise<boolean> {
    return this.clock.run(ms, () => this.hub.told('outcome').length >= count);
  }
}
