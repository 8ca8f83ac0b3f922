import type { V1Node, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { toKubeError } from '../kube-error.js';
import { budgetDetail, covering, isKeptUnready, isReady, keyOf, numbersOf } from './budgets.js';
import { CORDON_ANNOTATION } from './cordon.js';
import { Elsewhere } from './elsewhere.js';
import { evictionGroups } from './eviction-groups.js';
import { listNodePods } from './node-pods.js';
import { fateOf, hasFinished, podName, type DrainConsent, type PodFate } from './pod-filter.js';
import { closedSince, heedsNoCordon } from './toleration.js';
import { longOwner, ownerAtSight } from './workload-owner.js';

/** What a drain would do with one pod, as things stand. */
export interface PreviewedPod {
  /** "namespace/name". */
  readonly pod: string;
  /**
   * evict · kept: stays by the rules · refused: nobody consented to lose it · blocked: its budget allows nothing now ·
   * never: no eviction can ever pass
   */
  readonly fate: 'evict' | 'kept' | 'refused' | 'blocked' | 'never';
  readonly why: string;
  readonly owner: string;
  readonly priority: number;
  /** "namespace/name" of the budgets that cover it. */
  readonly pdbs: readonly string[];
}

export interface DrainPreview {
  readonly node: string;
  readonly uid: string;
  /** Closed already: by whom, where the mark says so ('' for somebody else). Null while it is open. */
  readonly closedBy: string | null;
  /** No other node would take some of these pods. */
  readonly lastNode: boolean;
  /** In the order of their eviction; those that stay last. */
  readonly pods: readonly PreviewedPod[];
}

/** Reads, and changes nothing. Throws the client's error; 404 where there is no such node. */
export async function previewDrain(kube: KubeAccess, node: string, consent: DrainConsent): Promise<DrainPreview> {
  const found = await kube.core.readNode({ name: node });
  const [pods, budgets, elsewhere] = await Promise.all([
    listNodePods(kube, node),
    budgetsOf(kube),
    Elsewhere.than(kube, node),
  ]);
  const closedAt = closedSince(found);
  const evicted = pods.filter((pod) => fateOf(pod, consent, closedAt).kind === 'evict');
  return {
    ...{ node, uid: found.metadata?.uid ?? '', closedBy: closedBy(found) },
    lastNode: elsewhere.isMissingFor(evicted),
    pods: [...evictionGroups(pods, []).flat()]
      .map((pod) => previewed(pod, fateOf(pod, consent, closedAt), budgets))
      .sort((a, b) => Number(a.fate === 'kept') - Number(b.fate === 'kept')),
  };
}

/** Without the right to look at budgets the rest is worth showing all the same. */
async function budgetsOf(kube: KubeAccess): Promise<readonly V1PodDisruptionBudget[]> {
  try {
    return (await kube.policy.listPodDisruptionBudgetForAllNamespaces()).items;
  } catch (error) {
    if (toKubeError(error).code === 403) return [];
    throw error;
  }
}

/** Whose mark a closed node bears ('' for somebody else's); null while it is open. */
export function closedBy({ spec, metadata }: V1Node): string | null {
  return spec?.unschedulable === true ? (metadata?.annotations?.[CORDON_ANNOTATION] ?? '') : null;
}

function previewed(pod: V1Pod, fate: PodFate, budgets: readonly V1PodDisruptionBudget[]): PreviewedPod {
  const covered = covering(budgets, pod);
  const line = {
    ...{ pod: podName(pod), owner: longOwner(ownerAtSight(pod)), priority: pod.spec?.priority ?? 0 },
    pdbs: covered.map(keyOf),
  };
  if (fate.kind !== 'evict') return { ...line, fate: fate.kind, why: WHY[fate.why] };
  const { fate: by, why } = budgetFate(pod, covered);
  return { ...line, fate: by, why: why === '' && heedsNoCordon(pod) ? COMES_BACK : why };
}

const WHY = {
  daemonSet: 'belongs to a DaemonSet, which would make it again here',
  mirror: 'a static pod of the kubelet',
  nodeJob: 'a node Job of Wavegate',
  tolerates: 'tolerates the cordon and came after it: evicted, its workload would put it back',
  emptyDir: 'keeps data in an emptyDir, which would be deleted',
  unmanaged: 'has no controller: nothing would make it again',
} as const;

const COMES_BACK = 'tolerates the cordon: the next one may come back here, and stays then';

type BudgetFate = Pick<PreviewedPod, 'fate' | 'why'>;
const FREE: BudgetFate = { fate: 'evict', why: '' };

function budgetFate(pod: V1Pod, covered: readonly V1PodDisruptionBudget[]): BudgetFate {
  const [budget, another] = covered;
  if (!budget || isPastBudgets(pod)) return FREE;
  if (another) return { fate: 'never', why: 'two budgets cover it, which the Eviction API refuses: remove one' };
  if (!isReady(pod) && !isKeptUnready(budget, pod)) return FREE;
  const { disruptionsAllowed, desiredHealthy, expectedPods } = numbersOf(budget);
  if (disruptionsAllowed > 0) return FREE;
  const never = expectedPods > 0 && desiredHealthy >= expectedPods;
  return { fate: never ? 'never' : 'blocked', why: budgetDetail(budget, pod) };
}

/** Finished, pending and leaving pods are evicted past every budget. */
function isPastBudgets(pod: V1Pod): boolean {
  return hasFinished(pod) || pod.status?.phase === 'Pending' || pod.metadata?.deletionTimestamp !== undefined;
}
