import type { Labels } from '@wavegate/fleet';
import { selects } from './label-selector.js';
import type { BudgetPicture, ClusterPicture, PodPicture } from './picture.js';

/** Which budgets guard which pods, and what they will ever allow. */
export class Disruption {
  /** Pods that a drain of their node would evict, bound and not yet finished. */
  readonly evictable: readonly PodPicture[];
  private readonly byNamespace: Map<string, BudgetPicture[]>;
  private readonly memo = new Map<string, Map<Labels, readonly BudgetPicture[]>>();

  constructor(picture: Pick<ClusterPicture, 'pods' | 'budgets'>) {
    this.byNamespace = Map.groupBy(picture.budgets, ({ namespace }) => namespace);
    this.evictable = picture.pods.filter((pod) => pod.node !== '' && pod.fate.kind !== 'kept' && !hasFinished(pod));
  }

  /** All pods of one template share their labels, so few selections are computed. */
  budgetsOf({ namespace, labels }: PodPicture): readonly BudgetPicture[] {
    const here = this.byNamespace.get(namespace);
    if (!here) return [];
    const known = this.memo.get(namespace) ?? new Map<Labels, readonly BudgetPicture[]>();
    this.memo.set(namespace, known);
    let found = known.get(labels);
    if (!found) known.set(labels, (found = here.filter(({ selector }) => selects(selector, labels))));
    return found;
  }

  guardedBy(budget: BudgetPicture): PodPicture[] {
    return this.evictable.filter((pod) => this.budgetsOf(pod).includes(budget));
  }
}

export function hasFinished({ phase }: PodPicture): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Pods the budget counts, by its controller; by what was seen where that has not counted yet. */
export function expectedOf({ counted, expected }: BudgetPicture, seen: number): number {
  return counted && expected > 0 ? expected : seen;
}

/**
 * How many of `expected` pods the budget's own numbers let go when all are healthy; 0 = never any. Percentages round up
 * in both fields: of 7 pods, minAvailable 50 % keeps 4, and maxUnavailable 1 % lets 1 go.
 */
export function mostDisruptions({ minAvailable, maxUnavailable }: BudgetPicture, expected: number): number {
  if (maxUnavailable !== null) return Math.min(expected, scaled(maxUnavailable, expected));
  // The API server's default is one that must stay.
  return Math.max(0, expected - scaled(minAvailable ?? 1, expected));
}

function scaled(value: number | string, of: number): number {
  const match = /^(\d+)%$/.exec(String(value));
  return match ? Math.ceil((Number(match[1]) * of) / 100 - 1e-9) : Number(value);
}

/** "minAvailable 100 %", as it was written. */
export function ruleOf({ minAvailable, maxUnavailable }: BudgetPicture): string {
  return maxUnavailable !== null ? `maxUnavailable ${maxUnavailable}` : `minAvailable ${minAvailable ?? 1}`;
}

export function idOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** "payments/ledger" of "Deployment/ledger" in payments. */
export function workloadId({ namespace, workload }: PodPicture): string {
  return `${namespace}/${workload.slice(workload.indexOf('/') + 1)}`;
}

/** Pods by the workload they belong to: one finding a workload, not one a pod. */
export function byWorkload(pods: readonly PodPicture[]): PodPicture[][] {
  return [...Map.groupBy(pods, ({ namespace, workload }) => `${namespace}/${workload}`).values()];
}

export function nodesOf(pods: readonly PodPicture[]): string[] {
  return [...new Set(pods.map(({ node }) => node))].filter(Boolean).sort();
}

/** What every finding about one workload's pods says of them. */
export function aboutWorkload(pods: readonly PodPicture[]) {
  const [pod] = pods;
  return { object: pod ? workloadId(pod) : '', owner: pod?.owner ?? '', nodes: nodesOf(pods), meets: pods };
}
