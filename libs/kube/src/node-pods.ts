import type { V1Pod } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';
import { SteadyInformer } from './steady-informer.js';

/**
 * The pods of one node, kept by one list and one watch: waiting for a hundred pods costs no request per pod. A pod is
 * its UID: a StatefulSet's next pod of the same name is another one.
 */
export class NodePods {
  private readonly here = new Set<string>();
  private readonly left = new Set<string>();
  private readonly listeners = new Set<() => void>();
  private readonly informer: SteadyInformer<V1Pod>;

  constructor(
    private readonly kube: KubeAccess,
    private readonly node: string,
  ) {
    const fieldSelector = `spec.nodeName=${node}`;
    this.informer = new SteadyInformer<V1Pod>({
      kube,
      path: '/api/v1/pods',
      list: () => this.relist(),
      fieldSelector,
      seen: (pod, how) => {
        if (how === 'delete') this.forget(uidOf(pod));
        else this.here.add(uidOf(pod));
        this.wake();
      },
      disturbed: () => this.wake(),
    });
  }

  start(): Promise<void> {
    return this.informer.start();
  }

  /** Whether the pod is still on the node, as far as is known. */
  has(uid: string): boolean {
    return this.here.has(uid);
  }

  /** A pod that a list has shown: the watch may not have got to it yet, and "never heard of" is not "gone". */
  expect(uid: string): void {
    if (!this.left.has(uid)) this.here.add(uid);
  }

  /** Somebody asked the API server itself: the pod is gone. */
  forget(uid: string): void {
    this.here.delete(uid);
    this.left.add(uid);
  }

  /** Calls at every change, and when the watch was disturbed: look again. Returns a function that stops it. */
  onChange(act: () => void): () => void {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  async stop(): Promise<void> {
    await this.informer.stop();
    this.wake();
  }

  private async relist() {
    const fieldSelector = `spec.nodeName=${this.node}`;
    const pods = await this.kube.core.listPodForAllNamespaces({ fieldSelector });
    const listed = new Set(pods.items.map(uidOf));
    for (const uid of this.here) if (!listed.has(uid)) this.forget(uid);
    for (const uid of listed) this.expect(uid);
    this.wake();
    return pods;
  }

  private wake(): void {
    for (const act of [...this.listeners]) act();
  }
}

export function uidOf(pod: V1Pod): string {
  return pod.metadata?.uid ?? '';
}

const PAGE = 250;

/** Pods of the node right now, page by page. */
export async function listNodePods(kube: KubeAccess, node: string): Promise<readonly V1Pod[]> {
  const pods: V1Pod[] = [];
  await eachPod(kube, { fieldSelector: `spec.nodeName=${node}` }, (pod) => void pods.push(pod));
  return pods;
}

/** Looks at every pod of the cluster without ever holding more than a page of them. */
export async function eachPod(
  kube: KubeAccess,
  of: { readonly fieldSelector?: string },
  look: (pod: V1Pod) => void,
): Promise<void> {
  let _continue: string | undefined;
  do {
    const page = await kube.core.listPodForAllNamespaces({ ...of, limit: PAGE, _continue });
    page.items.forEach(look);
    _continue = page.metadata?._continue || undefined;
  } while (_continue);
}
