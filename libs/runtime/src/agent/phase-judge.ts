import { DEFAULT_POLICY, judge, type JudgePolicy } from '@wavegate/analysis';
import { durationMs, type Plan, type SliSamples, type UpgradePhase } from '@wavegate/fleet';
import { openJudgement, type Journal, type Observed, type PhaseVerdict } from '@wavegate/upgrade';
import { hardGates } from './hard-gates.js';
import type { AgentLog, Metrics } from './ports.js';

const BASELINE_PERIODS = 30;

/** Asks the judge about the phase under judgement. Samples are fetched once per period, the gates are looked at always. */
export class PhaseJudge {
  private key = '';
  private samples: readonly SliSamples[] = [];

  constructor(
    private readonly metrics: Metrics,
    private readonly plan: Plan,
    private readonly log: AgentLog,
  ) {}

  async verdict(journal: Journal, observed: Observed): Promise<PhaseVerdict | null> {
    const open = openJudgement(journal);
    if (!open) return null;
    const elapsedMs = observed.at - open.from;
    const slis = await this.samplesSince(open.phase, open.from, elapsedMs);
    const advisory = new Set(slis.filter(({ decisive }) => !decisive).map(({ name }) => name));
    const objectives = this.plan.spec.verdict.objectives.filter((name) => !advisory.has(name));
    const gates = hardGates(journal, observed);
    const policy = policyOf(this.plan, open.phase);
    return { phase: open.phase, verdict: judge({ slis, gates, policy, elapsedMs, objectives }) };
  }

  private async samplesSince(phase: UpgradePhase, from: number, elapsedMs: number): Promise<readonly SliSamples[]> {
    const { objectives, period } = this.plan.spec.verdict;
    const periodMs = durationMs(period);
    const periods = Math.floor(elapsedMs / periodMs);
    const key = `${phase}/${from}/${periods}`;
    if (objectives.length === 0 || periods === 0) return [];
    if (key === this.key) return this.samples;
    try {
      const until = from + periods * periodMs;
      this.samples = await this.metrics.samples({
        ...{ objectives, from, until, periodMs },
        baselinePeriods: BASELINE_PERIODS,
      });
    } catch (error) {
      // Missing data is data: the judge holds on it, and never promotes.
      this.samples = [];
      this.log.warn('no samples', { phase, error: String(error) });
    }
    this.key = key;
    return this.samples;
  }
}

export function policyOf(plan: Plan, phase: UpgradePhase): JudgePolicy {
  const { window, period, minSoak, allowance } = plan.spec.verdict;
  const disrupts = phase === 'judgeControlPlane' ? allowance.controlPlane : allowance.workers;
  return {
    ...DEFAULT_POLICY,
    periodMs: durationMs(period),
    minSoakMs: durationMs(minSoak),
    maxSoakMs: durationMs(window),
    allowanceMs: durationMs(disrupts),
    onBurn: plan.spec.rollback.onBurn,
  };
}
