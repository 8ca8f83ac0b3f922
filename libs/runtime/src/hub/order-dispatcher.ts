import type { HubCommand } from '@wavegate/fleet';
import type { LoopPorts } from './hub-loop.js';
import { runLoop } from './hub-loop.js';
import type { AgentStream, CrashPoints, OrderStore, SessionRef, WakeBell } from './ports.js';
import type { SessionRegistry } from './session-registry.js';

export interface OrderDispatching extends LoopPorts {
  readonly store: OrderStore;
  readonly registry: SessionRegistry;
  /** Rung when orders or withdrawals were committed, or a session was opened. */
  readonly bell: WakeBell;
  readonly pollMs?: number;
  /** A command is written again to the same stream when it has not been answered for so long. */
  readonly resendMs?: number;
  readonly crashPoints?: CrashPoints;
}

/** Commands under way to one agent at once: it works at one order, so this is already generous. */
const MOST_PER_AGENT = 8;

interface Outbox {
  readonly stream: AgentStream;
  /** Command → when it was last written to this stream. */
  readonly sentAt: Map<string, number>;
  /** Commands not yet written; while there are any, the agent is slow and gets no more. */
  writing: number;
}

/**
 * Tells the agents of this replica what the order rows say, until the rows say that it was answered.
 *
 * The rows are the queue: nothing is queued here, so that nothing can be lost or grow. Each agent has its own bounded
 * outbox, and nobody waits for anybody: an agent that does not read holds up only itself.
 */
export class OrderDispatcher {
  private readonly outboxes = new Map<string, Outbox>();

  constructor(private readonly ports: OrderDispatching) {}

  run(): Promise<void> {
    return runLoop(
      {
        name: 'order dispatcher',
        pass: () => this.dispatch(),
        forget: () => undefined,
        pollMs: this.ports.pollMs ?? 1_000,
        bell: this.ports.bell,
      },
      this.ports,
    );
  }

  /** Commands that answer a report: sent at once, and remembered, so that the next poll does not send them again. */
  answer(session: SessionRef, commands: readonly HubCommand[]): void {
    const outbox = this.outboxOf(session);
    if (outbox && commands.length > 0) void this.write(outbox, commands.slice(0, MOST_PER_AGENT));
  }

  private async dispatch(): Promise<boolean> {
    const { registry, store } = this.ports;
    const sessions = registry.sessions();
    this.forgetOthers(sessions);
    if (sessions.length === 0) return false;
    const byCluster = Map.groupBy(await store.outgoing(sessions), ({ session }) => session.clusterId);
    for (const session of sessions) {
      const commands = (byCluster.get(session.clusterId) ?? []).map(({ command }) => command);
      const outbox = this.outboxOf(session);
      if (!outbox) continue;
      forgetAnswered(outbox, commands);
      const due = commands.filter((command) => this.isDue(outbox, command)).slice(0, MOST_PER_AGENT);
      if (due.length > 0 && outbox.writing === 0) void this.write(outbox, due);
    }
    return false;
  }

  private isDue(outbox: Outbox, command: HubCommand): boolean {
    const sentAt = outbox.sentAt.get(keyOf(command));
    return sentAt === undefined || this.ports.clock.now() - sentAt >= (this.ports.resendMs ?? 10_000);
  }

  private async write(outbox: Outbox, commands: readonly HubCommand[]): Promise<void> {
    const { crashPoints, clock, registry, log } = this.ports;
    let written = 0;
    outbox.writing += 1;
    try {
      for (const command of commands) {
        outbox.sentAt.set(keyOf(command), clock.now());
        await crashPoints?.reach('dispatch.beforeSend');
        await outbox.stream.send(command);
        await crashPoints?.reach('dispatch.afterSend');
        written += 1;
      }
    } catch (error) {
      // The stream is over. The rows still say what is open; the agent's next session gets it.
      const { session } = outbox.stream;
      const { clusterId: cluster, generation } = session;
      registry.unregister(session);
      this.outboxes.delete(cluster);
      for (const command of commands.slice(written)) {
        log.info('command not written', { ...fieldsOf(command), cluster, generation, error });
      }
    } finally {
      outbox.writing -= 1;
    }
  }

  private outboxOf(session: SessionRef): Outbox | null {
    const stream = this.ports.registry.find(session);
    if (!stream) return null;
    const known = this.outboxes.get(session.clusterId);
    if (known?.stream === stream) return known;
    const fresh: Outbox = { stream, sentAt: new Map(), writing: 0 };
    this.outboxes.set(session.clusterId, fresh);
    return fresh;
  }

  private forgetOthers(sessions: readonly SessionRef[]): void {
    const live = new Set(sessions.map(({ clusterId }) => clusterId));
    for (const clusterId of this.outboxes.keys()) if (!live.has(clusterId)) this.outboxes.delete(clusterId);
  }
}

function forgetAnswered(outbox: Outbox, open: readonly HubCommand[]): void {
  const keys = new Set(open.map(keyOf));
  for (const key of outbox.sentAt.keys()) if (!keys.has(key)) outbox.sentAt.delete(key);
}

function keyOf(command: HubCommand): string {
  switch (command.kind) {
    case 'order':
      return `order ${command.order.id}`;
    case 'confirm':
    case 'withdraw':
      return `${command.kind} ${command.orderId}`;
    case 'measure':
    case 'controls':
    case 'goAway':
      return command.kind;
  }
}

/** What a line of the log says about a command: an order names its rollout and attempt, the others their order. */
function fieldsOf(command: HubCommand): Readonly<Record<string, unknown>> {
  switch (command.kind) {
    case 'order': {
      const { id, parent, attempt, kind } = command.order;
      return { command: command.kind, order: id, [parent.kind]: parent.id, attempt, kind };
    }
    case 'confirm':
    case 'withdraw':
      return { command: command.kind, order: command.orderId };
    case 'measure':
    case 'controls':
    case 'goAway':
      return { command: command.kind };
  }
}
