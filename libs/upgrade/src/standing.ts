import { parseVersion, type Standing } from '@wavegate/fleet';
import type { Observed, ObservedNode } from './observed.js';

const API_SERVER = 'kube-apiserver';

/** Equal releases, whatever vendor or build mark they carry. */
export function sameRelease(a: string, b: string): boolean {
  return a === b || (parseVersion(a)?.text ?? a) === (parseVersion(b)?.text ?? b);
}

/** What stands at which version: "apiserver/cp-1", "etcd/cp-1", "kubelet/w-3" → version; sorted by name. */
export function standing(observed: Observed): Standing {
  const entries = observed.nodes.flatMap((node) => [
    [`kubelet/${node.name}`, node.kubelet] as const,
    ...Object.entries(node.staticPods).map(
      ([component, { version }]) => [`${component.replace(/^kube-/, '')}/${node.name}`, version] as const,
    ),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function apiServers(observed: Observed): { readonly name: string; readonly version: string }[] {
  return observed.nodes.flatMap(({ name, staticPods }) => {
    const pod = staticPods[API_SERVER];
    return pod ? [{ name, version: pod.version }] : [];
  });
}

/**
 * True where all Kubernetes components of a control-plane node run this version. etcd has versions of its own, and a
 * node whose API server is not seen is nowhere.
 */
export function controlPlaneAt(node: ObservedNode, version: string): boolean {
  const components = Object.entries(node.staticPods).filter(([component]) => component.startsWith('kube-'));
  return API_SERVER in node.staticPods && components.every(([, pod]) => sameRelease(pod.version, version));
}
