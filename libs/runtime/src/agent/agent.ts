import type { HubCommand } from '@wavegate/fleet';
import { CancelSource } from './cancel-source.js';
import { OrderLoop } from './order-loop.js';
import { ControlDesk } from './control-desk.js';
import type {
  AgentClock,
  AgentLog,
  AgentRandom,
  Cancel,
  Driver,
  HubLink,
  JournalStore,
  LocalPolicy,
  Metrics,
  Silences,
} from './ports.js';
import { ReportOutbox } from './report-outbox.js';
import { SessionLoop } from './session-loop.js';

export interface AgentPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly link: HubLink;
  readonly journals: JournalStore;
  readonly driver: Driver;
  readonly metrics: Metrics;
  readonly policy: LocalPolicy;
  /** Absent: nothing is silenced. */
  readonly silences?: Silences;
  readonly log: AgentLog;
  readonly cancel: Cancel;
  /** How long a control-plane node must have been good in a row, in ms; 30 s unless told. For worlds that are played. */
  readonly settleMs?: number;
  /** Least time between two looks at a cluster in motion; one second unless told. Only a played world sets it. */
  readonly leastMs?: number;
}

/**
 * The agent: a session with the hub and one order at a time. Resolves when cancelled, once every step has left at a
 * safe point; rejects with TwinAgent where another process works with its journals.
 */
export async function runAgent(ports: AgentPorts): Promise<void> {
  const stop = new CancelSource();
  const forget = ports.cancel.onCancel(() => stop.cancel());
  const outbox = new ReportOutbox();
  const controls = new ControlDesk(ports.metrics, outbox, ports.log);
  const orders = new OrderLoop({ ...ports, outbox, controls, cancel: stop });
  const receive = (command: HubCommand): void => {
    // Neither is about the order in hand: they must not wait for it.
    if (command.kind === 'measure') void controls.measure(command.request);
    else if (command.kind === 'controls') controls.take(command.controls);
    else orders.receive(command);
  };
  const session = new SessionLoop({
    ...ports,
    outbox,
    cancel: stop,
    onCommand: receive,
    onSettled: (epoch) => orders.settle(epoch),
    onHubAway: (since) => orders.setHubAway(since),
  });
  // One loop that fails ends both: half an agent would look alive and do nothing.
  const both = [orders.work(), session.work()].map((loop) =>
    loop.catch((error: unknown) => {
      stop.cancel();
      throw error;
    }),
  );
  try {
    await Promise.all(both);
  } finally {
    stop.cancel();
    forget();
    await Promise.allSettled(both);
  }
}
