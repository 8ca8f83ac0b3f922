import { Disruption, expectedOf, idOf, mostDisruptions, ruleOf } from './disruption.js';
import type { BudgetPicture, ClusterPicture, PodPicture } from './picture.js';
import { int } from './sent.js';

/**
 * What a drain of its node would meet at a pod: `free` goes at once; `waits` goes after pods of the same budget are
 * back; `blockedNow` waits for pods that are missing today; `blocked` never goes until a person changes something.
 */
export type DrainVerdict = 'free' | 'waits' | 'blockedNow' | 'blocked';

export interface DrainPreviewRow {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  /** "Deployment/ledger" */
  readonly workload: string;
  readonly owner: string;
  readonly verdict: DrainVerdict;
  /** The budget, "ns/name"; '' where none guards it. */
  readonly pdb: string;
  readonly why: string;
}

/**
 * Every pod that a drain would evict, node by node as if each were drained alone: pods of one budget share what it
 * allows, which a dry run of the eviction API, asked pod by pod, would not tell. Worst first within a node.
 */
export function drainPreview(picture: ClusterPicture): DrainPreviewRow[] {
  const disruption = new Disruption(picture);
  const byNode = Map.groupBy(disruption.evictable, ({ node }) => node);
  return [...byNode].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, pods]) => nodePreview(pods, disruption));
}

const ORDER: readonly DrainVerdict[] = ['blocked', 'blockedNow', 'waits', 'free'];

function nodePreview(pods: readonly PodPicture[], disruption: Disruption): DrainPreviewRow[] {
  const spent = new Map<BudgetPicture, number>();
  const rows = pods.map((pod): DrainPreviewRow => {
    const { node, namespace, name, workload, owner } = pod;
    const budgets = disruption.budgetsOf(pod);
    const pdb = budgets.map(idOf).join(', ');
    return { node, namespace, pod: name, workload, owner, pdb, ...judge(pod, budgets, spent) };
  });
  return rows.sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
}

type Judged = Pick<DrainPreviewRow, 'verdict' | 'why'>;

function judge(pod: PodPicture, budgets: readonly BudgetPicture[], spent: Map<BudgetPicture, number>): Judged {
  const [budget, ...more] = budgets;
  if (pod.fate.kind === 'refused') {
    const what = pod.fate.why === 'emptyDir' ? 'emptyDir data' : 'no controller';
    return { verdict: 'blocked', why: `${what}, and no consent in the plan` };
  }
  if (more.length > 0) return { verdict: 'blocked', why: 'several budgets: the eviction API refuses it' };
  if (!budget) return { verdict: 'free', why: '' };
  if (!pod.ready && budget.alwaysAllowUnhealthy) return { verdict: 'free', why: 'not ready, and AlwaysAllow' };
  const before = int(spent.get(budget));
  spent.set(budget, before + 1);
  return byBudget(budget, before);
}

/** The pod that comes after `before` others of the same budget on this node. */
function byBudget(budget: BudgetPicture, before: number): Judged {
  const rule = ruleOf(budget);
  const expected = expectedOf(budget, 1);
  if (mostDisruptions(budget, expected) <= 0)
    return { verdict: 'blocked', why: `${rule} of ${expected}: never allows` };
  const allowed = budget.counted ? budget.allowed : mostDisruptions(budget, expected);
  if (allowed === 0) {
    return { verdict: 'blockedNow', why: `${budget.healthy} of ${budget.desired} healthy: allows nothing now` };
  }
  if (before < allowed) return { verdict: 'free', why: '' };
  return { verdict: 'waits', why: `${rule}: after ${before} of its pods on this node are back` };
}
