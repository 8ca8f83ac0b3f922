import {
  durationMs,
  isReason,
  readPlanText,
  type Outcome,
  type Plan,
  type Progress,
  type Reason,
} from '@wavegate/fleet';
import * as upgrade from '@wavegate/upgrade';
import type { Journal, Note, Observed, Step, UpgradeDecision } from '@wavegate/upgrade';
import type { ControlSource } from './control-desk.js';
import type { JournalKeeper } from './journal-keeper.js';
import { PhaseJudge } from './phase-judge.js';
import type { AgentClock, AgentLog, AgentRandom, Driver, Metrics, Silences } from './ports.js';
import type { ReportOutbox } from './report-outbox.js';
import { SilenceKeeper } from './silence-keeper.js';
import { StepCrew, type KnownOfStep } from './step-crew.js';

/** Changes may be missed (a watch that fell behind): the cluster is looked at again after this at the latest. */
const POLL_MS = 15_000;
/** A drain's pods move many times a second; nobody reads faster than this. */
const SHOW_AGAIN_MS = 1_000;
/** Notes in one pass; more means that the engine and the journal disagree, and a pause does no harm. */
const NOTES_PER_PASS = 30;

export interface OrderRunPorts {
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly driver: Driver;
  readonly metrics: Metrics;
  /** Absent: nothing is silenced. */
  readonly silences?: Silences;
  readonly keeper: JournalKeeper;
  readonly outbox: ReportOutbox;
  readonly log: AgentLog;
  /** Wakes the loop. */
  readonly ring: () => void;
  readonly settleMs?: number;
  readonly controls?: ControlSource;
}

/**
 * One running order in this process: observe → judge → decide → journal → effect → journal, again and again. What it
 * holds beside the journal (steps in hand, the last picture) may be lost at any line.
 */
export class OrderRun {
  private readonly crew: StepCrew;
  private readonly plan: Plan;
  private readonly judge: PhaseJudge;
  private readonly silences: SilenceKeeper;
  private readonly periodMs: number;
  private picture: Observed | null = null;
  private blindSince: number | null = null;
  private shownAt = 0;
  private willShow = false;

  constructor(
    private readonly ports: OrderRunPorts,
    private journal: Journal,
  ) {
    const plan = readPlanText(journal.order.plan);
    if (isReason(plan)) throw new RangeError(`order ${journal.order.id}: its plan cannot be read (${plan.code})`);
    this.plan = plan;
    this.periodMs = Math.min(POLL_MS, durationMs(plan.spec.verdict.period));
    this.judge = new PhaseJudge(ports.metrics, plan, ports.log, ports.controls);
    this.silences = new SilenceKeeper(ports, journal.order, plan);
    // The engine's own bounds are about steps in somebody's hands: while this agent was away, nobody had them.
    this.journal = upgrade.takeUpSteps(journal, ports.clock.now());
    this.crew = new StepCrew(ports, journal.order, ports.ring, () => void this.showDrains());
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
      this.silences.look(this.journal, observed, decision);
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
    this.crew.begin(steps, (step) => this.known(step, at));
  }

  private known({ name }: Step, at: number): KnownOfStep {
    const { steps, picture = null } = this.journal;
    const begunAt = steps[name]?.begunAt ?? steps[name]?.intendedAt ?? at;
    return { begunAt, before: picture, receiptAt: this.ports.keeper.provenAt() };
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
    this.tellEvidence(results, next);
  }

  private tellEvidence(results: ReturnType<StepCrew['takeResults']>, { findings }: Journal): void {
    const { orderId } = this;
    const learnt = results.flatMap(({ evidence }) => (evidence.kind === 'succeeded' ? [evidence] : []));
    if (learnt.some((evidence) => evidence.findings)) this.ports.outbox.post({ kind: 'findings', orderId, findings });
    for (const { receipt } of learnt) if (receipt) this.ports.outbox.post({ kind: 'receipt', orderId, receipt });
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
      const { phase, verdict } = note;
      const samples = this.judge.evidence(phase);
      outbox.post({ kind: 'verdict', orderId: this.orderId, phase, verdict, ...(samples ? { samples } : {}) });
    }
  }

  /** Steps still in hand leave first; then the cluster is released, and only then the order is over. */
  private async finish(outcome: Outcome): Promise<number | null> {
    if (!this.crew.idle) {
      this.crew.interrupt();
      return POLL_MS;
    }
    await this.silences.end();
    const keep = outcome.kind === 'completed' ? outcome.cordoned : [];
    const cordoned = [...(await this.ports.driver.release(this.journal.order, keep))].sort();
    const told: Outcome = 'cordoned' in outcome ? { ...outcome, cordoned } : outcome;
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
    this.shownAt = observed.at;
    const samples = this.judge.newest();
    this.ports.outbox.show({ ...this.withDrains(progress), ...(samples ? { samples } : {}) });
  }

  /** Between two passes, soon: pods move faster than the cluster needs to be looked at, or a screen to be drawn. */
  private async showDrains(): Promise<void> {
    if (this.willShow) return;
    this.willShow = true;
    const { clock, outbox } = this.ports;
    await clock.sleep(Math.max(0, this.shownAt + SHOW_AGAIN_MS - clock.now()));
    this.willShow = false;
    const { progress } = this.journal;
    if (!progress || this.crew.drains().length === 0) return;
    this.shownAt = clock.now();
    outbox.show(this.withDrains(progress));
  }

  /** The names of pods are for the screens: a journal has no room and no use for them. */
  private withDrains(progress: Progress): Progress {
    const drains = this.crew.drains();
    return drains.length > 0 ? { ...progress, drains } : progress;
  }

  private async save(journal: Journal): Promise<void> {
    await this.ports.keeper.save(journal);
    this.journal = journal;
  }
}
