import type { V1Pod } from '@kubernetes/client-node';
import { reason, type Reason } from '@wavegate/fleet';
import type { EvictionAnswer } from './eviction.js';
import type { KubeAccess } from './kube-access.js';
import { uidOf } from './node-pods.js';
import { controllerOf, podName } from './pod-filter.js';

/** Who blocks a drain right now, since when, and for whom a person should ask. The screens show the one blocked longest. */
export class DrainAccount {
  private readonly blocked = new Map<string, Reason>();

  constructor(
    private readonly kube: KubeAccess,
    private readonly drain: { readonly node: string; readonly report: (why: Reason) => void },
    private readonly deadline: number,
  ) {}

  tell(): void {
    const longest = [...this.blocked.values()].sort((a, b) => Number(a.params.since) - Number(b.params.since))[0];
    this.drain.report(longest ?? reason('draining', { node: this.drain.node }));
  }

  /** The pod was refused at `at`. */
  async note(pod: V1Pod, answer: EvictionAnswer, at: number): Promise<void> {
    if (answer.kind === 'unanswered') return this.drain.report(reason('api_unreachable', { since: at }));
    const known = this.blocked.get(uidOf(pod));
    const owner = known ? String(known.params.owner) : await this.ownerOf(pod);
    this.blocked.set(
      uidOf(pod),
      reason('drain_blocked', {
        node: this.drain.node,
        pod: podName(pod),
        pdb: answer.kind === 'blocked' ? answer.pdb : 'namespace terminating',
        owner,
        since: Number(known?.params.since ?? at),
        until: this.deadline,
      }),
    );
    this.tell();
  }

  /** The pod blocks no longer. */
  settle(pod: V1Pod): void {
    if (this.blocked.delete(uidOf(pod))) this.tell();
  }

  timedOut(pod: V1Pod): Reason {
    const pdb = String(this.blocked.get(uidOf(pod))?.params.pdb ?? '');
    return reason('drain_timed_out', { node: this.drain.node, pod: podName(pod), pdb });
  }

  /** "Deployment/web": the workload a person knows, not the ReplicaSet between. */
  private async ownerOf(pod: V1Pod): Promise<string> {
    const controller = controllerOf(pod);
    if (!controller) return '';
    if (controller.kind !== 'ReplicaSet') return `${controller.kind}/${controller.name}`;
    try {
      const set = await this.kube.apps.readNamespacedReplicaSet({
        name: controller.name,
        namespace: pod.metadata?.namespace ?? '',
      });
      const above = set.metadata?.ownerReferences?.find((reference) => reference.controller === true);
      if (above) return `${above.kind}/${above.name}`;
    } catch {
      // The name of a screen's cell is not worth a drain: the ReplicaSet's own name is told instead.
    }
    return `ReplicaSet/${controller.name}`;
  }
}
