import { BEFORE, count, named, type Check, type Found } from '../check.js';
import { aboutWorkload, byWorkload, Disruption, workloadId } from '../disruption.js';
import { Placement } from '../placement.js';
import type { ClusterPicture, PodPicture } from '../picture.js';

/** Whether what a drain evicts could run anywhere else. */
export const podPlacement: Check = {
  id: 'pod-placement',
  phases: BEFORE,
  needs: ['nodes', 'pods'],
  wants: { volumes: ['pod_on_local_volume'] },
  codes: [
    {
      code: 'pod_on_local_volume',
      title: 'A pod uses a volume of its node',
      meaning:
        'Its PersistentVolume lies on one node (local, hostPath or bound to a host name): evicted, the pod waits until that node is back.',
      remedy: 'Nothing, if it may be away for as long as the node takes; otherwise move the data first.',
    },
    {
      code: 'pod_tied_to_node',
      title: 'A pod can run on no other node',
      meaning:
        'Its node selector, its required node affinity or the taints of the other nodes leave no other open node: evicted, it stays Pending until its node is back.',
      remedy: 'Loosen the selector, tolerate another pool, or accept that it is away meanwhile.',
    },
    {
      code: 'pods_without_room',
      title: "A drained node's pods do not fit elsewhere",
      meaning:
        'A simulation of the scheduler over the open nodes (requests, taints, selectors, required node affinity, required anti-affinity per host) finds no room for some pods of the node: they would stay Pending, and a budget that waits for them holds the drain up.',
      remedy: 'Add a node for the length of the upgrade, lower requests, or scale something down.',
    },
  ],
  run(picture) {
    const { evictable } = new Disruption(picture);
    const placement = new Placement(picture);
    const local = evictable.filter((pod) => placement.tiedBy(pod) !== null);
    const others = evictable.filter((pod) => placement.tiedBy(pod) === null && pod.fate.kind === 'evict');
    const elsewhere = new Map<string, boolean>();
    const tied = others.filter((pod) => {
      const key = `${pod.node} ${pod.namespace}/${pod.workload}`;
      if (!elsewhere.has(key)) elsewhere.set(key, placement.nodesFor(pod).length > 0);
      return elsewhere.get(key) === false;
    });
    // With no other open node everything is tied: that is one finding of its own (nowhere_to_drain_to).
    const alone = picture.nodes.filter(({ ready, schedulable }) => ready && schedulable).length < 2;
    return [
      ...byWorkload(local).map((pods) => localFinding(pods, placement)),
      ...(alone ? [] : byWorkload(tied).map(tiedFinding)),
      ...(alone
        ? []
        : roomFindings(
            picture,
            placement,
            others.filter((pod) => !tied.includes(pod)),
          )),
    ];
  },
};

function localFinding(pods: readonly PodPicture[], placement: Placement): Found {
  const about = aboutWorkload(pods);
  const volumes = pods.map((one) => placement.tiedBy(one)?.name ?? '');
  const message = `${count(pods.length, 'pod')} of ${about.object} on ${named(about.nodes)} with a volume of that node (${named(volumes)}): away until the node is back`;
  const remedy = 'accept that, or move the data first';
  return { ...about, code: 'pod_on_local_volume', message, remedy };
}

function tiedFinding(pods: readonly PodPicture[]): Found {
  const about = aboutWorkload(pods);
  const message = `${count(pods.length, 'pod')} of ${about.object} on ${named(about.nodes)} can run on no other open node: Pending until it is back`;
  const remedy = 'loosen its node selector or affinity, tolerate another pool, or accept that';
  return { ...about, code: 'pod_tied_to_node', message, remedy };
}

function roomFindings(picture: ClusterPicture, placement: Placement, pods: readonly PodPicture[]): Found[] {
  const byNode = Map.groupBy(pods, ({ node }) => node);
  return picture.nodes.flatMap(({ name }): Found[] => {
    const here = byNode.get(name) ?? [];
    const left = placement.withoutRoom(name, here);
    if (left.length === 0) return [];
    const message = `${left.length} of ${count(here.length, 'pod')} of ${name} would find no room on the other nodes: ${named(left.map(workloadId))}`;
    const remedy = 'add a node for the length of the upgrade, or scale something down';
    return [{ code: 'pods_without_room', object: name, message, remedy, nodes: [name], meets: left }];
  });
}
