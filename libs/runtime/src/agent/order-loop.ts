import { reason, type AgentReport, type HubCommand, type Outcome, type Reason } from '@wavegate/fleet';
import { finish, markReported, standing as standingOf, type Journal } from '@wavegate/upgrade';
import { BackOff } from './back-off.js';
import type { ControlSource } from './control-desk.js';
import { JournalKeeper, TwinAgent } from './journal-keeper.js';
import { OrderDesk } from './order-desk.js';
import { OrderRun } from './order-run.js';
import type {
  AgentClock,
  AgentLog,
  AgentRandom,
  Cancel,
  Driver,
  JournalStore,
  LocalPolicy,
  Metrics,
  Silences,
} from './ports.js';
import type { ReportOutbox } from './report-outbox.js';
import { WakeUp } from './wake-up.js';

/** Nothing to do: look again after this, should a wake-up have been lost. */
const IDLE_MS = 60_000;
/**
 * After a start, so long for the hub to say what is over before a running order is carried on. Where etcd was restored
 * the journal is as old as the snapshot, and would do again what was just taken back. Without a hub it goes on after this.
 */
const HEED_MS = 30_000;
/** A cluster in motion changes all the time: it is not observed more often than this because of it. */
const LEAST_MS = 1_000;

export interface OrderLoopPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly journals: JournalStore;
  readonly driver: Driver;
  readonly metrics: Metrics;
  readonly policy: LocalPolicy;
  /** Absent: nothing is silenced. */
  readonly silences?: Silences;
  readonly outbox: ReportOutbox;
  readonly log: AgentLog;
  readonly cancel: Cancel;
  /** What peers did in the judged periods; absent: nobody tells. */
  readonly controls?: ControlSource;
  /** How long a control-plane node must have been good in a row; the engine's own figure unless told. */
  readonly settleMs?: number;
  /** Least time between two looks at a cluster in motion; LEAST_MS unless told. Only a world that is played sets it. */
  readonly leastMs?: number;
}

/**
 * One order at a time, by one actor: commands, evidence and acknowledgements queue up and are taken in turn, so every
 * write of a journal comes from one place. A port that throws costs a pause, never an order; only a twin ends the loop.
 */
export class OrderLoop {
  private readonly keeper: JournalKeeper;
  private readonly desk: OrderDesk;
  private readonly wake: WakeUp;
  private readonly backOff: BackOff;
  private readonly commands: HubCommand[] = [];
  private readonly delivered: AgentReport[] = [];
  private run: OrderRun | null = null;
  private hubAwaySince: number | null;
  private loaded = false;
  /** Orders up to here are over for the hub. */
  private settled = 0;
  /** After a start: until the hub has spoken, or this moment, what the journals call running is not carried on. */
  private heedUntil: number;

  constructor(private readonly ports: OrderLoopPorts) {
    const { clock, random, journals, cancel, outbox } = ports;
    this.keeper = new JournalKeeper(journals);
    this.wake = new WakeUp(clock, cancel);
    this.backOff = new BackOff(random);
    this.hubAwaySince = clock.now();
    this.heedUntil = clock.now() + HEED_MS;
    const stop = (orderId: string, why: Reason): Promise<boolean> => this.stop(orderId, why);
    this.desk = new OrderDesk({ ...ports, keeper: this.keeper, stop, settled: () => this.settled });
    outbox.onDelivered((report) => {
      if (report.kind !== 'outcome') return;
      this.delivered.push(report);
      this.wake.ring();
    });
  }

  /** Commands are taken in order. */
  receive(command: HubCommand): void {
    this.commands.push(command);
    this.wake.ring();
  }

  /** What the hub holds to be over. A journal that says otherwise was taken back in time with its cluster. */
  settle(epoch: number): void {
    this.settled = Math.max(this.settled, epoch);
    this.wake.ring();
  }

  /** A stream is there (null) or gone since then. After a connect what is open is told again. */
  setHubAway(since: number | null): void {
    if (since === null && this.loaded) this.desk.tellOpen();
    if (since === null) this.heedUntil = 0;
    this.hubAwaySince = since;
    this.wake.ring();
  }

  /** Resolves when cancelled; rejects with TwinAgent. */
  async work(): Promise<void> {
    const { cancel, driver, clock } = this.ports;
    const forget = driver.onChange(() => this.wake.ring());
    const forgetCancel = cancel.onCancel(() => this.run?.interrupt());
    try {
      while (!cancel.cancelled) {
        const begun = clock.now();
        const rest = await this.turn();
        const urgent = this.commands.length > 0 || this.delivered.length > 0;
        if (!urgent) await this.wake.sleep(rest);
        const least = (this.ports.leastMs ?? LEAST_MS) - (clock.now() - begun);
        if (!urgent && least > 0 && this.run && !cancel.cancelled) await clock.sleep(least, cancel);
      }
    } finally {
      forget();
      forgetCancel();
    }
  }

  /** Everything that can be done now; answers for how long nothing needs to be. */
  private async turn(): Promise<number> {
    try {
      if (!this.loaded) await this.adopt();
      await this.takeCommands();
      await this.takeDelivered();
      const next = await this.desk.expire();
      const rest = Math.min(await this.carryOn(), next - this.ports.clock.now());
      this.backOff.reset();
      return rest;
    } catch (error) {
      if (error instanceof TwinAgent) throw error;
      this.ports.log.warn('pass broke off, trying again', { error: String(error) });
      // Slept here: a command that waits makes the loop urgent, and a port that is away must not be asked without rest.
      await this.ports.clock.sleep(this.backOff.next(), this.ports.cancel);
      return 0;
    }
  }

  /** After a start: what the journals say goes on where it was. */
  private async adopt(): Promise<void> {
    await this.keeper.load();
    this.loaded = true;
    this.desk.tellOpen();
    this.desk.tellEvidence();
  }

  private async takeCommands(): Promise<void> {
    for (let command = this.commands[0]; command; command = this.commands[0]) {
      // Taken off only when done: one that met a throw is done again, before those behind it.
      await this.desk.take(command);
      this.commands.shift();
    }
  }

  private async takeDelivered(): Promise<void> {
    for (let report = this.delivered[0]; report; report = this.delivered[0]) {
      const journal = report.kind === 'outcome' ? this.keeper.get(report.orderId) : null;
      if (journal && !journal.reported) await this.keeper.save(markReported(journal));
      await this.keeper.prune();
      this.delivered.shift();
    }
  }

  private async carryOn(): Promise<number> {
    const journal = this.keeper.running();
    if (!journal) return IDLE_MS;
    const heed = this.heedUntil - this.ports.clock.now();
    if (this.run === null && heed > 0) return heed;
    if (journal.order.epoch <= this.settled) return this.letGo(journal);
    if (this.run?.orderId !== journal.order.id) {
      const { keeper, ports, wake } = this;
      this.run = new OrderRun({ ...ports, keeper, ring: () => wake.ring() }, journal);
    }
    const rest = await this.run.pass(this.hubAwaySince);
    if (rest !== null) return rest;
    this.run = null;
    return 0;
  }

  /** The cluster was restored to a moment at which this order was under way; for the hub it is over. Nothing is undone. */
  private async letGo(journal: Journal): Promise<number> {
    this.run?.interrupt();
    this.run = null;
    const { driver, outbox, log } = this.ports;
    const { order } = journal;
    const cordoned = [...(await driver.release(order))].sort();
    const standing = standingOf(await driver.observe(order));
    const why = reason('journal_rewound', { known: this.settled, found: order.epoch });
    const outcome: Outcome = { kind: 'halted', reason: why, standing, cordoned };
    await this.keeper.save(finish(journal, outcome));
    outbox.post({ kind: 'outcome', orderId: order.id, epoch: order.epoch, outcome });
    log.error('the journal is older than the hub knows: the cluster was restored', { order: order.id });
    return 0;
  }

  private async stop(orderId: string, why: Reason): Promise<boolean> {
    if (this.run?.orderId !== orderId) await this.carryOn();
    if (this.run?.orderId !== orderId) return true;
    await this.run.stop(why);
    return true;
  }
}
