import { compareVersions, parseVersion } from '@wavegate/fleet';
import { AFTER, count, isBlind, named, type Check, type Found } from '../check.js';
import { nodesOf, workloadId } from '../disruption.js';
import { tagOf } from '../pod-picture.js';
import type { ClusterPicture } from '../picture.js';
import { crashLoopsOf, type PictureSummary } from '../summary.js';

const DNS = 'kube-system/kube-dns';

/** Whether the upgrade did what it was to do, and left the rest as it was. */
export const afterUpgrade: Check = {
  id: 'after-upgrade',
  phases: AFTER,
  needs: ['nodes', 'pods'],
  wants: { workloads: ['workload_below_before', 'workload_gone'], endpoints: ['dns_not_answering'] },
  codes: [
    {
      code: 'version_not_reached',
      title: 'A component is not at the target version',
      meaning:
        'An API server, controller manager, scheduler, kube-proxy or kubelet still reports another version than the target.',
      remedy: 'Look at that node: its step did not happen or was taken back. Run the upgrade again, it goes on there.',
    },
    {
      code: 'workload_below_before',
      title: 'A workload has fewer ready pods than before',
      meaning:
        'Compared with the picture taken before the upgrade, and with what the workload asks for now (scaled down on purpose is no finding).',
      remedy: 'Look at its pods and events; Pending ones name what they miss.',
    },
    {
      code: 'workload_gone',
      title: 'A workload of before is gone',
      meaning: 'It had ready pods before and does not exist any more. Somebody may have deleted it meanwhile.',
      remedy: 'Ask its owner.',
    },
    {
      code: 'crash_loop_since_upgrade',
      title: 'Pods crash-loop that did not before',
      meaning: 'Pods of the workload are in CrashLoopBackOff, and none was when the upgrade began.',
      remedy: 'Read the log of the last run: `kubectl logs --previous`.',
    },
    {
      code: 'dns_not_answering',
      title: 'Cluster DNS does not answer',
      meaning:
        'The Service kube-system/kube-dns has no ready endpoint; or the agent, from its own pod, asked the address that kubelets give to pods (`clusterDNS` of kubelet-config) for kubernetes.default.svc and was told that it does not know it, or got an error. Where backends are ready and no answer came at all, it is only a warning: a NetworkPolicy may keep the agent from asking. A look from outside the cluster sends no query and judges by the EndpointSlices alone; `not_visible` then says so.',
      remedy:
        'Look at the CoreDNS pods (`kubectl -n kube-system get pods -l k8s-app=kube-dns`) and their log; then at kube-proxy on the node of the agent.',
    },
  ],
  run(picture, { target, before }) {
    return [
      ...versionFindings(picture, target),
      ...(before ? [...workloadFindings(picture, before), ...loopFindings(picture, before)] : []),
      ...dnsFindings(picture),
    ];
  },
};

function versionFindings(picture: ClusterPicture, target: string): Found[] {
  const seen = [
    ...picture.servers.map(({ at, version }) => ({ what: `the API server at ${at}`, version, node: '' })),
    ...picture.pods.flatMap(({ component, node }) =>
      component && component.name !== 'etcd'
        ? [{ what: `${component.name} on ${node}`, version: component.version, node }]
        : [],
    ),
    ...picture.nodes.map(({ name, kubelet }) => ({ what: `the kubelet of ${name}`, version: kubelet, node: name })),
    ...picture.pods
      .filter(({ namespace, workload }) => namespace === 'kube-system' && workload === 'DaemonSet/kube-proxy')
      .map(({ node, images }) => ({ what: `kube-proxy on ${node}`, version: tagOf(images[0] ?? ''), node })),
  ];
  return seen.flatMap(({ what, version, node }): Found[] => {
    if (parseVersion(version) !== null && compareVersions(version, target) === 0) return [];
    const message = `${what} is at ${version || 'no readable version'}, not at ${target}`;
    const remedy = 'run the upgrade again: it goes on there';
    return [{ code: 'version_not_reached', object: what, message, remedy, nodes: node ? [node] : [] }];
  });
}

function workloadFindings(picture: ClusterPicture, before: PictureSummary): Found[] {
  const { workloads } = picture;
  if (isBlind(picture, 'workloads')) return [];
  const now = new Map(workloads.map((one) => [`${one.kind} ${one.namespace}/${one.name}`, one]));
  return Object.entries(before.ready).flatMap(([name, ready]): Found[] => {
    const workload = now.get(name);
    const object = name.slice(name.indexOf(' ') + 1);
    if (!workload) {
      const message = `${name} had ${count(ready, 'ready pod')} before and is gone`;
      return [{ code: 'workload_gone', object, message, remedy: 'ask its owner' }];
    }
    // A workload that was scaled down since asks for less: that is not ours to judge.
    if (workload.ready >= Math.min(ready, workload.desired)) return [];
    const message = `${name} has ${workload.ready} of ${workload.desired} pods ready, and had ${ready} before`;
    const remedy = 'look at its pods and events';
    return [{ code: 'workload_below_before', object, message, remedy, owner: workload.owner }];
  });
}

function loopFindings(picture: ClusterPicture, before: PictureSummary): Found[] {
  const fresh = crashLoopsOf(picture).filter((name) => !before.crashLooping.includes(name));
  return fresh.map((name) => {
    const pods = picture.pods.filter(
      ({ crashLooping, namespace, workload }) => crashLooping && `${namespace}/${workload}` === name,
    );
    const object = pods[0] ? workloadId(pods[0]) : name;
    const message = `${count(pods.length, 'pod')} of ${object} crash-looping on ${named(nodesOf(pods))}, and none did before`;
    const remedy = 'read kubectl logs --previous';
    return {
      code: 'crash_loop_since_upgrade',
      object,
      message,
      remedy,
      owner: pods[0]?.owner ?? '',
      nodes: nodesOf(pods),
    };
  });
}

/** A cluster without that Service has its DNS elsewhere: nothing to say. */
function dnsFindings({ endpoints, dns: asked }: ClusterPicture): Found[] {
  const dns = endpoints.get(DNS);
  const of = { code: 'dns_not_answering', object: DNS } as const;
  if (dns && !dns.some(({ ready }) => ready)) {
    const message = `${DNS} has ${count(dns.length, 'endpoint')} and none is ready: names are not resolved`;
    return [{ ...of, message, remedy: 'look at the CoreDNS pods' }];
  }
  if (!asked || asked.answer === 'known') return [];
  const { server, name, why } = asked;
  if (asked.answer === 'wrong') {
    const message = `the cluster's DNS at ${server}, asked for ${name}, answers ${why}`;
    return [{ ...of, message, remedy: 'read the log of the CoreDNS pods' }];
  }
  const message = `the cluster's DNS at ${server}, asked for ${name}, did not answer (${why})`;
  const remedy =
    "look at the CoreDNS pods, at kube-proxy on the agent's node, and whether a NetworkPolicy keeps it from asking";
  return [{ ...of, severity: 'warn', message, remedy }];
}
