import type { AgentReport, HubCommand, Order, Reason } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { RolloutEvent } from '@wavegate/rollout';
import type { OrderState, WithoutAt } from './ports.js';

/**
 * The life of an order on the hub, decided here once for every store (a store keeps rows and transactions, not rules).
 *
 *   open         inserted; offered to the agent until it answers
 *   confirmed    the agent has it in its journal and may start; `begun` once a report shows that it did
 *   withdrawing  confirmed, then taken back; the withdrawal counts only from the agent's acknowledgement
 *   withdrawn    certain that it never started (it was never confirmed, or the agent said so)
 *   refused      the agent refused it before anything was touched
 *   done         it has its outcome
 *
 * An order that was never confirmed can be withdrawn by the hub alone: without a confirmation no agent starts it.
 */
export interface OrderStanding {
  readonly orderId: string;
  readonly clusterId: string;
  /** Null for orders that belong to no rollout: nobody is told. */
  readonly rolloutId: string | null;
  readonly epoch: number;
  readonly state: OrderState;
  /** Epoch ms. */
  readonly startBy: number;
  readonly begun: boolean;
  /** The agent has said that it stops, although it had begun: its outcome will follow. */
  readonly withdrawAcknowledged: boolean;
  readonly withdrawReason: Reason | null;
}

export type StandingChange = Partial<
  Pick<OrderStanding, 'state' | 'begun' | 'withdrawAcknowledged' | 'withdrawReason'>
>;

export interface OrderAnswer {
  readonly kind: 'taken' | 'duplicate';
  readonly change: StandingChange | null;
  /** What the rollout is told, as an inbox row. */
  readonly event: WithoutAt<RolloutEvent> | null;
  readonly commands: readonly HubCommand[];
}

/** Reports that are about an order: all but facts and what was counted for others. */
export type OrderReport = Exclude<AgentReport, { readonly kind: 'facts' | 'samples' }>;

/** Verdicts kept per order, newest: a phase that is held for hours is judged many times. */
export const MOST_VERDICTS_PER_ORDER = 64;

/** A backup that is taken again because the first aged: more than a few are a fault, not history. */
export const MOST_RECEIPTS_PER_ORDER = 16;

const TERMINAL: ReadonlySet<OrderState> = new Set(['withdrawn', 'refused', 'done']);

export function orderIdOf(report: OrderReport): string {
  return report.kind === 'progress' ? report.progress.orderId : report.orderId;
}

/** What a report does to its order's row. `standing` null: no such order (any more) for this cluster. */
export function answerReport(standing: OrderStanding | null, report: OrderReport, now: number): OrderAnswer {
  if (!standing) return answerUnknown(report);
  switch (report.kind) {
    case 'orderAccepted':
      return answerAccepted(standing, report.epoch, now);
    case 'orderRefused':
      return answerRefused(standing, report.reason);
    case 'orderWithdrawn':
      return answerWithdrawn(standing, report.started);
    case 'outcome':
      return answerOutcome(standing, report);
    case 'progress':
      return TERMINAL.has(standing.state) ? duplicate() : taken({ begun: true });
    case 'findings':
    case 'receipt':
    case 'verdict':
      // Evidence is kept even when it comes after the end; the store knows whether it has it already.
      return taken(TERMINAL.has(standing.state) ? {} : { begun: true });
  }
}

/** The engine takes an order back. `null`: it has ended, or is being withdrawn already; nothing changes. */
export function withdraw(standing: OrderStanding, why: Reason): Omit<OrderAnswer, 'kind' | 'commands'> | null {
  if (standing.state === 'open') {
    return { change: { state: 'withdrawn', withdrawReason: why }, event: eventWithdrawn(standing) };
  }
  if (standing.state === 'confirmed') return { change: { state: 'withdrawing', withdrawReason: why }, event: null };
  return null;
}

export interface ActiveOrder {
  readonly standing: OrderStanding;
  /** Needed of open orders only. */
  readonly order: Order | null;
  /** The order's, epoch ms. */
  readonly deadline: number;
}

/**
 * What the agent has still to be told about its cluster's orders, given oldest first. An order waits for a request that
 * came before it: offered meanwhile, the agent could only refuse it as busy, or drop a request that it had accepted.
 */
export function commandsFor(orders: readonly ActiveOrder[], now: number): HubCommand[] {
  const commands: HubCommand[] = [];
  let held = false;
  for (const active of orders) {
    const { standing, order } = active;
    const command = held && standing.state === 'open' ? null : commandFor(standing, order, now);
    if (command) commands.push(command);
    held ||= isInTheWay(active, now);
  }
  return commands;
}

/**
 * An agent ends each order by itself at its deadline, and tells so as soon as it is connected. A request that has heard
 * nothing for so long after that ends on the hub, ms; should its outcome come after all, it is taken.
 */
export const OVERDUE_GRACE_MS = 15 * 60_000;

/** A request not yet at its end; one that nobody took in time, or whose agent is long overdue, holds up nothing. */
function isInTheWay({ standing, deadline }: ActiveOrder, now: number): boolean {
  if (standing.rolloutId !== null || TERMINAL.has(standing.state)) return false;
  return standing.state === 'open' ? now < standing.startBy : now < deadline;
}

/** What the agent has still to be told about an order; null: nothing. Only an open order needs its text (`order`). */
export function commandFor(standing: OrderStanding, order: Order | null, now: number): HubCommand | null {
  switch (standing.state) {
    case 'open':
      // Too late to start: the engine withdraws it at `startBy`, and until then there is nothing to say.
      return order && now < standing.startBy ? { kind: 'order', order } : null;
    case 'confirmed':
      return standing.begun ? null : confirmOf(standing);
    case 'withdrawing':
      return standing.withdrawAcknowledged ? null : withdrawOf(standing, standing.withdrawReason);
    case 'withdrawn':
    case 'refused':
    case 'done':
      return null;
  }
}

function answerUnknown(report: OrderReport): OrderAnswer {
  // The hub's database may have been restored to an older state: the agent must not wait for ever for a confirmation.
  if (report.kind !== 'orderAccepted') return duplicate();
  const { orderId, epoch } = report;
  return duplicate([{ kind: 'withdraw', orderId, epoch, reason: reason('order_withdrawn') }]);
}

function answerAccepted(standing: OrderStanding, epoch: number, now: number): OrderAnswer {
  if (epoch !== standing.epoch) {
    const why = reason('order_superseded', { epoch: standing.epoch });
    return duplicate([{ kind: 'withdraw', orderId: standing.orderId, epoch, reason: why }]);
  }
  if (standing.state === 'open' && now >= standing.startBy) {
    const why = reason('order_expired', { startBy: standing.startBy });
    return {
      ...taken({ state: 'withdrawn', withdrawReason: why }, eventWithdrawn(standing)),
      commands: [withdrawOf(standing, why)],
    };
  }
  if (standing.state === 'open') {
    const { clusterId, orderId } = standing;
    return {
      ...taken({ state: 'confirmed' }, { kind: 'orderStarted', clusterId, orderId }),
      commands: [confirmOf(standing)],
    };
  }
  if (standing.state === 'confirmed') return duplicate([confirmOf(standing)]);
  return standing.state === 'done' ? duplicate() : duplicate([withdrawOf(standing, standing.withdrawReason)]);
}

function answerRefused(standing: OrderStanding, why: Reason): OrderAnswer {
  const { clusterId, orderId } = standing;
  if (TERMINAL.has(standing.state)) return duplicate();
  if (standing.state === 'withdrawing') return taken({ state: 'withdrawn' }, eventWithdrawn(standing));
  return taken({ state: 'refused', withdrawReason: why }, { kind: 'orderRefused', clusterId, orderId, reason: why });
}

function answerWithdrawn(standing: OrderStanding, started: boolean): OrderAnswer {
  if (TERMINAL.has(standing.state)) return duplicate();
  if (!started) return taken({ state: 'withdrawn' }, eventWithdrawn(standing));
  return standing.withdrawAcknowledged ? duplicate() : taken({ withdrawAcknowledged: true, begun: true });
}

/** Reality wins: an outcome is taken from any state but `done`, also of an order that the hub believed withdrawn. */
function answerOutcome(standing: OrderStanding, report: Extract<OrderReport, { kind: 'outcome' }>): OrderAnswer {
  if (standing.state === 'done' || report.epoch !== standing.epoch) return duplicate();
  const { clusterId, orderId } = standing;
  return taken({ state: 'done', begun: true }, { kind: 'clusterEnded', clusterId, orderId, outcome: report.outcome });
}

function taken(change: StandingChange, event: WithoutAt<RolloutEvent> | null = null): OrderAnswer {
  return { kind: 'taken', change, event, commands: [] };
}

function duplicate(commands: readonly HubCommand[] = []): OrderAnswer {
  return { kind: 'duplicate', change: null, event: null, commands };
}

function confirmOf({ orderId, epoch }: OrderStanding): HubCommand {
  return { kind: 'confirm', orderId, epoch };
}

function withdrawOf({ orderId, epoch }: OrderStanding, why: Reason | null): HubCommand {
  return { kind: 'withdraw', orderId, epoch, reason: why ?? reason('order_withdrawn') };
}

function eventWithdrawn({ clusterId, orderId }: OrderStanding): WithoutAt<RolloutEvent> {
  return { kind: 'orderWithdrawn', clusterId, orderId };
}
