import type { V1Node } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';
import { isConflict } from './kube-error.js';

/** Carries the order's id on nodes that *we* cordoned: only those are ever uncordoned by us. */
export const CORDON_ANNOTATION = 'wavegate.dev/cordoned-by';

const TRIES = 5;

/**
 * Cordons the node in the order's name. A node that somebody else cordoned stays theirs: true only when it is ours.
 * A cordon of an earlier order (a half-upgraded node, tried again) passes to this one: one order runs at a time.
 */
export async function cordonNode(kube: KubeAccess, name: string, orderId: string): Promise<boolean> {
  return changeNode(kube, name, (node) => {
    const owner = node.metadata?.annotations?.[CORDON_ANNOTATION];
    const closed = node.spec?.unschedulable === true;
    if (closed && (!owner || owner === orderId)) return { result: owner === orderId, patch: null };
    return {
      result: true,
      patch: { metadata: { annotations: { [CORDON_ANNOTATION]: orderId } }, spec: { unschedulable: true } },
    };
  });
}

/** Lifts a cordon of this order and nobody else's. True when the node is schedulable afterwards. */
export async function uncordonNode(kube: KubeAccess, name: string, orderId: string): Promise<boolean> {
  return changeNode(kube, name, (node) => {
    const owner = node.metadata?.annotations?.[CORDON_ANNOTATION];
    if (owner !== orderId) return { result: node.spec?.unschedulable !== true, patch: null };
    // A null spec field would be refused by validation of older servers: false is what kubectl leaves too.
    return {
      result: true,
      patch: { metadata: { annotations: { [CORDON_ANNOTATION]: null } }, spec: { unschedulable: false } },
    };
  });
}

interface Change {
  readonly result: boolean;
  readonly patch: { readonly metadata: object; readonly spec: object } | null;
}

/**
 * Reads, decides and patches under the read resourceVersion: between a read and a blind patch, a person may have
 * cordoned the node, and we would take their cordon for ours.
 */
async function changeNode(kube: KubeAccess, name: string, decide: (node: V1Node) => Change): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const node = await kube.core.readNode({ name });
    const { result, patch } = decide(node);
    if (!patch) return result;
    const metadata = { ...patch.metadata, resourceVersion: node.metadata?.resourceVersion };
    try {
      await kube.core.patchNode({ name, body: { ...patch, metadata } }, kube.mergePatch);
      return result;
    } catch (error) {
      if (!isConflict(error) || attempt === TRIES) throw error;
    }
  }
}
