import type { V1Pod } from '@kubernetes/client-node';
import type { PlanSpec } from '@wavegate/fleet';
import { NODE_JOB_NAMESPACE } from './node-job.js';

/** What a drain does with a pod: the same filters, in the same order, as `kubectl drain` (reference §3.13), with consent from the plan. */
export type PodFate =
  | { readonly kind: 'evict' }
  /** Stays where it is: the drain is complete without it. */
  | { readonly kind: 'kept'; readonly why: 'daemonSet' | 'mirror' | 'nodeJob' }
  /** Evicting it would lose something nobody consented to lose. */
  | { readonly kind: 'refused'; readonly why: 'emptyDir' | 'unmanaged' };

export type DrainConsent = Pick<PlanSpec['drain'], 'deleteEmptyDir' | 'evictUnmanaged'>;

/**
 * kubectl asks a DaemonSet whether it still exists and wants --force where it does not; here such an orphan is kept:
 * the garbage collector removes it without our help, and a drain need not wait for that.
 */
export function fateOf(pod: V1Pod, consent: DrainConsent): PodFate {
  // Our own work on this node. Its pod is the evidence of what was done, also when it has ended.
  if (pod.metadata?.namespace === NODE_JOB_NAMESPACE) return { kind: 'kept', why: 'nodeJob' };
  const finished = hasFinished(pod);
  if (controllerOf(pod)?.kind === 'DaemonSet' && !finished) return { kind: 'kept', why: 'daemonSet' };
  if (isMirror(pod)) return { kind: 'kept', why: 'mirror' };
  const loss = finished ? null : lossOf(pod, consent);
  return loss ? { kind: 'refused', why: loss } : { kind: 'evict' };
}

/** What evicting the pod would lose without anybody's consent; null where nothing is lost. */
function lossOf(pod: V1Pod, consent: DrainConsent): 'emptyDir' | 'unmanaged' | null {
  const namespace = pod.metadata?.namespace ?? '';
  if (hasEmptyDir(pod) && !allows(consent.deleteEmptyDir.namespaces, namespace)) return 'emptyDir';
  if (!controllerOf(pod) && !allows(consent.evictUnmanaged.namespaces, namespace)) return 'unmanaged';
  return null;
}

function hasFinished({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Namespaces as the plan lists them; "*" is all. */
function allows(namespaces: readonly string[], namespace: string): boolean {
  return namespaces.includes('*') || namespaces.includes(namespace);
}

function isMirror(pod: V1Pod): boolean {
  return pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

function hasEmptyDir(pod: V1Pod): boolean {
  return pod.spec?.volumes?.some((volume) => volume.emptyDir !== undefined) ?? false;
}

export function controllerOf(pod: V1Pod): { readonly kind: string; readonly name: string } | null {
  const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller === true);
  return owner ? { kind: owner.kind, name: owner.name } : null;
}

export function podName(pod: V1Pod): string {
  return `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
}
