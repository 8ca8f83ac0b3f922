import { BEFORE, count, named, type Check, type Found } from '../check.js';
import {
  aboutWorkload,
  byWorkload,
  Disruption,
  expectedOf,
  idOf,
  mostDisruptions,
  nodesOf,
  ruleOf,
} from '../disruption.js';
import { ownerByLabels } from '../pod-picture.js';
import type { BudgetPicture, PodPicture } from '../picture.js';

/** Budgets as a drain will meet them. Those that guard nothing a drain would evict are passed over. */
export const disruptionBudgets: Check = {
  id: 'disruption-budgets',
  phases: BEFORE,
  needs: ['pods', 'budgets'],
  codes: [
    {
      code: 'pdb_never_allows',
      title: 'A PodDisruptionBudget can never allow an eviction',
      meaning:
        'By its own numbers the budget lets no pod go even when all are healthy: maxUnavailable 0, minAvailable 100 %, or minAvailable of as many as there are (percentages round up). Every drain of a node with such a pod can only time out.',
      remedy: 'Run one more replica than must stay, or set maxUnavailable to 1.',
    },
    {
      code: 'pdb_blocks_now',
      title: 'A PodDisruptionBudget allows nothing at this moment',
      meaning:
        'The budget could allow an eviction, but not now: too few of its pods are healthy. A drain waits for them until `drain.timeout`.',
      remedy: 'Bring the missing pods back first.',
    },
    {
      code: 'pdb_guards_unhealthy_pods',
      title: 'Unhealthy pods are guarded by a budget',
      meaning:
        'Pods that are not ready count against their budget, and by the default `unhealthyPodEvictionPolicy: IfHealthyBudget` they cannot be evicted while the budget is not met: a crash-looping pod then blocks its node for good.',
      remedy: 'Mend the pods, or set `unhealthyPodEvictionPolicy: AlwaysAllow` on the budget.',
    },
    {
      code: 'pod_in_several_pdbs',
      title: 'A pod is guarded by more than one budget',
      meaning: 'The eviction API refuses such a pod with an error (500), always: it does not support it.',
      remedy: 'Make the selectors of the budgets disjoint.',
    },
  ],
  run(picture) {
    const disruption = new Disruption(picture);
    const single = picture.budgets.flatMap((budget) => budgetFindings(budget, disruption.guardedBy(budget)));
    const several = disruption.evictable.filter((pod) => disruption.budgetsOf(pod).length > 1);
    return [...single, ...byWorkload(several).map((pods) => inSeveral(pods, disruption))];
  },
};

function budgetFindings(budget: BudgetPicture, pods: readonly PodPicture[]): Found[] {
  const [first] = pods;
  if (!first) return [];
  const owner = ownerByLabels(budget.labels) || first.owner;
  const of = { object: idOf(budget), nodes: nodesOf(pods), owner, meets: pods };
  const expected = expectedOf(budget, pods.length);
  if (mostDisruptions(budget, expected) <= 0) {
    const message = `${idOf(budget)}: ${ruleOf(budget)} of ${count(expected, 'pod')}, on ${named(of.nodes)}: no eviction can ever pass`;
    return [{ ...of, code: 'pdb_never_allows', message, remedy: neverRemedy(budget, expected) }];
  }
  if (!budget.counted || budget.allowed > 0) return [];
  return [
    blocksNow(budget, of),
    ...guardsUnhealthy(
      budget,
      pods.filter(({ ready }) => !ready),
      of,
    ),
  ];
}

type Of = Pick<Found, 'object' | 'nodes' | 'owner' | 'meets'>;

function blocksNow(budget: BudgetPicture, of: Of): Found {
  const { healthy, desired } = budget;
  const message = `${of.object} allows nothing now: ${healthy} of ${desired} pods that must stay are healthy (${ruleOf(budget)}), on ${named(of.nodes ?? [])}`;
  return { ...of, code: 'pdb_blocks_now', message, remedy: 'bring the missing pods back first' };
}

function guardsUnhealthy(budget: BudgetPicture, unhealthy: readonly PodPicture[], of: Of): Found[] {
  const [first] = unhealthy;
  if (!first || budget.alwaysAllowUnhealthy) return [];
  const message = `${count(unhealthy.length, 'pod')} of ${of.object} not ready (such as ${first.name}): by IfHealthyBudget they cannot be evicted while the budget is not met`;
  const remedy = 'mend the pods, or set unhealthyPodEvictionPolicy: AlwaysAllow';
  return [{ ...of, code: 'pdb_guards_unhealthy_pods', nodes: nodesOf(unhealthy), meets: unhealthy, message, remedy }];
}

function inSeveral(pods: readonly PodPicture[], disruption: Disruption): Found {
  const [pod] = pods;
  const names = pod ? disruption.budgetsOf(pod).map(({ name }) => name) : [];
  const about = aboutWorkload(pods);
  const message = `${count(pods.length, 'pod')} of ${about.object} match ${names.length} budgets (${names.join(', ')}): the eviction API refuses each of them`;
  const remedy = 'make the selectors of these budgets disjoint';
  return { ...about, code: 'pod_in_several_pdbs', message, remedy };
}

/** The least number of replicas that lets one go, where any does. */
function neverRemedy(budget: BudgetPicture, expected: number): string {
  const enough = Array.from({ length: 100 }, (_, more) => expected + 1 + more).find(
    (n) => mostDisruptions(budget, n) > 0,
  );
  return enough === undefined ? 'set maxUnavailable: 1' : `run ${enough} replicas, or set maxUnavailable: 1`;
}
