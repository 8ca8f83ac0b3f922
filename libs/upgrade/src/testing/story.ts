import {
  canonicalText,
  PlanSchema,
  reason,
  sha256Hex,
  type Order,
  type Outcome,
  type Plan,
  type Reason,
  type UpgradePhase,
  type Verdict,
} from '@wavegate/fleet';
import { decide } from '../decide.js';
import {
  acceptOrder,
  applyNote,
  askToStop,
  beginStep,
  endStep,
  openJudgement,
  rememberBefore,
  startOrder,
} from '../journal-changes.js';
import type { Journal, UpgradeDecision } from '../journal.js';
import type { Observed } from '../observed.js';
import { standing } from '../standing.js';
import type { Step } from '../step.js';
import type { TinyCluster } from './tiny-cluster.js';

export const START = 1_000_000;
export const FROM = '1.34.4';
export const TO = '1.35.4';

export function planOf(spec: object = {}): Plan {
  return PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'autumn' },
    spec: { target: { kubernetes: TO }, ...spec },
  });
}

export function orderOf(plan: Plan, changes: Partial<Order> = {}): Order {
  const text = canonicalText(plan);
  return {
    ...{ schema: 1, id: 'a'.repeat(32), kind: 'upgrade', parent: { kind: 'rollout', id: '7f3c' } },
    ...{ clusterId: 'c-1', clusterUid: 'uid-1', attempt: 1, hop: { index: 1, of: 1, from: FROM, to: TO }, epoch: 1 },
    ...{ plan: text, planDigest: sha256Hex(text), approvedRungs: [] },
    ...{ startBy: START + 600_000, deadline: START + 12 * 3_600_000 },
    ...changes,
  } as Order;
}

/** What the judge says of a phase, `elapsed` ms after judging of it began; by default: hold, then promote after 5 min. */
export type Judge = (phase: UpgradePhase, elapsed: number, world: TinyCluster) => Verdict['kind'];
export const promoting: Judge = (_phase, elapsed) => (elapsed < 300_000 ? 'hold' : 'promote');

const ABORTED = reason('rollout_aborted', { by: 'ann' });
const BURNED = reason('slo_burned', { objective: 'checkout', consumedPercent: 2.4, minutes: 6 });
const verdictOf = (kind: Verdict['kind'], burn: number): Verdict => ({
  schema: 1,
  kind,
  period: null,
  reasons: kind === 'rollback' ? [BURNED] : [],
  slis: kind === 'rollback' ? [{ ...QUIET, burn, state: 'burning' }] : [],
});

const QUIET = { name: 'checkout', decisive: true, periods: 1, bad: 1, total: 9, missing: 0, consumed: 0.024 } as const;

export interface Pass {
  readonly at: number;
  readonly observed: Observed;
  readonly journal: Journal;
  readonly decision: UpgradeDecision;
}

export interface StorySetup {
  readonly cluster: TinyCluster;
  readonly plan?: Plan;
  readonly order?: Partial<Order>;
  readonly judge?: Judge;
  /** The judge's whole word on every phase, at once, where its numbers matter. */
  readonly verdict?: Verdict;
  /** Asks to stop before this pass (0-based). */
  readonly withdrawAtPass?: number;
  /** Why it is asked to stop; the rollout's abort unless told. */
  readonly withdrawal?: Reason;
  readonly hubAwayAt?: number;
  /** Burn of a burning verdict; twice as much for each worker at the new version unless told. */
  readonly burn?: number;
  /** The agent dies right after this journal write (1-based); `effectDone` kills it between effect and evidence. */
  readonly dieAfterWrite?: number;
  readonly before?: (pass: number, at: number) => void;
  readonly check?: (pass: Pass) => void;
}

export interface Story {
  readonly outcome: Outcome;
  readonly log: readonly string[];
  readonly journal: Journal;
  readonly writes: number;
  readonly endedAt: number;
}

class Died extends Error {}

/** Plays one order to its end in the tiny cluster: the loop of the runtime in its simplest form, without waiting. */
export function tell(setup: StorySetup): Story {
  const plan = setup.plan ?? planOf();
  const order = orderOf(plan, setup.order);
  const teller = new Teller(setup, plan, startOrder(acceptOrder(order, START), START));
  for (let pass = 0; pass < 3_000; pass++) {
    try {
      const outcome = teller.pass(pass);
      if (outcome) return { ...teller.told(), outcome };
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      teller.restart();
    }
  }
  throw new Error(`no end after 3000 passes:\n${teller.told().log.slice(-20).join('\n')}`);
}

class Teller {
  private at = START;
  private readonly log: string[] = [];
  private writes = 0;

  constructor(
    private readonly setup: StorySetup,
    private readonly plan: Plan,
    private journal: Journal,
  ) {}

  told() {
    return { log: this.log, journal: this.journal, writes: this.writes, endedAt: this.at };
  }

  restart(): void {
    this.at += 20_000;
  }

  pass(pass: number): Outcome | null {
    const { cluster, check, before, withdrawAtPass, withdrawal = ABORTED, hubAwayAt } = this.setup;
    before?.(pass, this.at);
    if (pass === withdrawAtPass) this.journal = askToStop(this.journal, withdrawal);
    const observed = cluster.observe(this.at);
    if (observed.reachable) this.journal = rememberBefore(this.journal, standing(observed));
    const hubAwaySince = hubAwayAt !== undefined && this.at >= hubAwayAt ? hubAwayAt : null;
    const { plan, journal, at } = this;
    const decision = decide({
      order: journal.order,
      plan,
      observed,
      journal,
      verdict: this.verdict(),
      hubAwaySince,
      at,
    });
    check?.({ at, observed, journal, decision });
    return this.act(decision);
  }

  private verdict() {
    const open = openJudgement(this.journal);
    if (!open) return null;
    if (this.setup.verdict) return { phase: open.phase, verdict: this.setup.verdict };
    const kind = (this.setup.judge ?? promoting)(open.phase, this.at - open.from, this.setup.cluster);
    return { phase: open.phase, verdict: verdictOf(kind, this.burn()) };
  }

  private burn(): number {
    const { burn, cluster } = this.setup;
    const { to } = this.journal.order.hop;
    return burn ?? 2 ** cluster.nodes.filter(({ role, kubelet }) => role === 'worker' && kubelet === to).length;
  }

  private act(decision: UpgradeDecision): Outcome | null {
    switch (decision.kind) {
      case 'done':
        this.say(
          `${decision.outcome.kind} ${'reason' in decision.outcome ? text(decision.outcome.reason) : ''}`.trim(),
        );
        return decision.outcome;
      case 'wait':
        this.say(`waits: ${text(decision.reason)}`);
        // Long waits are for a person: no need to look every minute.
        this.at = Math.min(decision.until, this.at + (decision.until - this.at > 3_600_000 ? 600_000 : 60_000));
        return null;
      case 'note':
        this.say(describe(decision.note));
        this.save(applyNote(this.journal, decision.note, this.at));
        return null;
      case 'steps':
        this.carryOut(decision.steps);
        return null;
    }
  }

  private carryOut(steps: readonly Step[]): void {
    this.save(steps.reduce((journal, step) => beginStep(journal, step, this.at), this.journal));
    const done = steps.map((step) => ({ step, ...this.setup.cluster.carryOut(step, this.journal.order.id, this.at) }));
    for (const { step, evidence, endedAt } of done) {
      this.say(`${step.name}${evidence.kind === 'failed' ? ` failed: ${text(evidence.reason)}` : ''}`);
      this.at = Math.max(this.at, endedAt);
    }
    this.writes += 1;
    this.dieMaybe();
    this.writes -= 1;
    this.save(
      done.reduce((journal, { step, evidence }) => endStep(journal, step.name, evidence, this.at), this.journal),
    );
  }

  /** A save is a write; the process may die right behind it. */
  private save(journal: Journal): void {
    this.journal = journal;
    this.writes += 1;
    this.dieMaybe();
  }

  private died = false;
  private dieMaybe(): void {
    if (this.died || this.writes !== this.setup.dieAfterWrite) return;
    this.died = true;
    throw new Died();
  }

  private say(line: string): void {
    const seconds = Math.floor((this.at - START) / 1000);
    const stamp = `${String(Math.floor(seconds / 60)).padStart(3, '0')}:${String(seconds % 60).padStart(2, '0')}`;
    if (!this.log.at(-1)?.endsWith(` ${line}`)) this.log.push(`${stamp} ${line}`);
  }
}

/** Without moments: a story reads the same whenever it is told. */
function text({ code, params }: Reason): string {
  const shown = Object.entries(params).filter(([name]) => !['until', 'since', 'deadline', 'takenAt'].includes(name));
  return [code, ...shown.map(([name, value]) => `${name}=${value}`)].join(' ');
}

function describe(note: Extract<UpgradeDecision, { kind: 'note' }>['note']): string {
  switch (note.kind) {
    case 'phaseReached':
      return `→ ${note.phase}`;
    case 'judgingBegan':
      return `judging ${note.phase}`;
    case 'judged':
      return `verdict on ${note.phase}: ${note.verdict.kind}`;
    case 'committed':
      return 'committed: the control plane does not go back';
    case 'rollbackBegan':
      return `rollback began (${note.reason.code}): ${note.batches.map((batch) => batch.join('+')).join(', ')}`;
  }
}
