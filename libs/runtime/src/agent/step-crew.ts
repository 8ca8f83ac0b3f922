import type { DrainProgress, Order, Reason } from '@wavegate/fleet';
import { runNumber, type Step, type StepEvidence } from '@wavegate/upgrade';
import { BackOff } from './back-off.js';
import { CancelSource } from './cancel-source.js';
import {
  StepInterrupted,
  type AgentClock,
  type AgentLog,
  type AgentRandom,
  type Driver,
  type StepContext,
} from './ports.js';

/** What a step is told that only the journals know. */
export type KnownOfStep = Pick<StepContext, 'begunAt' | 'before' | 'receiptAt'>;

interface CrewPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly driver: Driver;
  readonly log: AgentLog;
}

/**
 * Steps under way, side by side. A result is kept until it is taken for the journal; a throw is no result (the API was
 * away): the step is given back and may be begun again, by the same name, after a pause.
 */
export class StepCrew {
  private readonly busy = new Set<string>();
  private readonly resting = new Map<string, { backOff: BackOff; until: number }>();
  private readonly results: { readonly name: string; readonly evidence: StepEvidence }[] = [];
  private readonly words = new Map<string, Reason>();
  private readonly drainsUnderWay = new Map<string, DrainProgress>();
  private cancel = new CancelSource();

  constructor(
    private readonly ports: CrewPorts,
    private readonly order: Order,
    /** Called when a step ended or said what it waits for. */
    private readonly ring: () => void,
    /** Called when a drain has moved: worth showing, not worth a look at the cluster. */
    private readonly drainMoved: () => void = () => {},
  ) {}

  get idle(): boolean {
    return this.busy.size === 0;
  }

  /** True where this process has the step in hand, or tries it again after a throw: its intent is written already. */
  knows(step: Step): boolean {
    return this.isInHand(step) || this.resting.has(step.name);
  }

  /** Begins those that are not in hand and not resting. `known`: what the journals say beside the step itself. */
  begin(steps: readonly Step[], known: (step: Step) => KnownOfStep = () => ({})): void {
    if (this.cancel.cancelled && this.idle) this.cancel = new CancelSource();
    const now = this.ports.clock.now();
    for (const step of steps) {
      const ready = (this.resting.get(step.name)?.until ?? 0) <= now;
      if (ready && !this.isInHand(step)) void this.carryOut(step, { begunAt: now, ...known(step) });
    }
  }

  /**
   * Under way, or ended and not yet in the journal: a step that ends while a pass observes is still open in the journal
   * that this pass decides on, and would be begun a second time.
   */
  private isInHand({ name }: Step): boolean {
    return this.busy.has(name) || this.results.some((result) => result.name === name);
  }

  /** Earliest moment at which a resting step may begin again; Infinity when none rests. */
  restsUntil(): number {
    return Math.min(
      Infinity,
      ...[...this.resting].flatMap(([name, { until }]) => (this.busy.has(name) ? [] : [until])),
    );
  }

  takeResults(): { readonly name: string; readonly evidence: StepEvidence }[] {
    return this.results.splice(0);
  }

  /** Written to the journal, or given up: results not taken stay for the next try. */
  putBack(results: readonly { readonly name: string; readonly evidence: StepEvidence }[]): void {
    this.results.unshift(...results);
  }

  /** What a step under way last said it waits for. */
  word(steps: readonly Step[]): Reason | null {
    return steps.map(({ name }) => this.words.get(name)).find((word) => word !== undefined) ?? null;
  }

  /** Nodes under drain right now, by name. */
  drains(): DrainProgress[] {
    return [...this.drainsUnderWay.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Asks all steps to leave at their next safe point. */
  interrupt(): void {
    this.cancel.cancel();
  }

  private async carryOut(step: Step, known: KnownOfStep): Promise<void> {
    this.busy.add(step.name);
    const report = (word: Reason): void => {
      this.words.set(step.name, word);
      this.ring();
    };
    const reportDrain = (drain: DrainProgress): void => {
      if (!this.busy.has(step.name)) return;
      this.drainsUnderWay.set(step.name, drain);
      this.drainMoved();
    };
    try {
      const told = { report, reportDrain, cancel: this.cancel };
      const context = { order: this.order, attempt: runNumber(step), ...known, ...told };
      const evidence = await this.ports.driver.carryOut(step, context);
      this.results.push({ name: step.name, evidence });
      this.resting.delete(step.name);
    } catch (error) {
      this.rest(step, error);
    }
    this.words.delete(step.name);
    this.drainsUnderWay.delete(step.name);
    this.busy.delete(step.name);
    this.ring();
  }

  private rest(step: Step, error: unknown): void {
    if (error instanceof StepInterrupted) return;
    const backOff = this.resting.get(step.name)?.backOff ?? new BackOff(this.ports.random);
    this.resting.set(step.name, { backOff, until: this.ports.clock.now() + backOff.next() });
    this.ports.log.warn('step gave no result', { order: this.order.id, step: step.name, error: String(error) });
  }
}
