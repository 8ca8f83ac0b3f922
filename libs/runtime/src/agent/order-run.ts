import { durationMs, isReason, readPlanText, type Outcome, type Plan, type Reason } from '@wavegate/fleet';
import * as upgrade from '@wavegate/upgrade';
import type { Journal, Note, Observed, Step, UpgradeDecision } from '@wavegate/upgrade';
import type { JournalKeeper } from './journal-keeper.js';
import { PhaseJudge } from './phase-judge.js';
import type { AgentClock, AgentLog, AgentRandom, Driver, Metrics } from './ports.js';
import type { ReportOutbox } from './report-outbox.js';
import { StepCrew } from './step-crew.js';

/** Changes may be missed (a watch that fell behind): the cluster is looked at again after this at the latest. */
const POLL_MS = 15_000;
/** Notes in one pass; more means that the engine and the journal disagree, and a pause does no harm. */
const NOTES_PER_PASS = 30;

export interface OrderRunPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly driver: Driver;
  readonly metrics: Metrics;
  readonly keeper: JournalKeeper;
  readonly outbox: ReportOutbox;
  readonly log: AgentLog;
  /** Wakes the loop. */
  readonly ring: () => void;
  readonly settleMs?: number;
}

/**
 * One running order in this process: observe → judge → decide → journal → effect → journal, again and again. What it
 * holds beside the journal (steps in hand, the last picture) may be lost at any line.
 */
export class OrderRun {
  private readonly crew: StepCrew;
  private readonly plan: Plan;
  private readonly judge: PhaseJudge;
  private readonly periodMs: number;
  private picture: Observed | null = null;
  private blindSince: number | null = null;

  constructor(
    private readonly ports: OrderRunPorts,
    private journal: Journal,
  ) {
    const plan = readPlanText(journal.order.plan);
    if (isReason(plan)) throw new RangeError(`order ${journal.order.id}: its plan cannot be read (${plan.code})`);
    this.plan = plan;
    this.periodMs = Math.min(POLL_MS, durationMs(plan.spec.verdict.period));
    this.judge = new PhaseJudge(ports.metrics, plan, ports.log);
    this.crew = new StepCrew(ports, journal.order, ports.ring);
  }

  get orderId(): string {
    return this.journal.order.id;
  }

  /** The hub takes the order back: it stops at the next safe point. */
  async stop(why: Reason): Promise<void> {
    await this.save(upgrade.askToStop(this.journal, why));
  }

  /** The agent stops: steps leave at their next safe point, without a result. */
  interrupt(): void {
    this.crew.interrupt();
  }

  /** One pass. Answers how long nothing needs to be done, in ms; null when the order is over. Throws what ports throw. */
  async pass(hubAwaySince: number | null): Promise<number | null> {
    await this.keepEvidence();
    const observed = await this.observe();
    if (observed.reachable) this.journal = upgrade.rememberBefore(this.journal, upgrade.standing(observed));
    for (let notes = 0; notes < NOTES_PER_PASS; notes++) {
      const decision = await this.decide(observed, hubAwaySince);
      if (decision.kind === 'note') {
        await this.write(decision.note);
        continue;
      }
      // A note is passed through in no time: it is nothing to look at.
      this.show(decision, observed);
      return this.act(decision);
    }
    return POLL_MS;
  }

  private async decide(observed: Observed, hubAwaySince: number | null): Promise<UpgradeDecision> {
    const { journal, plan, ports } = this;
    const verdict = observed.reachable ? await this.judge.verdict(journal, observed) : null;
    const { settleMs } = ports;
    return upgrade.decide({
      ...{ order: journal.order, plan, observed, journal, verdict, hubAwaySince, at: observed.at },
      ...(settleMs === undefined ? {} : { settleMs }),
    });
  }

  private async act(decision: Exclude<UpgradeDecision, { kind: 'note' }>): Promise<number | null> {
    const now = this.ports.clock.now();
    switch (decision.kind) {
      case 'wait':
        return Math.min(decision.until - now, decision.reason.code === 'judging' ? this.periodMs : POLL_MS);
      case 'steps':
        await this.begin(decision.steps);
        return Math.min(POLL_MS, this.crew.restsUntil() - now);
      case 'done':
        return this.finish(decision.outcome);
    }
  }

  /** Intent before effect: nothing is begun that the journal does not know. */
  private async begin(steps: readonly Step[]): Promise<void> {
    const at = this.ports.clock.now();
    const fresh = steps.filter((step) => !this.crew.knows(step));
    if (fresh.length > 0)
      await this.save(fresh.reduce((kept, step) => upgrade.beginStep(kept, step, at), this.journal));
    this.crew.begin(steps);
  }

  /** Evidence after effect; kept until it is written. */
  private async keepEvidence(): Promise<void> {
    const results = this.crew.takeResults();
    if (results.length === 0) return;
    const at = this.ports.clock.now();
    const next = results.reduce((kept, { name, evidence }) => upgrade.endStep(kept, name, evidence, at), this.journal);
    try {
      await this.save(next);
    } catch (error) {
      this.crew.putBack(results);
      throw error;
    }
    if (results.some(({ evidence }) => evidence.kind === 'succeeded' && evidence.findings)) {
      this.ports.outbox.post({ kind: 'findings', orderId: this.orderId, findings: next.findings });
    }
  }

  /** The cluster as it is now; while no API answers, the last picture of it, marked as such. */
  private async observe(): Promise<Observed> {
    const { driver, clock, log } = this.ports;
    try {
      this.picture = await driver.observe(this.journal.order);
      this.blindSince = this.picture.reachable ? null : (this.blindSince ?? this.picture.reachableSince);
      return this.picture;
    } catch (error) {
      const at = clock.now();
      if (this.blindSince === null) log.warn('cluster not observed', { order: this.orderId, error: String(error) });
      this.blindSince ??= at;
      const last = this.picture ?? { uid: this.journal.order.clusterUid, nodes: [], etcd: null };
      return { ...last, at, reachable: false, reachableSince: this.blindSince };
    }
  }

  private async write(note: Note): Promise<void> {
    await this.save(upgrade.applyNote(this.journal, note, this.ports.clock.now()));
    const { outbox, log } = this.ports;
    log.info(note.kind, { order: this.orderId, ...('phase' in note ? { phase: note.phase } : {}) });
    if (note.kind === 'judged') {
      outbox.post({ kind: 'verdict', orderId: this.orderId, phase: note.phase, verdict: note.verdict });
    }
  }

  /** Steps still in hand leave first; then the cluster is released, and only then the order is over. */
  private async finish(outcome: Outcome): Promise<number | null> {
    if (!this.crew.idle) {
      this.crew.interrupt();
      return POLL_MS;
    }
    const cordoned = await this.ports.driver.release(this.journal.order);
    const told: Outcome = outcome.kind === 'halted' ? { ...outcome, cordoned: [...cordoned].sort() } : outcome;
    await this.save(upgrade.finish(this.journal, told));
    const { id, epoch } = this.journal.order;
    this.ports.outbox.post({ kind: 'outcome', orderId: id, epoch, outcome: told });
    this.ports.log.info('order is over', { order: id, outcome: told.kind });
    return null;
  }

  private show(decision: UpgradeDecision, observed: Observed): void {
    const said = decision.kind === 'steps' ? this.crew.word(decision.steps) : null;
    const shown = decision.kind === 'steps' && said ? { ...decision, reason: said } : decision;
    const progress = upgrade.progressOf(shown, this.journal, observed, observed.at);
    // Kept in memory and written with the next change: it is worth a write to nobody.
    this.journal = upgrade.withProgress(this.journal, progress);
    this.ports.outbox.show(progress);
  }

  private async save(journal: Journal): Promise<void> {
    await this.ports.keeper.save(journal);
    this.journal = journal;
  }
}
