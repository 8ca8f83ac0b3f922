import { isReason, readOrder, reason, type HubCommand, type Order, type Reason } from '@wavegate/fleet';
import { acceptOrder, neverStart, refusesKind, startOrder, type Journal } from '@wavegate/upgrade';
import type { JournalKeeper } from './journal-keeper.js';
import type { AgentClock, AgentLog, Driver, LocalPolicy } from './ports.js';
import type { ReportOutbox } from './report-outbox.js';

export interface OrderDeskPorts {
  readonly clock: AgentClock;
  readonly driver: Driver;
  readonly policy: LocalPolicy;
  readonly keeper: JournalKeeper;
  readonly outbox: ReportOutbox;
  readonly log: AgentLog;
  /** Orders up to this epoch are over for the hub, whatever the journals say. */
  readonly settled?: () => number;
  /** Asks the order being carried out to stop; false when it is not the one. */
  readonly stop: (orderId: string, why: Reason) => Promise<boolean>;
}

/**
 * Takes the hub's commands. The agent trusts the hub only so far: an order is read strictly, must be for this cluster,
 * newer than anything seen, within the local policy, and one at a time. Every command may come twice, and late; each is
 * answered from the journal.
 *
 * unknown --order--> accepted --confirm, in time--> running --> done
 *                        `--withdraw, newer order, too late--> withdrawn
 */
export class OrderDesk {
  constructor(private readonly ports: OrderDeskPorts) {}

  async take(command: HubCommand): Promise<void> {
    switch (command.kind) {
      case 'order':
        return this.takeOrder(command.order);
      case 'confirm':
        return this.confirm(command.orderId, command.epoch);
      case 'withdraw':
        return this.withdraw(command.orderId, command.reason);
      case 'goAway':
      // About no order: the control desk takes these, before they come here.
      case 'measure':
      case 'controls':
        return;
    }
  }

  /** What the journals say is open, told (again): after a reconnect and after a restart. */
  tellOpen(): void {
    for (const journal of this.ports.keeper.all()) {
      if (journal.state === 'accepted' || (journal.state === 'done' && !journal.reported)) this.answer(journal);
    }
  }

  /** Beside what is open, the evidence of orders whose end the hub has not acknowledged: it may have been lost with us. */
  tellEvidence(): void {
    const { outbox, keeper } = this.ports;
    for (const { order, state, findings, receipt, judgements } of keeper.all().filter(({ reported }) => !reported)) {
      if (state !== 'running' && state !== 'done') continue;
      if (findings.length > 0) outbox.post({ kind: 'findings', orderId: order.id, findings });
      if (receipt) outbox.post({ kind: 'receipt', orderId: order.id, receipt });
      for (const { phase, verdict } of judgements) {
        if (verdict) outbox.post({ kind: 'verdict', orderId: order.id, phase, verdict });
      }
    }
  }

  /** Accepted orders that the hub did not confirm in time are let go. Answers the next such moment, Infinity for none. */
  async expire(): Promise<number> {
    const { keeper, clock } = this.ports;
    const accepted = keeper.all().filter(({ state }) => state === 'accepted');
    const settled = this.ports.settled?.() ?? 0;
    for (const journal of accepted) {
      if (journal.order.epoch <= settled) await this.forget(journal, settled);
      else if (journal.order.startBy < clock.now()) await this.letGo(journal, expired(journal.order));
    }
    return Math.min(Infinity, ...accepted.map(({ order }) => order.startBy + 1));
  }

  private async takeOrder(input: Order): Promise<void> {
    const order = readOrder(input);
    if (isReason(order)) return this.refuse(input, order);
    const known = this.ports.keeper.get(order.id);
    if (known) return this.answer(known);
    const why = await this.whyNot(order);
    if (why) return this.refuse(order, why);
    for (const journal of this.ports.keeper.all()) {
      if (journal.state === 'accepted') await this.supersede(journal, order);
    }
    await this.ports.keeper.save(acceptOrder(order, this.ports.clock.now()));
    this.ports.log.info('order accepted', { order: order.id, attempt: order.attempt });
    this.ports.outbox.post({ kind: 'orderAccepted', orderId: order.id, epoch: order.epoch });
  }

  private async whyNot(order: Order): Promise<Reason | null> {
    const { keeper, clock, driver, policy } = this.ports;
    const kind = refusesKind(order);
    if (kind) return kind;
    const known = Math.max(keeper.highestEpoch(), this.ports.settled?.() ?? 0);
    if (order.epoch <= known) return reason('epoch_too_old', { epoch: order.epoch, known });
    const running = keeper.running();
    if (running) return reason('agent_busy', { order: running.order.id });
    if (order.startBy < clock.now()) return expired(order);
    const { uid } = await driver.facts();
    if (uid !== order.clusterUid) {
      return reason('cluster_uid_mismatch', { expected: order.clusterUid, found: uid });
    }
    return policy.refuses(order, clock.now());
  }

  private async confirm(orderId: string, epoch: number): Promise<void> {
    const { keeper, clock, log } = this.ports;
    const journal = keeper.get(orderId);
    // A hub that still asks has not heard how it ended: the report may have died with an earlier process.
    if (!journal) return this.ports.outbox.post({ kind: 'orderWithdrawn', orderId, started: false });
    if (journal.state === 'withdrawn' || journal.state === 'done') return this.answer(journal);
    if (journal.state !== 'accepted' || journal.order.epoch !== epoch) return;
    if (clock.now() > journal.order.startBy) return this.letGo(journal, expired(journal.order));
    await keeper.save(startOrder(journal, clock.now()));
    log.info('order started', { order: orderId });
  }

  private async withdraw(orderId: string, why: Reason): Promise<void> {
    const { keeper, outbox, stop } = this.ports;
    const journal = keeper.get(orderId);
    if (journal?.state === 'done') {
      outbox.post({ kind: 'orderWithdrawn', orderId, started: true });
      return this.answer(journal);
    }
    if (journal?.state === 'accepted') await keeper.save(neverStart(journal, why));
    const started = journal?.state === 'running' && (await stop(orderId, why));
    outbox.post({ kind: 'orderWithdrawn', orderId, started });
  }

  private async supersede(journal: Journal, by: Order): Promise<void> {
    await this.ports.keeper.save(neverStart(journal, reason('order_superseded', { epoch: by.epoch })));
    this.ports.outbox.post({ kind: 'orderWithdrawn', orderId: journal.order.id, started: false });
  }

  /** Accepted in a time that the cluster was taken back to; for the hub it has long ended. */
  private async forget(journal: Journal, known: number): Promise<void> {
    await this.ports.keeper.save(neverStart(journal, reason('journal_rewound', { known, found: journal.order.epoch })));
    this.ports.log.warn('an order of before the restore is let go', { order: journal.order.id });
  }

  private async letGo(journal: Journal, why: Reason): Promise<void> {
    await this.ports.keeper.save(neverStart(journal, why));
    this.refuse(journal.order, why);
  }

  private refuse({ id }: Order, why: Reason): void {
    this.ports.log.warn('order refused', { order: id, reason: why.code });
    this.ports.outbox.post({ kind: 'orderRefused', orderId: id, reason: why });
  }

  private answer({ order, state, outcome, withdrawal }: Journal): void {
    const { outbox } = this.ports;
    const orderId = order.id;
    if (state === 'accepted' || state === 'running') {
      return outbox.post({ kind: 'orderAccepted', orderId, epoch: order.epoch });
    }
    if (state === 'done' && outcome) return outbox.post({ kind: 'outcome', orderId, epoch: order.epoch, outcome });
    if (withdrawal?.code === 'order_expired') return outbox.post({ kind: 'orderRefused', orderId, reason: withdrawal });
    outbox.post({ kind: 'orderWithdrawn', orderId, started: false });
  }
}

const expired = ({ startBy }: Order): Reason => reason('order_expired', { startBy });
