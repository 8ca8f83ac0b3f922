import { applySeverities, reason, type Finding, type Labels, type Plan } from '@wavegate/fleet';
import type { AgentClock, StepResult } from '@wavegate/runtime/agent';
import type { AgentPod } from '../drain/pod-filter.js';
import { FRESH_MS, unlessFresh } from '../fresh-server.js';
import type { KubeAccess } from '../kube-access.js';
import { isPassing, toKubeError } from '../kube-error.js';
import { checkObjectives } from '../metrics/check-objectives.js';
import type { ClusterFinding } from './check.js';
import { ESSENTIAL, type ClusterPicture } from './picture.js';
import type { PreflightContext } from './preflight-context.js';
import { runChecks } from './run-checks.js';
import { summaryOf } from './summary.js';
import { ClusterUnreachable, takePicture } from './take-picture.js';

export interface PreflightMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
  /** Our own pod; null or absent where we do not run in one. */
  readonly agentPod?: AgentPod | null;
  /** Of the ConfigMap wavegate-metrics; absent: wavegate. */
  readonly namespace?: string;
}

/** What only whoever runs the order knows; left out, it is not asked about. */
export type KnownBeside = Partial<
  Pick<
    PreflightContext,
    'phase' | 'labels' | 'before' | 'hubAheadMs' | 'receiptAt' | 'self' | 'hosts' | 'hostFacts' | 'etcd'
  >
>;

/** More would not fit a report to the hub; what is left out is counted. */
const MOST = 400;
/** Of all findings together, the worst ones' first: a name may have 253 bytes, and so may its namespace and budget. */
const MOST_PODS = 500;

/**
 * Looks for what would make the upgrade fail or hang, before anything is touched; or, as phase `after`, whether it did
 * what it was to do. Blocking findings end the order as skipped; the whole list goes to the hub.
 */
export async function runPreflight(
  means: PreflightMeans,
  plan: Plan,
  target: string,
  beside: KnownBeside = {},
): Promise<StepResult> {
  const context = contextOf(plan, target, means.clock.now(), { self: means.agentPod ?? null, ...beside });
  return orRefused(means, () => look(means, plan, context));
}

/** Only whether the plan's objectives can be measured here, with the plan's severities: seconds, and no program on a node. */
export function runObjectiveCheck(
  means: PreflightMeans,
  plan: Plan,
  target: string,
  labels: Labels | null,
): Promise<StepResult> {
  return orRefused(means, async () => {
    const found = await checkObjectives(objectiveMeans(means), plan, target);
    const at = means.clock.now();
    return { kind: 'succeeded', findings: applySeverities(found, plan.spec.preflight.severities, { labels, at }) };
  });
}

/** What will not pass by itself fails the step, in the server's words; what will is thrown, and tried again. */
async function orRefused({ kube }: PreflightMeans, act: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ClusterUnreachable) throw error;
    const refusal = toKubeError(error);
    if (isPassing(refusal)) throw error;
    const detail = `${refusal.code} ${refusal.message} (${kube.config.getCurrentCluster()?.server ?? ''})`.slice(
      0,
      300,
    );
    return { kind: 'failed', reason: reason('step_failed', { step: 'preflight', node: '', detail }) };
  }
}

async function look(means: PreflightMeans, plan: Plan, context: PreflightContext): Promise<StepResult> {
  const picture = await believedPicture(means, context);
  if (context.phase === 'after') {
    // What a verdict is measured by was asked before: by now the verdict itself has been measured.
    const found = sendable(runChecks(picture, context));
    return { kind: 'succeeded', findings: found.map((finding) => ({ ...finding, phase: 'after' as const })) };
  }
  const serviceLevels = await checkObjectives(objectiveMeans(means), plan, context.target);
  const found = sendable(runChecks(picture, { ...context, serviceLevels }));
  return { kind: 'succeeded', findings: found, picture: summaryOf(picture) };
}

const objectiveMeans = ({ kube, clock, namespace = 'wavegate' }: PreflightMeans) => ({
  ...{ kube, namespace, now: () => clock.now() },
});

function contextOf(plan: Plan, target: string, at: number, beside: KnownBeside): PreflightContext {
  return {
    ...{ target, at, phase: 'before', spec: plan.spec, labels: null, before: null, hubAheadMs: null, receiptAt: null },
    self: null,
    ...beside,
  };
}

/** A server that has just started refuses everybody for a moment: what is essential and refused is asked for again. */
async function believedPicture({ kube, clock }: PreflightMeans, context: PreflightContext): Promise<ClusterPicture> {
  const until = clock.now() + FRESH_MS;
  return unlessFresh(clock, async () => {
    const picture = await takePicture({ kube, now: () => clock.now() }, context);
    const refused = picture.gaps.find(({ part, code }) => ESSENTIAL.includes(part) && (code === 401 || code === 403));
    // Thrown in the client's shape, so that it is retried; believed in the end, and then a finding.
    if (refused && clock.now() < until) throw Object.assign(new Error(refused.why), { code: refused.code, body: {} });
    return picture;
  });
}

/** Without what is for grouping here only. The list is sorted: what is cut off is the least important. */
export function sendable(findings: readonly ClusterFinding[]): Finding[] {
  let room = MOST_PODS;
  const sent = findings.slice(0, MOST).map(({ nodes: _nodes, pods = [], ...finding }): Finding => {
    const shown = pods.slice(0, room);
    room -= shown.length;
    return shown.length > 0 ? { ...finding, pods: shown } : finding;
  });
  const rest = findings.length - sent.length;
  if (rest === 0) return sent;
  const message = `${rest} more findings, no worse than the last of these, are not sent`;
  const remedy = 'see all with wavegate-agent preflight --context …';
  return [...sent, { code: 'not_visible', severity: 'info', object: 'report', message, remedy, owner: '' }];
}
