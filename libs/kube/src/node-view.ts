import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { NodeFacts } from '@wavegate/fleet';
import type { ObservedNode } from '@wavegate/runtime/agent';
import { CORDON_ANNOTATION } from './drain/cordon.js';

/** V1Node → the words of the fleet. */

export function nodeName(node: V1Node): string {
  return node.metadata?.name ?? '';
}

export function roleOf(node: V1Node): 'controlPlane' | 'worker' {
  const labels = node.metadata?.labels ?? {};
  const isControlPlane =
    'node-role.kubernetes.io/control-plane' in labels || 'node-role.kubernetes.io/master' in labels;
  return isControlPlane ? 'controlPlane' : 'worker';
}

/** "v1.34.4" → "1.34.4": the product writes versions without the v everywhere. */
export function bareVersion(text: string | undefined): string {
  return (text ?? '').replace(/^v/, '');
}

export function toNodeFacts(node: V1Node): NodeFacts {
  return {
    name: nodeName(node),
    role: roleOf(node),
    kubelet: bareVersion(node.status?.nodeInfo?.kubeletVersion),
    ready: readyCondition(node).ready,
    schedulable: node.spec?.unschedulable !== true,
    zone: zoneOf(node),
    ...(node.metadata?.uid ? { uid: node.metadata.uid } : {}),
    ...(isReserved(node) ? { reserved: true } : {}),
  };
}

/** kubeadm's own taint: ordinary pods find no place there. What other taints mean only the pods can tell. */
function isReserved({ spec }: V1Node): boolean {
  return (spec?.taints ?? []).some(
    ({ key, effect }) =>
      /^node-role\.kubernetes\.io\/(control-plane|master)$/.test(key) && /^No(Schedule|Execute)$/.test(effect),
  );
}

export function toObservedNode(node: V1Node, staticPods: readonly V1Pod[], podsToEvict: number): ObservedNode {
  const ready = readyCondition(node);
  return {
    name: nodeName(node),
    uid: node.metadata?.uid ?? '',
    labels: node.metadata?.labels ?? {},
    role: roleOf(node),
    zone: zoneOf(node),
    kubelet: bareVersion(node.status?.nodeInfo?.kubeletVersion),
    ready: ready.ready,
    readySince: ready.since,
    cordoned: node.spec?.unschedulable === true,
    cordonedBy: cordonOwner(node),
    podsToEvict,
    staticPods: Object.fromEntries(staticPods.map((pod) => [componentOf(pod), toStaticPod(pod)])),
  };
}

/** The order whose cordon this is; null where somebody else cordoned the node, or nobody. */
export function cordonOwner(node: V1Node): string | null {
  const owner = node.metadata?.annotations?.[CORDON_ANNOTATION];
  return node.spec?.unschedulable === true && owner ? owner : null;
}

function zoneOf(node: V1Node): string {
  return node.metadata?.labels?.['topology.kubernetes.io/zone'] ?? '';
}

function readyCondition(node: V1Node): { ready: boolean; since: number } {
  const condition = node.status?.conditions?.find((candidate) => candidate.type === 'Ready');
  return { ready: condition?.status === 'True', since: epochMs(condition?.lastTransitionTime) };
}

function componentOf(pod: V1Pod): string {
  return pod.metadata?.labels?.component ?? '';
}

function toStaticPod(pod: V1Pod): { version: string; ready: boolean; since: number; emulates?: string } {
  const started = pod.status?.containerStatuses?.[0]?.state?.running?.startedAt;
  const readyAt = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  return {
    version: imageVersion(pod),
    ready: readyAt?.status === 'True',
    // Whichever came last: a restarted container keeps the pod's Ready time for a moment.
    since: Math.max(epochMs(started), epochMs(readyAt?.lastTransitionTime)),
    ...emulation(pod),
  };
}

/** "--emulated-version=kube=1.34" → "1.34". The program's own minor is no emulation. */
function emulation(pod: V1Pod): { emulates?: string } {
  const words = pod.spec?.containers[0]?.command ?? [];
  const [, minor] = words.map((word) => /^--emulated-version=(?:kube=)?v?(\d+\.\d+)/.exec(word)).find(Boolean) ?? [];
  return minor === undefined || imageVersion(pod).startsWith(`${minor}.`) ? {} : { emulates: minor };
}

/** "registry.k8s.io/kube-apiserver:v1.35.4@sha256:…" → "1.35.4". */
export function imageVersion(pod: V1Pod): string {
  const [named = ''] = (pod.spec?.containers[0]?.image ?? '').split('@');
  return bareVersion(named.split(':').at(-1));
}

/** 0 for none. The client's types promise Dates; what comes by a watch is the JSON as it was sent, with texts. */
export function epochMs(time: Date | string | undefined): number {
  return time === undefined ? 0 : new Date(time).getTime();
}
