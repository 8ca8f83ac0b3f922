import type { V1Pod } from '@kubernetes/client-node';
import type { AgentClock } from '@wavegate/runtime/agent';
import { unlessFresh } from './fresh-server.js';
import type { KubeAccess } from './kube-access.js';
import { isPassing, toKubeError, type KubeError } from './kube-error.js';

/** What the eviction API said, in kubectl's reading of it (reference §3.13 and real-components.md §2, exact answers). */
export type EvictionAnswer =
  | { readonly kind: 'granted' }
  /** 404, or 409: the pod we meant is gone (a new one may bear its name). */
  | { readonly kind: 'gone' }
  /** 429: a PodDisruptionBudget says not now. `pdb` is '' where the server does not name it. */
  | { readonly kind: 'blocked'; readonly pdb: string; readonly retryAfterMs: number | null }
  /** 403 with NamespaceTerminating: the namespace controller will remove the pod. */
  | { readonly kind: 'namespaceTerminating' }
  /** Nobody answered, or not in earnest: says nothing about the pod. */
  | { readonly kind: 'unanswered' }
  /** Anything else (500: several PDBs on one pod): this pod fails, the others go on. */
  | { readonly kind: 'failed'; readonly detail: string };

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
  if (code === 404 || code === 409) return { kind: 'gone' };
  if (code === 429) return { kind: 'blocked', pdb: budgetName(refusal), retryAfterMs: refusal.retryAfterMs };
  if (code === 403 && refusal.causes.some((cause) => cause.reason === 'NamespaceTerminating')) {
    return { kind: 'namespaceTerminating' };
  }
  // The one 500 that no patience mends has neither reason nor details: only its words tell it from an etcd election.
  const severalBudgets = code === 500 && /more than one PodDisruptionBudget/.test(refusal.message);
  if (isPassing(refusal) && !severalBudgets) return { kind: 'unanswered' };
  return { kind: 'failed', detail: `${code} ${refusal.message}` };
}

/** "The disruption budget p1 needs 3 healthy pods and has 3 currently" → "p1". */
function budgetName(refusal: KubeError): string {
  for (const cause of refusal.causes) {
    const match = /disruption budget (\S+)/i.exec(cause.message);
    if (match?.[1]) return match[1];
  }
  return '';
}
