import type { V1Pod } from '@kubernetes/client-node';
import { NODE_JOB_NAMESPACE } from '../node-job.js';
import { cameThroughCordon } from './toleration.js';

/** What a drain does with a pod: the same filters, in the same order, as `kubectl drain` (reference §3.13), with consent from the plan. */
export type PodFate =
  | { readonly kind: 'evict' }
  /** Stays where it is: the drain is complete without it. */
  | { readonly kind: 'kept'; readonly why: 'daemonSet' | 'mirror' | 'nodeJob' | 'tolerates' }
  /** Evicting it would lose something nobody consented to lose. */
  | { readonly kind: 'refused'; readonly why: 'emptyDir' | 'unmanaged' };

/** Whose pods may lose what they would lose, as the plan says it. */
export interface DrainConsent {
  readonly deleteEmptyDir: ConsentScope;
  readonly evictUnmanaged: ConsentScope;
}

export interface ConsentScope {
  /** "*" is all. */
  readonly namespaces: readonly string[];
  /** Values of the pod's owner label. */
  readonly owners?: readonly string[];
}

/** Names the pod this agent runs in. */
export interface AgentPod {
  readonly namespace: string;
  readonly name: string;
}

/**
 * kubectl asks a DaemonSet whether it still exists and wants --force where it does not; here such an orphan is kept:
 * the garbage collector removes it without our help, and a drain need not wait for that.
 *
 * `closedAt`: since when the node is closed. kubectl looks once, and never sees what comes after; whoever looks again
 * must not evict for ever what its workload puts back onto the closed node.
 */
export function fateOf(pod: V1Pod, consent: DrainConsent, closedAt: number | null = null): PodFate {
  const kept = keptFor(pod, closedAt);
  if (kept) return { kind: 'kept', why: kept };
  const loss = hasFinished(pod) ? null : lossOf(pod, consent);
  return loss ? { kind: 'refused', why: loss } : { kind: 'evict' };
}

type KeptWhy = Extract<PodFate, { kind: 'kept' }>['why'];

function keptFor(pod: V1Pod, closedAt: number | null): KeptWhy | null {
  // Our own work on this node. Its pod is the evidence of what was done, also when it has ended.
  if (pod.metadata?.namespace === NODE_JOB_NAMESPACE) return 'nodeJob';
  if (controllerOf(pod)?.kind === 'DaemonSet' && !hasFinished(pod)) return 'daemonSet';
  if (isMirror(pod)) return 'mirror';
  return cameThroughCordon(pod, closedAt) ? 'tolerates' : null;
}

/** What evicting the pod would lose without anybody's consent; null where nothing is lost. */
function lossOf(pod: V1Pod, consent: DrainConsent): 'emptyDir' | 'unmanaged' | null {
  if (hasEmptyDir(pod) && !allows(consent.deleteEmptyDir, pod)) return 'emptyDir';
  if (!controllerOf(pod) && !allows(consent.evictUnmanaged, pod)) return 'unmanaged';
  return null;
}

export function isAgentPod({ metadata }: V1Pod, agent: AgentPod | null | undefined): boolean {
  return agent?.name === metadata?.name && agent?.namespace === metadata?.namespace && agent != null;
}

export function hasFinished({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function allows({ namespaces, owners = [] }: ConsentScope, pod: V1Pod): boolean {
  const { namespace = '', labels = {} } = pod.metadata ?? {};
  return namespaces.includes('*') || namespaces.includes(namespace) || owners.includes(ownerLabelOf(labels));
}

/** The team that a label names; '' without one. */
export function ownerLabelOf(labels: Readonly<Record<string, string>>): string {
  return labels['wavegate.dev/owner'] ?? labels['owner'] ?? labels['team'] ?? '';
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
