import type { V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import { reason, type Finding, type Plan } from '@wavegate/fleet';
import type { AgentClock, StepResult } from '@wavegate/runtime/agent';
import { unlessFresh } from './fresh-server.js';
import type { KubeAccess } from './kube-access.js';
import { isPassing, toKubeError } from './kube-error.js';
import { eachPod } from './node-pods.js';
import { nodeName, toNodeFacts } from './node-view.js';
import { fateOf, podName } from './pod-filter.js';

export interface PreflightMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
}

/**
 * Looks for what would make the upgrade fail or hang, before anything is touched. Blocking findings end the order as
 * skipped; the whole list goes to the hub.
 */
export async function runPreflight(means: PreflightMeans, plan: Plan, target: string): Promise<StepResult> {
  const { kube, clock } = means;
  try {
    const look = () => Promise.all([nodeFindings(kube), budgetFindings(kube), podFindings(kube, plan, target)]);
    const findings = await unlessFresh(clock, look);
    return { kind: 'succeeded', findings: findings.flat() };
  } catch (error) {
    const refusal = toKubeError(error);
    if (isPassing(refusal)) throw error;
    const detail = `${refusal.code} ${refusal.message}`.slice(0, 300);
    return { kind: 'failed', reason: reason('step_failed', { step: 'preflight', node: '', detail }) };
  }
}

async function nodeFindings(kube: KubeAccess): Promise<Finding[]> {
  const nodes = (await kube.core.listNode()).items;
  const findings: Finding[] = nodes
    .filter((node) => !toNodeFacts(node).ready)
    .map((node) => ({
      code: 'node_not_ready',
      severity: 'block',
      object: nodeName(node),
      message: `${nodeName(node)} is not Ready`,
      remedy: 'mend or remove the node first: an upgrade would not make it healthy and may lose quorum or capacity',
      owner: '',
    }));
  return findings;
}

async function budgetFindings(kube: KubeAccess): Promise<Finding[]> {
  const budgets = (await kube.policy.listPodDisruptionBudgetForAllNamespaces()).items;
  return budgets.filter(neverAllows).map((budget) => {
    const { namespace = '', name: bare = '', labels = {} } = budget.metadata ?? {};
    const name = `${namespace}/${bare}`;
    const { expectedPods = 0, desiredHealthy = 0 } = budget.status ?? {};
    return {
      code: 'pdb_never_allows',
      severity: 'block',
      object: name,
      message: `${name} wants ${desiredHealthy} of ${expectedPods} pods healthy at all times: no eviction can ever pass`,
      remedy: `run ${desiredHealthy + 1} replicas, or set maxUnavailable: 1`,
      owner: labels['wavegate.dev/owner'] ?? labels.owner ?? '',
    };
  });
}

/** Healthy as demanded, and still nothing may go: not a moment's shortage but a rule. */
function neverAllows(budget: V1PodDisruptionBudget): boolean {
  const { expectedPods = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = budget.status ?? {};
  return expectedPods > 0 && disruptionsAllowed === 0 && desiredHealthy >= expectedPods;
}

async function podFindings(kube: KubeAccess, plan: Plan, target: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  await eachPod(kube, {}, (pod) => {
    const fate = fateOf(pod, plan.spec.drain);
    if (fate.kind === 'refused') findings.push(unconsented(pod, fate.why, target));
  });
  return findings;
}

function unconsented(pod: V1Pod, why: 'emptyDir' | 'unmanaged', target: string): Finding {
  const name = podName(pod);
  const namespace = pod.metadata?.namespace ?? '';
  const emptyDir = why === 'emptyDir';
  return {
    code: emptyDir ? 'pod_with_local_data' : 'pod_without_controller',
    severity: 'block',
    object: name,
    message: emptyDir
      ? `${name} keeps data in an emptyDir: the drain before ${target} would delete it`
      : `${name} has no controller: evicted, nothing would make it again`,
    remedy: emptyDir
      ? `consent with drain.deleteEmptyDir.namespaces: [${namespace}], or move the data`
      : `consent with drain.evictUnmanaged.namespaces: [${namespace}], or give it a controller`,
    owner: pod.metadata?.labels?.['wavegate.dev/owner'] ?? '',
  };
}
