import type { V1Pod } from '@kubernetes/client-node';
import type { AgentClock } from '@wavegate/runtime/agent';
import { unlessFresh } from '../fresh-server.js';
import type { KubeAccess } from '../kube-access.js';
import { isPassing, toKubeError, type KubeError } from '../kube-error.js';

/** What the eviction API said, in kubectl's reading of it (reference §3.13 and real-components.md §2, exact answers). */
export type EvictionAnswer =
  | { readonly kind: 'granted' }
  /** 404, or 409 about the UID: the pod we meant is gone (a new one may bear its name). */
  | { readonly kind: 'gone' }
  /** 429: a PodDisruptionBudget says not now; or a conflict that passes. `pdb` is '' where the server names none. */
  | { readonly kind: 'blocked'; readonly pdb: string; readonly detail: string; readonly retryAfterMs: number | null }
  /** 403 with NamespaceTerminating: the namespace controller will remove the pod. */
  | { readonly kind: 'namespaceTerminating' }
  /** Nobody answered, or not in earnest: says nothing about the pod. */
  | { readonly kind: 'unanswered' }
  /** Anything else (500: several PDBs on one pod): this pod fails, the others go on. */
  | { readonly kind: 'failed'; readonly detail: string };

/** 504 after ten seconds: too many evictions changed one budget at once. The server is there, and the budget named. */
const BUDGET_CONTENDED = /couldn't update PodDisruptionBudget "([^"]+)" due to conflicts/;

/** The Eviction API only: the agent's role has no `pods: delete`, and a DELETE would walk past every PDB. */
export async function evictPod(kube: KubeAccess, clock: AgentClock, pod: V1Pod): Promise<EvictionAnswer> {
  const name = pod.metadata?.name ?? '';
  const namespace = pod.metadata?.namespace ?? '';
  const deleteOptions = { preconditions: { uid: pod.metadata?.uid } };
  const body = { metadata: { name, namespace }, deleteOptions };
  try {
    await unlessFresh(clock, () => kube.core.createNamespacedPodEviction({ name, namespace, body }));
    return { kind: 'granted' };
  } catch (error) {
    return toAnswer(toKubeError(error));
  }
}

export function toAnswer(refusal: KubeError): EvictionAnswer {
  const { code } = refusal;
  if (code === 404 || isOtherPod(refusal)) return { kind: 'gone' };
  // Somebody changed the pod in the same moment, or a webhook says so: taken for "gone" it would be asked for in a circle.
  if (code === 409)
    return { kind: 'blocked', pdb: '', detail: `409 ${refusal.message}`, retryAfterMs: refusal.retryAfterMs };
  if (isOfBudget(refusal)) return blocked(refusal);
  if (code === 403 && refusal.causes.some((cause) => cause.reason === 'NamespaceTerminating')) {
    return { kind: 'namespaceTerminating' };
  }
  // The one 500 that no patience mends has neither reason nor details: only its words tell it from an etcd election.
  const severalBudgets = code === 500 && /more than one PodDisruptionBudget/.test(refusal.message);
  if (isPassing(refusal) && !severalBudgets) return { kind: 'unanswered' };
  return { kind: 'failed', detail: `${code} ${refusal.message}` };
}

const CONTENDED = 'many evictions ask this budget at once: it is asked for again';

/** "Precondition failed: UID in precondition: 1, UID in object meta: 2" */
function isOtherPod({ code, message }: KubeError): boolean {
  return code === 409 && /precondition/i.test(message) && /\bUID\b/.test(message);
}

const isOfBudget = ({ code, message }: KubeError): boolean => code === 429 || BUDGET_CONTENDED.test(message);

function blocked(refusal: KubeError): EvictionAnswer {
  const contended = BUDGET_CONTENDED.exec(refusal.message)?.[1];
  if (contended !== undefined) return { kind: 'blocked', pdb: contended, detail: CONTENDED, retryAfterMs: null };
  const pdb = budgetName(refusal);
  const detail = pdb === '' ? 'is refused for now by the API server (429)' : (refusal.causes[0]?.message ?? '');
  return { kind: 'blocked', pdb, detail, retryAfterMs: refusal.retryAfterMs };
}

/** "The disruption budget p1 needs 3 healthy pods and has 3 currently" → "p1". */
function budgetName(refusal: KubeError): string {
  for (const cause of refusal.causes) {
    const match = /disruption budget (\S+)/i.exec(cause.message);
    if (match?.[1]) return match[1];
  }
  return '';
}
