import type { V1Pod } from '@kubernetes/client-node';
import type { KubeAccess } from '../kube-access.js';
import { controllerOf } from './pod-filter.js';

/** Kind and name of the workload that a person knows, not of the ReplicaSet between. */
export interface WorkloadOwner {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** "Deployment/web", as reasons name it; '' without one. */
export const shortOwner = (owner: WorkloadOwner | null): string => (owner ? `${owner.kind}/${owner.name}` : '');

/** "Deployment shop/web", as lists over namespaces name it; '' without one. */
export const longOwner = (owner: WorkloadOwner | null): string =>
  owner ? `${owner.kind} ${owner.namespace ? `${owner.namespace}/` : ''}${owner.name}` : '';

/** What the pod says about it by itself: a Deployment's name is that of its ReplicaSet without the template's hash. */
export function ownerAtSight(pod: V1Pod): WorkloadOwner | null {
  const controller = controllerOf(pod);
  if (!controller) return null;
  const { namespace = '', labels = {} } = pod.metadata ?? {};
  const tail = `-${labels['pod-template-hash'] ?? ''}`;
  const isDeployment = controller.kind === 'ReplicaSet' && tail !== '-' && controller.name.endsWith(tail);
  if (!isDeployment) return { ...controller, namespace };
  return { kind: 'Deployment', name: controller.name.slice(0, -tail.length), namespace };
}

/** Asks for the owners of ReplicaSets, once each: a hundred blocked pods of one Deployment cost one request. */
export class WorkloadOwners {
  private readonly known = new Map<string, Promise<WorkloadOwner | null>>();

  constructor(private readonly kube: KubeAccess) {}

  of(pod: V1Pod): Promise<WorkloadOwner | null> {
    const controller = controllerOf(pod);
    if (controller?.kind !== 'ReplicaSet') return Promise.resolve(ownerAtSight(pod));
    const namespace = pod.metadata?.namespace ?? '';
    const key = `${namespace}/${controller.name}`;
    const asked = this.known.get(key) ?? this.ask(pod, controller.name, namespace);
    this.known.set(key, asked);
    return asked;
  }

  private async ask(pod: V1Pod, name: string, namespace: string): Promise<WorkloadOwner | null> {
    try {
      const set = await this.kube.apps.readNamespacedReplicaSet({ name, namespace });
      const above = set.metadata?.ownerReferences?.find((reference) => reference.controller === true);
      return above ? { kind: above.kind, name: above.name, namespace } : { kind: 'ReplicaSet', name, namespace };
    } catch {
      // The name of a screen's cell is not worth a drain: what the pod says by itself is told instead.
      return ownerAtSight(pod);
    }
  }
}
