import type { V1Pod } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { SteadyInformer } from '../steady-informer.js';

/**
 * The pods of one node, kept by one list and one watch: waiting for a hundred pods costs no request per pod. A pod is
 * its UID: a StatefulSet's next pod of the same name is another one.
 */
export class NodePods {
  private readonly here = new Map<string, V1Pod>();
  private readonly left = new Set<string>();
  private readonly waiting = new Map<string, Set<() => void>>();
  private readonly informer: SteadyInformer<V1Pod>;
  private asking: Promise<unknown> | null = null;
  private listedAt = -Infinity;
  private first: readonly V1Pod[] | null = null;

  constructor(
    private readonly kube: KubeAccess,
    private readonly node: string,
    /** Any pod has changed: its finalizers, its deletion, its end. */
    private readonly changed: () => void = () => {},
  ) {
    const fieldSelector = `spec.nodeName=${node}`;
    this.informer = new SteadyInformer<V1Pod>({
      kube,
      path: '/api/v1/pods',
      list: () => this.list(),
      fieldSelector,
      seen: (pod, how) => {
        if (how === 'delete') this.forget(uidOf(pod));
        else this.expect(pod);
        this.changed();
      },
    });
  }

  start(): Promise<void> {
    return this.informer.start();
  }

  /** What stood on the node when the watch began; asked for now where that failed. */
  async firstList(): Promise<readonly V1Pod[]> {
    return this.first ?? (await this.list()).items;
  }

  /** Whether the pod is still on the node, as far as is known. */
  has(uid: string): boolean {
    return this.here.has(uid);
  }

  /** The pod as it was last seen; null once it is gone. */
  get(uid: string): V1Pod | null {
    return this.here.get(uid) ?? null;
  }

  /** A pod that a list has shown: the watch may not have got to it yet, and "never heard of" is not "gone". */
  expect(pod: V1Pod): void {
    if (!this.left.has(uidOf(pod))) this.here.set(uidOf(pod), pod);
  }

  /** The pod is gone: the watch, a list or the API server itself said so. */
  forget(uid: string): void {
    this.here.delete(uid);
    this.left.add(uid);
    const acts = [...(this.waiting.get(uid) ?? [])];
    this.waiting.delete(uid);
    for (const act of acts) act();
  }

  /** Calls once when the pod is gone. Returns a function that stops it. */
  onGone(uid: string, act: () => void): () => void {
    const acts = this.waiting.get(uid) ?? new Set();
    this.waiting.set(uid, acts.add(act));
    return () => acts.delete(act);
  }

  /** Looks again, once for all who ask at about the same time, and not more often than each `leastMs`. Throws nothing. */
  async askAgain(now: number, leastMs: number): Promise<void> {
    if (!this.asking && now - this.listedAt < leastMs) return;
    this.listedAt = now;
    // No answer is no news: whoever waits goes on waiting.
    this.asking ??= this.list().catch(() => null);
    await this.asking;
    this.asking = null;
  }

  async stop(): Promise<void> {
    await this.informer.stop();
  }

  /** Asks the API server itself: what a watch has lost is found here. */
  async list() {
    const pods: V1Pod[] = [];
    // A pod that the watch brings while this list is on its way is not missing from it.
    const before = [...this.here.keys()];
    const leftBefore = new Set(this.left);
    const { metadata } = await eachPod(this.kube, { fieldSelector: `spec.nodeName=${this.node}` }, (pod) => {
      pods.push(pod);
    });
    const listed = new Set(pods.map(uidOf));
    for (const uid of before) if (!listed.has(uid)) this.forget(uid);
    // Asked for after it was called gone, and there: an answer about it was misread, or it was a proxy's own.
    for (const uid of listed) if (leftBefore.has(uid)) this.left.delete(uid);
    pods.forEach((pod) => this.expect(pod));
    this.first ??= pods;
    this.changed();
    return { apiVersion: 'v1', kind: 'PodList', metadata, items: pods };
  }
}

export function uidOf(pod: V1Pod): string {
  return pod.metadata?.uid ?? '';
}

const PAGE = 500;

/** Pods of the node right now, page by page. */
export async function listNodePods(kube: KubeAccess, node: string): Promise<readonly V1Pod[]> {
  const pods: V1Pod[] = [];
  await eachPod(kube, { fieldSelector: `spec.nodeName=${node}` }, (pod) => void pods.push(pod));
  return pods;
}

/** Looks at every pod of the cluster without ever holding more than a page of them. Answers the list's own version. */
export async function eachPod(
  kube: KubeAccess,
  of: { readonly fieldSelector?: string },
  look: (pod: V1Pod) => void,
): Promise<{ readonly metadata: { readonly resourceVersion?: string } }> {
  let _continue: string | undefined;
  let resourceVersion: string | undefined;
  do {
    const page = await kube.core.listPodForAllNamespaces({ ...of, limit: PAGE, _continue });
    page.items.forEach(look);
    resourceVersion ??= page.metadata?.resourceVersion;
    _continue = page.metadata?._continue || undefined;
  } while (_continue);
  return { metadata: resourceVersion === undefined ? {} : { resourceVersion } };
}
