import {
  isReason,
  readPlanText,
  type ClusterEvidence,
  type Labels,
  type SliEvidence,
  type Verdict,
} from '@wavegate/fleet';
import type { RolloutEvent } from '@wavegate/rollout';
import type { WithoutAt } from './ports.js';

type Judged = readonly { readonly verdict: Verdict }[];

/** Puts beside the end of a cluster what its verdicts leave for the wave's. Other events are as they were. */
export function withEvidence(event: WithoutAt<RolloutEvent>, judged: Judged): WithoutAt<RolloutEvent> {
  if (event.kind !== 'clusterEnded') return event;
  const evidence = evidenceOf(judged);
  return evidence.length > 0 ? { ...event, evidence } : event;
}

/** Of each decisive objective the judgement that saw the most events; phases overlap in time, so they are not added up. */
function evidenceOf(judged: Judged): readonly ClusterEvidence[] {
  const most = new Map<string, SliEvidence>();
  for (const sli of judged.flatMap(({ verdict }) => verdict.slis)) {
    const known = most.get(sli.name);
    if (sli.decisive && sli.comparison && sli.total > (known?.total ?? 0)) most.set(sli.name, sli);
  }
  return [...most.values()].flatMap(({ name, bad, total, comparison }) =>
    comparison ? [{ name, evidence: comparison.evidence, bad, total, before: comparison.before }] : [],
  );
}

/** What a cluster is like, in the labels that the plan spreads waves by: "region=fra, provider=metal". */
export function strataOf(planText: string): (labels: Labels) => string {
  const plan = readPlanText(planText);
  const keys = isReason(plan) ? [] : plan.spec.strategy.spreadBy;
  return (labels) => keys.map((key) => `${key}=${labels[key] ?? ''}`).join(', ');
}
