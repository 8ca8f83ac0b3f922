import type { Order, Plan } from '@wavegate/fleet';
import type { Journal, Observed, Step, UpgradeDecision } from '@wavegate/upgrade';
import type { AgentClock, AgentLog, Silences } from './ports.js';

/** Silences last for minutes, and are looked after more often than they run out. */
const AGAIN_MS = 60_000;
/** After a look that failed. */
const RETRY_MS = 15_000;
/** Steps that disturb the node they are carried out on. */
const DISTURBS: readonly Step['kind'][] = [
  'upgradeControlPlane',
  'rollbackControlPlane',
  'drainNode',
  'upgradeKubelet',
  'rollbackKubelet',
  'uncordonNode',
];

export interface SilenceKeeperPorts {
  readonly clock: AgentClock;
  readonly log: AgentLog;
  readonly silences?: Silences;
}

/**
 * Follows the nodes under work with silences, where the plan asks for them. It works beside the order and never holds it
 * up: a silence that could not be made costs somebody a page, an upgrade that waits for one costs more. A crash leaves
 * silences that run out by themselves, and a restarted agent adopts them.
 */
export class SilenceKeeper {
  private asked = '';
  private askedAt = 0;
  private pauseMs = 0;
  private troubled = false;
  private inHand: Promise<void> | null = null;

  constructor(
    private readonly ports: SilenceKeeperPorts,
    private readonly order: Order,
    private readonly plan: Plan,
  ) {}

  /** Once a pass; returns at once. */
  look(journal: Journal, observed: Observed, decision: UpgradeDecision): void {
    if (!this.wanted() || this.inHand || decision.kind === 'done') return;
    const nodes = nodesUnderWork(journal, observed, decision);
    const key = nodes.join(' ');
    const at = this.ports.clock.now();
    // Before the first node there is nothing; after a restart there may be, so the first look asks in any case.
    const quiet = nodes.length === 0 && !this.troubled;
    const due = at - this.askedAt >= this.pauseMs && !quiet;
    if (this.pauseMs > 0 && key === this.asked && !due) return;
    this.inHand = this.ask(nodes, key).finally(() => (this.inHand = null));
  }

  /** The order is over: nothing of ours stays. Never throws: what could not be ended runs out by itself. */
  async end(): Promise<void> {
    if (!this.wanted()) return;
    await this.inHand;
    await this.ask([], '');
  }

  private wanted(): boolean {
    return this.ports.silences !== undefined && (this.plan.spec.verdict.silences ?? []).length > 0;
  }

  private async ask(nodes: readonly string[], key: string): Promise<void> {
    const { clock, log, silences } = this.ports;
    const { order, plan } = this;
    this.asked = key;
    this.askedAt = clock.now();
    try {
      await silences?.keep({ order, plan, nodes });
      this.pauseMs = AGAIN_MS;
      this.troubled = false;
    } catch (error) {
      this.pauseMs = RETRY_MS;
      if (!this.troubled)
        log.warn('alerts are not silenced as the plan asks', { order: order.id, nodes, why: String(error) });
      this.troubled = true;
    }
  }
}

/** Nodes that a step disturbs now, or is about to, and those that this order keeps closed meanwhile; sorted. */
export function nodesUnderWork(journal: Journal, observed: Observed, decision: UpgradeDecision): string[] {
  const begun = Object.values(journal.steps).flatMap(({ step, state }) => (state === 'intended' ? [step] : []));
  const next = decision.kind === 'steps' ? decision.steps : [];
  const worked = [...begun, ...next].flatMap((step) =>
    'node' in step && DISTURBS.includes(step.kind) ? [step.node] : [],
  );
  const closed = observed.nodes.filter(({ cordonedBy }) => cordonedBy === journal.order.id).map(({ name }) => name);
  return [...new Set([...worked, ...closed])].sort();
}
