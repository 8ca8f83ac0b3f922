import { BEFORE, count, named, type Check, type Found } from '../check.js';
import { aboutWorkload, byWorkload } from '../disruption.js';
import { isoMinute } from '@wavegate/fleet';
import type { PodPicture } from '../picture.js';

/** Beyond its grace period: a kubelet that works needs seconds. */
const STUCK_MS = 300_000;

/** What is already not well, and would be taken for the upgrade's doing afterwards. */
export const stuckObjects: Check = {
  id: 'stuck-objects',
  phases: BEFORE,
  needs: ['pods', 'namespaces'],
  codes: [
    {
      code: 'pod_crash_looping',
      title: 'Pods are crash-looping already',
      meaning: 'They were so before the upgrade; under a budget they may block a drain for good.',
      remedy: 'Mend or scale down the workload first.',
    },
    {
      code: 'pod_stuck_terminating',
      title: 'A pod does not end',
      meaning:
        'It has been terminating for five minutes beyond its grace period: a finalizer, or a kubelet that does not answer. A drain would wait for it.',
      remedy: 'Find out who owns the finalizer; mend the node.',
    },
    {
      code: 'namespace_terminating',
      title: 'A namespace is being deleted',
      meaning: 'Evictions in it are answered 403; its controller removes the pods when what it waits for is gone.',
      remedy: 'See what it waits for: `kubectl get namespace … -o jsonpath={.status.conditions}`.',
    },
  ],
  run({ pods, namespaces }, { at }) {
    const looping = byWorkload(pods.filter(({ crashLooping }) => crashLooping)).map(loopFinding);
    const stuck = pods.filter(({ terminatingSince }) => terminatingSince > 0 && at - terminatingSince > STUCK_MS);
    const leaving = namespaces
      .filter(({ terminating }) => terminating)
      .map(({ name }): Found => {
        const remedy = 'see what it waits for in its status.conditions';
        return { code: 'namespace_terminating', object: name, message: `namespace ${name} is being deleted`, remedy };
      });
    return [...looping, ...stuck.map(stuckFinding), ...leaving];
  },
};

function loopFinding(pods: readonly PodPicture[]): Found {
  const about = aboutWorkload(pods);
  const restarts = pods.reduce((sum, one) => sum + one.restarts, 0);
  const message = `${count(pods.length, 'pod')} of ${about.object} crash-looping on ${named(about.nodes)} (${count(restarts, 'restart')})`;
  const remedy = 'mend it first, or it will be taken for the upgrade’s doing';
  return { ...about, code: 'pod_crash_looping', message, remedy };
}

function stuckFinding(pod: PodPicture): Found {
  const why = pod.finalizers.length > 0 ? `finalizers ${pod.finalizers.join(', ')}` : 'no finalizer: its kubelet';
  const message = `${pod.namespace}/${pod.name} should have ended ${isoMinute(pod.terminatingSince)} (${why})`;
  const remedy = 'find out who owns the finalizer, or mend the node';
  const object = `${pod.namespace}/${pod.name}`;
  return {
    code: 'pod_stuck_terminating',
    object,
    message,
    remedy,
    owner: pod.owner,
    nodes: [pod.node].filter(Boolean),
  };
}
