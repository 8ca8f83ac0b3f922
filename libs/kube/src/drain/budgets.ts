import type { V1LabelSelector, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { toKubeError } from '../kube-error.js';
import { SteadyInformer } from '../steady-informer.js';

/**
 * The PodDisruptionBudgets, watched only while one of them holds a pod: to say its numbers, and to let the next pod ask
 * at the moment at which it allows again, instead of at the end of a pause.
 */
export class Budgets {
  private readonly known = new Map<string, V1PodDisruptionBudget>();
  private readonly waiting = new Map<string, Set<() => void>>();
  private informer: SteadyInformer<V1PodDisruptionBudget> | null = null;
  private listed: Promise<void> | null = null;

  constructor(
    private readonly kube: KubeAccess,
    private readonly changed: () => void,
  ) {}

  /** Resolves after the first list; where we may not look, with nothing known. */
  watch(): Promise<void> {
    if (this.informer) return this.listed ?? Promise.resolve();
    const informer = new SteadyInformer<V1PodDisruptionBudget>({
      kube: this.kube,
      path: '/apis/policy/v1/poddisruptionbudgets',
      list: () => this.list(),
      seen: (budget, how) => this.note(budget, how),
    });
    this.informer = informer;
    this.listed = informer.start().catch(() => undefined);
    return this.listed;
  }

  /** Nothing is held any more. May be watched again later. */
  async rest(): Promise<void> {
    const { informer } = this;
    this.informer = null;
    await informer?.stop();
  }

  /** "namespace/name" → the budget as it was last seen. */
  get(key: string): V1PodDisruptionBudget | null {
    return this.known.get(key) ?? null;
  }

  /** Names of all that cover the pod: one is the rule, two are what the Eviction API refuses with 500. */
  covering(pod: V1Pod): string[] {
    return covering([...this.known.values()], pod).map(keyOf);
  }

  /** Calls once when the budget has room for this pod, in the order in which they came. Returns a function that stops it. */
  onRoom(key: string, act: () => void): () => void {
    const acts = this.waiting.get(key) ?? new Set();
    this.waiting.set(key, acts.add(act));
    return () => acts.delete(act);
  }

  private async list() {
    try {
      return await this.kube.policy.listPodDisruptionBudgetForAllNamespaces();
    } catch (error) {
      // Without the right to look, names and numbers are missing; the evictions themselves need no such right.
      if (toKubeError(error).code === 403) void this.rest();
      throw error;
    }
  }

  private note(budget: V1PodDisruptionBudget, how: 'add' | 'update' | 'delete'): void {
    const key = keyOf(budget);
    const before = this.known.get(key);
    if (how === 'delete') this.known.delete(key);
    else this.known.set(key, budget);
    this.letAsk(key, how === 'delete' ? Infinity : roomIn(budget, before));
    this.changed();
  }

  private letAsk(key: string, room: number): void {
    const acts = [...(this.waiting.get(key) ?? [])].slice(0, room);
    for (const act of acts) {
      this.waiting.get(key)?.delete(act);
      act();
    }
  }
}

export function covering(budgets: readonly V1PodDisruptionBudget[], pod: V1Pod): V1PodDisruptionBudget[] {
  const { namespace = '', labels = {} } = pod.metadata ?? {};
  return budgets
    .filter(({ metadata, spec }) => metadata?.namespace === namespace && selects(spec?.selector, labels))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const keyOf = ({ metadata }: V1PodDisruptionBudget): string =>
  `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

/** How many pods may ask now. A status older than the spec says nothing; a person's change of the spec concerns all. */
function roomIn(budget: V1PodDisruptionBudget, before: V1PodDisruptionBudget | undefined): number {
  if (!isCounted(budget, budget.metadata?.generation)) return 0;
  const isNewSpec = before !== undefined && !isCounted(before, budget.metadata?.generation);
  return isNewSpec ? Infinity : (budget.status?.disruptionsAllowed ?? 0);
}

function isCounted({ status }: V1PodDisruptionBudget, generation = 0): boolean {
  return (status?.observedGeneration ?? 0) >= generation;
}

/** In policy/v1 an empty selector covers every pod of the namespace, a missing one none. */
export function selects(selector: V1LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (!selector) return false;
  const pairs = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return pairs && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels));
}

function holds(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** "0 disruptions allowed: 3 of its 3 pods are healthy, 3 must be", and what a person should know beside. */
export function budgetDetail(budget: V1PodDisruptionBudget, pod: V1Pod): string {
  const { disruptionsAllowed: allowed, currentHealthy, desiredHealthy, expectedPods } = numbersOf(budget);
  const numbers =
    `${allowed} ${allowed === 1 ? 'disruption' : 'disruptions'} allowed: ` +
    `${currentHealthy} of its ${expectedPods} pods are healthy, ${desiredHealthy} must be`;
  if (expectedPods > 0 && desiredHealthy >= expectedPods) {
    return `${numbers}, so it can never allow one: add a replica, or set maxUnavailable: 1`;
  }
  return isKeptUnready(budget, pod)
    ? `${numbers}; this pod is not ready itself, and goes only when they are: unhealthyPodEvictionPolicy: AlwaysAllow would let it go now`
    : numbers;
}

export function numbersOf({ status }: V1PodDisruptionBudget) {
  const none = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return { ...none, ...status };
}

/** By `IfHealthyBudget`, the default, a pod that runs and is not ready goes only while the budget is kept without it. */
export function isKeptUnready({ spec }: V1PodDisruptionBudget, pod: V1Pod): boolean {
  return spec?.unhealthyPodEvictionPolicy !== 'AlwaysAllow' && pod.status?.phase === 'Running' && !isReady(pod);
}

export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}
