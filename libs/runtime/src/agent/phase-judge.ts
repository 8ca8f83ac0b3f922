import { besideControls, judge, policyOfPlan, samplesHash, type JudgeInput } from '@wavegate/analysis';
import {
  boundSamples,
  declaredGauges,
  declaredObjectives,
  durationMs,
  gaugeByPeriod,
  PROGRESS_BOUNDS,
  VERDICT_BOUNDS,
  type DeclaredGauge,
  type DeclaredObjective,
  type GaugeSamples,
  type HardGate,
  type JudgedSamples,
  type Plan,
  type SliSamples,
  type UpgradePhase,
} from '@wavegate/fleet';
import { openJudgement, type Journal, type Observed, type PhaseVerdict } from '@wavegate/upgrade';
import type { ControlSource } from './control-desk.js';
import { hardGates } from './hard-gates.js';
import type { AgentLog, GaugeRequest, Metrics } from './ports.js';

/** The regression test asks for more evidence where it has fewer periods of the past than this. */
const BASELINE_PERIODS = 60;
/** A rollback ends within a period that began in the harm it took away: whether it helped is asked after so many. */
const PERIODS_TO_CALM = 2;
/** Stands for the alerts where they cannot be asked: what is not known holds, like an objective without samples. */
const ALERTS = 'alerts';

/** One look of the judge: what it was given, and which periods that was. */
interface Look {
  readonly phase: UpgradePhase;
  readonly input: JudgeInput;
  readonly times: Pick<JudgedSamples, 'from' | 'baselineUntil' | 'periodMs'>;
}

/** Asks the judge about the phase under judgement. Samples are fetched once per period, the gates are looked at always. */
export class PhaseJudge {
  private key = '';
  private samples: readonly SliSamples[] = [];
  private disruption: readonly (number | null)[] = [];
  private gauges: readonly GaugeSamples[] = [];
  private gaugesFailed = false;
  private look: Look | null = null;
  private readonly declared: readonly DeclaredObjective[];
  private readonly wanted: readonly DeclaredGauge[];

  constructor(
    private readonly metrics: Metrics,
    private readonly plan: Plan,
    private readonly log: AgentLog,
    private readonly controls: ControlSource | null = null,
  ) {
    this.declared = declaredObjectives(plan);
    this.wanted = declaredGauges(plan);
  }

  async verdict(journal: Journal, observed: Observed): Promise<PhaseVerdict | null> {
    const open = openJudgement(journal);
    if (!open) {
      this.look = null;
      return null;
    }
    const elapsedMs = observed.at - open.from;
    const began = journal.startedAt ?? open.from;
    const calm = open.phase === 'judgeRollback' ? PERIODS_TO_CALM * durationMs(this.plan.spec.verdict.period) : 0;
    const since = { phase: open.phase, from: open.from + calm };
    const own = await this.samplesSince(since, began, Math.max(0, elapsedMs - calm));
    const slis = besideControls(own, this.controls?.controlsFor(journal.order.id, since.from) ?? null);
    const alerts = await this.firing(began);
    const gates = [...hardGates(journal, observed), ...(alerts ?? [])];
    const policy = policyOfPlan(this.plan, open.phase);
    const objectives = [...this.decisive(slis), ...(alerts === null ? [ALERTS] : [])];
    const input = { slis, gates, policy, elapsedMs, objectives, ...this.beside() };
    const times = { from: since.from, baselineUntil: Math.min(began, since.from), periodMs: policy.periodMs };
    this.look = { phase: open.phase, input, times };
    return { phase: open.phase, verdict: judge(input) };
  }

  private beside(): Pick<JudgeInput, 'disruptionSeconds' | 'gauges'> {
    const { disruption: disruptionSeconds, gauges } = this;
    return {
      ...(disruptionSeconds.length > 0 ? { disruptionSeconds } : {}),
      ...(gauges.length > 0 ? { gauges } : {}),
    };
  }

  /** The samples of the phase under judgement, for the screens and for peers to be asked; null where none is asked for. */
  newest(): JudgedSamples | null {
    if (!this.look || this.declared.length + this.wanted.length === 0) return null;
    const { gauges = [], ...samples } = samplesOf(this.look);
    return boundSamples({ ...samples, gauges: gauges.map(gaugeByPeriod) }, PROGRESS_BOUNDS);
  }

  /** All that the last look at a phase was given; null after a restart, and where nothing was measured. */
  evidence(phase: UpgradePhase): JudgedSamples | null {
    if (this.look?.phase !== phase) return null;
    const { slis, gauges = [], elapsedMs, gates, objectives = [] } = this.look.input;
    if (slis.length === 0 && gauges.length === 0) return null;
    const given = { elapsedMs, gates, objectives, samplesHash: samplesHash(this.look.input) };
    return { ...boundSamples(samplesOf(this.look), VERDICT_BOUNDS), given };
  }

  private decisive(slis: readonly SliSamples[]): readonly string[] {
    const advisory = new Set(slis.filter(({ decisive }) => !decisive).map(({ name }) => name));
    return this.declared.filter(({ name, decisive }) => decisive && !advisory.has(name)).map(({ name }) => name);
  }

  /** Null: the plan asks for alerts and nobody can say. */
  private async firing(since: number): Promise<readonly HardGate[] | null> {
    const { alerts } = this.plan.spec.verdict;
    if (alerts.length === 0) return [];
    // Nobody waits for alerts that only show.
    const unknown = alerts.every(({ mode }) => mode === 'dryRun') ? [] : null;
    try {
      return (await this.metrics.firing?.({ alerts, since })) ?? unknown;
    } catch (error) {
      this.log.warn('alerts cannot be asked', { error: String(error) });
      return unknown;
    }
  }

  private async samplesSince(
    { phase, from }: { readonly phase: UpgradePhase; readonly from: number },
    began: number,
    elapsedMs: number,
  ): Promise<readonly SliSamples[]> {
    const periodMs = durationMs(this.plan.spec.verdict.period);
    const periods = Math.floor(elapsedMs / periodMs);
    const key = `${phase}/${from}/${periods}`;
    if (key === this.key) return this.samples;
    [this.samples, this.disruption, this.gauges] = [[], [], []];
    this.key = key;
    if ((this.declared.length === 0 && this.wanted.length === 0) || periods <= 0) return [];
    const until = from + periods * periodMs;
    const window = { from, until, periodMs, baselinePeriods: BASELINE_PERIODS, baselineUntil: Math.min(began, from) };
    // Beside the objectives, never before them: a slow answer about a gauge keeps nobody from rolling back.
    const gauges = this.measured(window);
    try {
      const objectives = this.declared.map(({ name }) => name);
      this.samples = await this.metrics.samples({ objectives, declared: this.declared, ...window });
      const probed = await this.metrics.disruption?.({ from, until, periodMs });
      this.disruption = probed ?? [];
    } catch (error) {
      // Missing data is data: the judge holds on it, and never promotes.
      [this.samples, this.disruption] = [[], []];
      this.log.warn('no samples', { phase, error: String(error) });
    }
    this.gauges = await gauges;
    return this.samples;
  }

  /** Every gauge of the plan, measured or not: one that nobody could measure is shown as such, and disturbs nothing. */
  private async measured(window: Omit<GaugeRequest, 'gauges' | 'windowMs'>): Promise<readonly GaugeSamples[]> {
    if (this.wanted.length === 0) return [];
    const windowMs = durationMs(this.plan.spec.verdict.window);
    let found: readonly GaugeSamples[] = [];
    try {
      found = (await this.metrics.gauges?.({ gauges: this.wanted, windowMs, ...window })) ?? [];
    } catch (error) {
      if (!this.gaugesFailed) this.log.warn('gauges not measured', { error: String(error) });
      this.gaugesFailed = true;
    }
    return this.wanted.map(({ name }) => found.find((one) => one.name === name) ?? { name, baseline: [], after: [] });
  }
}

function samplesOf({ input: { slis, disruptionSeconds = [], gauges = [] }, times }: Look): JudgedSamples {
  const seen = disruptionSeconds.length > 0 ? { disruptionSeconds } : {};
  return { ...times, slis, dropped: 0, ...seen, ...(gauges.length > 0 ? { gauges } : {}) };
}
