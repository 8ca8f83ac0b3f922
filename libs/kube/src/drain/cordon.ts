import type { V1Node } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { isConflict, isGone } from '../kube-error.js';
import { closedSince } from './toleration.js';

/** Carries the order's id on nodes that *we* cordoned: only those are ever uncordoned by us. */
export const CORDON_ANNOTATION = 'wavegate.dev/cordoned-by';
/** The Cluster Autoscaler leaves a node alone that carries it: nobody takes away what is being worked on. */
export const SCALE_DOWN_ANNOTATION = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
/** The order that set the annotation above; without it the annotation is somebody else's. */
export const SCALE_DOWN_BY_ANNOTATION = 'wavegate.dev/scale-down-disabled-by';
/** What stood there before, where something did: it comes back. */
export const SCALE_DOWN_BEFORE_ANNOTATION = 'wavegate.dev/scale-down-before';

const TRIES = 5;

export interface Cordon {
  /** The cordon is this order's; false where somebody else had closed the node before. */
  readonly ours: boolean;
  /** This call closed it. */
  readonly made: boolean;
  readonly uid: string;
  /** Since when it was closed already, epoch ms; null where it was open. */
  readonly closedAt: number | null;
}

/** The node of that name is not the one that was meant. */
export class OtherNode extends Error {
  override readonly name = 'OtherNode';

  constructor(readonly found: string) {
    super(`the node is another object now: ${found}`);
  }
}

/**
 * Cordons the node in the order's name. A node that somebody else cordoned stays theirs. A cordon of an earlier order
 * (a half-upgraded node, tried again) passes to this one: one order runs at a time. Throws OtherNode where `uid` names
 * another object.
 */
export async function cordonNode(kube: KubeAccess, name: string, orderId: string, uid = ''): Promise<Cordon> {
  return changeNode<Cordon>(kube, name, (node) => {
    const { annotations = {}, uid: found = '' } = node.metadata ?? {};
    if (uid !== '' && found !== uid) throw new OtherNode(found);
    const marks = scaleDownMarks(annotations, orderId);
    const owner = annotations[CORDON_ANNOTATION] ?? '';
    const stands = isClosed(node) && (owner === '' || owner === orderId);
    const closedAt = closedSince(node);
    if (stands)
      return { result: { ours: owner === orderId, made: false, uid: found, closedAt }, patch: patchOf(marks) };
    const patch = {
      metadata: { annotations: { [CORDON_ANNOTATION]: orderId, ...marks } },
      spec: { unschedulable: true },
    };
    return { result: { ours: true, made: true, uid: found, closedAt }, patch };
  });
}

/** Lifts a cordon of this order and nobody else's, and our other marks. True when the node is schedulable afterwards. */
export async function uncordonNode(kube: KubeAccess, name: string, orderId: string): Promise<boolean> {
  return changeNode(kube, name, (node) => {
    const { annotations = {} } = node.metadata ?? {};
    const marks = scaleDownUnmarks(annotations, orderId);
    if (annotations[CORDON_ANNOTATION] !== orderId) {
      return { result: !isClosed(node), patch: patchOf(marks) };
    }
    // A null spec field would be refused by validation of older servers: false is what kubectl leaves too.
    const patch = {
      metadata: { annotations: { [CORDON_ANNOTATION]: null, ...marks } },
      spec: { unschedulable: false },
    };
    return { result: true, patch };
  });
}

/** Takes this order's marks for the Cluster Autoscaler off every node, also those whose cordon stays or was never ours. */
export async function clearScaleDownMarks(kube: KubeAccess, orderId: string): Promise<void> {
  const nodes = (await kube.core.listNode()).items;
  const marked = nodes.filter(({ metadata }) => metadata?.annotations?.[SCALE_DOWN_BY_ANNOTATION] === orderId);
  for (const { metadata } of marked) {
    const unmark = ({ metadata: now }: V1Node): Change<void> => ({
      result: undefined,
      patch: patchOf(scaleDownUnmarks(now?.annotations ?? {}, orderId)),
    });
    await changeNode(kube, metadata?.name ?? '', unmark).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }
}

const isClosed = ({ spec }: V1Node): boolean => spec?.unschedulable === true;

type Marks = Readonly<Record<string, string | null>>;

/** Nothing where scale-down is disabled already, by whomever. */
function scaleDownMarks(annotations: Readonly<Record<string, string>>, orderId: string): Marks {
  const before = annotations[SCALE_DOWN_ANNOTATION];
  const by = annotations[SCALE_DOWN_BY_ANNOTATION];
  if (by !== undefined) return by === orderId ? {} : { [SCALE_DOWN_BY_ANNOTATION]: orderId };
  if (before === 'true') return {};
  return {
    [SCALE_DOWN_ANNOTATION]: 'true',
    [SCALE_DOWN_BY_ANNOTATION]: orderId,
    ...(before === undefined ? {} : { [SCALE_DOWN_BEFORE_ANNOTATION]: before }),
  };
}

function scaleDownUnmarks(annotations: Readonly<Record<string, string>>, orderId: string): Marks {
  if (annotations[SCALE_DOWN_BY_ANNOTATION] !== orderId) return {};
  const marks = { [SCALE_DOWN_BY_ANNOTATION]: null, [SCALE_DOWN_BEFORE_ANNOTATION]: null };
  // Somebody has said otherwise meanwhile: their word stays.
  if (annotations[SCALE_DOWN_ANNOTATION] !== 'true') return marks;
  return { ...marks, [SCALE_DOWN_ANNOTATION]: annotations[SCALE_DOWN_BEFORE_ANNOTATION] ?? null };
}

const patchOf = (marks: Marks): NodePatch | null =>
  Object.keys(marks).length === 0 ? null : { metadata: { annotations: marks } };

interface NodePatch {
  readonly metadata: { readonly annotations: Marks };
  readonly spec?: { readonly unschedulable: boolean };
}

interface Change<T> {
  readonly result: T;
  readonly patch: NodePatch | null;
}

/**
 * Reads, decides and patches under the read resourceVersion: between a read and a blind patch, a person may have
 * cordoned the node, and we would take their cordon for ours.
 */
async function changeNode<T>(kube: KubeAccess, name: string, decide: (node: V1Node) => Change<T>): Promise<T> {
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
