import { plotSli, policyOfPlan, samplesHash, type VerdictEvidence } from '@wavegate/analysis';
import type { JudgedSamples, Plan, SliEvidence, UpgradePhase, Verdict } from '@wavegate/fleet';

/** One judged phase of one cluster, as it is kept: its verdict (null while it is judged) and what it rests on. */
export interface KeptJudgement {
  readonly phase: string;
  readonly verdict: Verdict | null;
  readonly samples: JudgedSamples;
}

/** What `wavegate verdict recompute` reads; null where no verdict was reached, or its agent did not tell all. */
export function toEvidence({ phase, verdict, samples }: KeptJudgement, plan: Plan): VerdictEvidence | null {
  const { given, slis, disruptionSeconds, gauges } = samples;
  if (!verdict || !given) return null;
  const { elapsedMs, gates, objectives, samplesHash: hash } = given;
  const policy = policyOfPlan(plan, phase as UpgradePhase);
  const beside = { ...(disruptionSeconds ? { disruptionSeconds } : {}), ...(gauges ? { gauges } : {}) };
  const input = { slis, gates, policy, elapsedMs, objectives, ...beside };
  const evidence = { schema: 1 as const, kind: 'VerdictEvidence' as const, samplesHash: hash, input, verdict };
  // What was changed on the way is not excused by something else having been left out.
  const missing = samplesHash(input) === hash ? [] : leftOut(samples, verdict);
  return missing.length === 0 ? evidence : { ...evidence, incomplete: missing.join(', ') };
}

/** What an agent leaves out of samples that are more than a message carries (VERDICT_BOUNDS), as far as it shows. */
function leftOut({ slis, dropped, gauges = [] }: JudgedSamples, verdict: Verdict): string[] {
  const kept = new Map(slis.map((sli) => [sli.name, sli]));
  const gone = verdict.slis.filter(({ name }) => !kept.has(name)).map(({ name }) => name);
  const without = (has: 'controls' | 'weeks', told: (one: SliEvidence) => boolean): boolean =>
    verdict.slis.some((one) => kept.has(one.name) && kept.get(one.name)?.[has] === undefined && told(one));
  const measured = new Set(gauges.map(({ name }) => name));
  const unmeasured = (verdict.gauges ?? []).filter(({ name }) => !measured.has(name)).map(({ name }) => name);
  return [
    ...(dropped > 0 ? [`the ${dropped} oldest periods since the change`] : []),
    ...(gone.length > 0 ? [`the samples of ${gone.join(', ')}`] : []),
    ...(unmeasured.length > 0 ? [`the numbers of the gauges ${unmeasured.join(', ')}`] : []),
    ...(without('controls', ({ comparison }) => (comparison?.peers ?? 0) > 0) ? ['the samples of the peers'] : []),
    ...(without('weeks', ({ comparison }) => comparison?.week !== undefined) ? ['those of earlier weeks'] : []),
  ];
}

/** The picture of one objective, or null where the phase did not measure it. */
export function toPicture({ phase, verdict, samples }: KeptJudgement, cluster: string, name: string): string | null {
  const sli = samples.slis.find((one) => one.name === name);
  if (!sli) return null;
  const { periodMs, dropped } = samples;
  // Periods count from the change: those that are not drawn are left out of the count, too.
  const period = verdict?.period ? verdict.period - dropped : null;
  const decided = verdict
    ? { verdict: { kind: verdict.kind, period: period !== null && period > 0 ? period : null } }
    : {};
  return plotSli(sli, { ...decided, periodMs, title: `${cluster}: ${name}, ${phase}` });
}
