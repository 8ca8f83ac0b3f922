import { BEFORE, count, named, type Check, type Found } from '../check.js';
import { byWorkload, Disruption, nodesOf, workloadId } from '../disruption.js';
import type { PodPicture } from '../picture.js';

/** Pods whose eviction loses something for good. With the plan's consent it is information. */
export const podLosses: Check = {
  id: 'pod-losses',
  phases: BEFORE,
  needs: ['pods'],
  codes: [
    {
      code: 'pod_with_local_data',
      title: 'Pods keep data in an emptyDir',
      meaning:
        'Evicting the pod deletes what lies in its emptyDir volumes (also those in memory). A drain does so only with consent; without any, it refuses the pod and cannot end.',
      remedy:
        'Consent in the plan with `drain.deleteEmptyDir.namespaces` (or `.owners`), or move the data to a volume that stays.',
    },
    {
      code: 'pod_without_controller',
      title: 'Pods without a controller',
      meaning: 'Nothing would make the pod again after it was evicted.',
      remedy: 'Consent in the plan with `drain.evictUnmanaged.namespaces`, or put the pod under a Deployment or Job.',
    },
  ],
  run(picture) {
    const { evictable } = new Disruption(picture);
    const losing = evictable.filter(({ loss }) => loss !== null);
    return [...Map.groupBy(losing, ({ loss, fate }) => `${loss} ${fate.kind}`).values()].flatMap((alike) =>
      byWorkload(alike).flatMap(lossFinding),
    );
  },
};

const LOSSES = {
  emptyDir: {
    code: 'pod_with_local_data',
    policy: 'drain.deleteEmptyDir',
    mend: 'move the data',
    says: (pods: number, object: string) =>
      `${count(pods, 'pod')} of ${object} with data in an emptyDir: the drain deletes it`,
  },
  unmanaged: {
    code: 'pod_without_controller',
    policy: 'drain.evictUnmanaged',
    mend: 'give it a controller',
    says: (_pods: number, object: string) => `${object} has no controller: evicted, nothing makes it again`,
  },
} as const;

function lossFinding(pods: readonly PodPicture[]): Found[] {
  const [pod] = pods;
  if (!pod?.loss) return [];
  const { code, policy, mend, says } = LOSSES[pod.loss];
  const { namespace, owner } = pod;
  const nodes = nodesOf(pods);
  const object = workloadId(pod);
  const what = `${says(pods.length, object)} (on ${named(nodes)})`;
  if (pod.fate.kind === 'evict') {
    const remedy = `nothing: ${policy} names it`;
    return [
      { code, severity: 'info', object, message: `${what}; the plan consents`, remedy, owner, nodes, meets: pods },
    ];
  }
  const remedy = `consent with ${policy}.namespaces: [${namespace}], or ${mend}`;
  return [{ code, object, message: what, remedy, owner, nodes, meets: pods }];
}
