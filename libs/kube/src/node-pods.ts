import { ListWatch, Watch, type V1Pod } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';

/**
 * The pods of one node, kept by one list and one watch: waiting for a hundred pods costs no request per pod.
 * `changed` resolves at the next change (or error: then the caller looks again and the watch has re-listed).
 */
export interface NodePods {
  has(uid: string): boolean;
  changed(): Promise<void>;
  stop(): Promise<void>;
}

export async function watchNodePods(kube: KubeAccess, node: string): Promise<NodePods> {
  const fieldSelector = `spec.nodeName=${node}`;
  const uids = new Set<string>();
  let ring: (() => void)[] = [];
  const wake = (): void => {
    const waiting = ring;
    ring = [];
    for (const resolve of waiting) resolve();
  };
  const list = async () => {
    const pods = await kube.core.listPodForAllNamespaces({ fieldSelector });
    uids.clear();
    for (const pod of pods.items) uids.add(uidOf(pod));
    return pods;
  };
  const informer = new ListWatch<V1Pod>('/api/v1/pods', new Watch(kube.config), list, false, undefined, fieldSelector);
  informer.on('add', (pod) => void (uids.add(uidOf(pod)), wake()));
  informer.on('delete', (pod) => void (uids.delete(uidOf(pod)), wake()));
  informer.on('update', wake);
  informer.on('error', () => {
    wake();
    // The informer gives up after an error that is not a plain end of stream; the API server may be restarting.
    setTimeout(() => void informer.start().catch(wake), 1000).unref();
  });
  await informer.start();
  return {
    has: (uid) => uids.has(uid),
    changed: () => new Promise((resolve) => ring.push(resolve)),
    stop: async () => {
      wake();
      await informer.stop();
    },
  };
}

export function uidOf(pod: V1Pod): string {
  return pod.metadata?.uid ?? '';
}

/** Pods of the node right now. */
export async function listNodePods(kube: KubeAccess, node: string): Promise<readonly V1Pod[]> {
  const pods: V1Pod[] = [];
  let _continue: string | undefined;
  do {
    const page = await kube.core.listPodForAllNamespaces({
      fieldSelector: `spec.nodeName=${node}`,
      limit: 500,
      _continue,
    });
    pods.push(...page.items);
    _continue = page.metadata?._continue;
  } while (_continue);
  return pods;
}
