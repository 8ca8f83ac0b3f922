import { BEFORE, type Check, type Found } from '../check.js';
import { Disruption, nodesOf } from '../disruption.js';
import { isOwnAgent } from '../own-agent.js';

/** Workloads that are away while their only pod moves. */
export const singleReplicas: Check = {
  id: 'single-replicas',
  phases: BEFORE,
  needs: ['pods', 'workloads'],
  codes: [
    {
      code: 'single_replica',
      title: 'A workload runs one replica',
      meaning:
        'While its node is drained the workload is away, from the eviction until its next pod is ready. The agent itself, which runs once by design, is not meant.',
      remedy: 'Run a second replica (with a budget of maxUnavailable 1), or tell its users.',
    },
  ],
  run(picture, { self }) {
    const { evictable } = new Disruption(picture);
    const pods = Map.groupBy(evictable, ({ namespace, workload }) => `${namespace}/${workload}`);
    return picture.workloads
      .filter(({ kind, desired }) => kind !== 'DaemonSet' && desired === 1)
      .flatMap(({ kind, namespace, name, owner }): Found[] => {
        const its = pods.get(`${namespace}/${kind}/${name}`) ?? [];
        if (its.length === 0 || its.every((pod) => isOwnAgent(pod, self))) return [];
        const nodes = nodesOf(its);
        const message = `${kind} ${namespace}/${name} has one replica (on ${nodes.join(', ')}): it is away while it moves`;
        const remedy = 'run a second replica, or tell its users';
        return [{ code: 'single_replica', object: `${namespace}/${name}`, message, remedy, owner, nodes, meets: its }];
      });
  },
};
