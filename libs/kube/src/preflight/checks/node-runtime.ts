import { isReached, parseVersion } from '@wavegate/fleet';
import { BEFORE, named, type Check, type Found } from '../check.js';
import type { NodePicture } from '../picture.js';

/**
 * containerd 1.x lacks the RuntimeConfig call of CRI; the kubelet's fallback for it was to end with 1.36, was put off to
 * 1.37 (kubernetes#136846) and then to 1.38 (kubernetes#139121, KEP-4033, May 2026). Read on 2026-11-21.
 */
const CONTAINERD_1_ENDS = '1.38';
/** A kubelet refuses a host with cgroup v1 unless failCgroupV1 is false (KEP-5573). */
const CGROUP_V1_FAILS = '1.35';
/** Distributions that start with cgroup v1 unless told otherwise. */
const CGROUP_V1_SYSTEMS =
  /^(CentOS Linux (7|8)|Red Hat Enterprise Linux.* (7|8)\b|Rocky Linux 8|AlmaLinux 8|Oracle Linux.* (7|8)\b|Amazon Linux 2$|Debian GNU\/Linux (8|9|10)\b|Ubuntu (16|18|20)\.04|SUSE Linux Enterprise Server (12|15)( SP[1-3])?$)/;

/** What a kubelet of the target asks of its node. */
export const nodeRuntime: Check = {
  id: 'node-runtime',
  phases: BEFORE,
  needs: ['nodes'],
  // Without kubelet-config a consent to cgroup v1 cannot be seen: the finding is then given to be looked at.
  wants: { kubeadm: ['cgroup_v1_likely'] },
  codes: [
    {
      code: 'container_runtime_too_old',
      title: 'The container runtime is too old for the target',
      meaning:
        'From 1.38 on a kubelet needs a runtime that answers the RuntimeConfig call of CRI: containerd 2.0 or newer. It would not start with containerd 1.x. Docker (dockershim) ended with 1.24.',
      remedy: 'Move the nodes to containerd 2 first, pool by pool.',
    },
    {
      code: 'container_runtime_old',
      title: 'The container runtime has no future',
      meaning:
        'containerd 1.x still works with the target, but its own support has ended (1.6 in August 2025, 1.7 in September 2026), and kubelets from 1.38 on refuse it.',
      remedy: 'Plan the move to containerd 2 before the upgrade to 1.38.',
    },
    {
      code: 'cgroup_v1_likely',
      title: 'Nodes run cgroup v1, or probably do',
      meaning:
        'Kubelets from 1.35 on refuse to start on a host with cgroup v1. Where a node Job looked at the host, its own word counts and blocks. The API does not show the cgroup version: a look without Jobs, or at a host that did not tell, concludes from the name of its operating system, which starts with cgroup v1 unless it was told otherwise, and warns.',
      remedy:
        'Look on the node: `stat -fc %T /sys/fs/cgroup` says cgroup2fs for v2. Move to v2, or set `failCgroupV1: false` in the kubelet-config ConfigMap for now.',
    },
  ],
  run({ nodes, kubeadm }, { target, hostFacts = [] }) {
    const old = nodes.filter(({ runtime }) => isContainerdOne(runtime) || runtime.startsWith('docker://'));
    const refused = old.filter(
      ({ runtime }) => runtime.startsWith('docker://') || isReached(CONTAINERD_1_ENDS, target),
    );
    const tolerated = old.filter((node) => !refused.includes(node));
    const consented = kubeadm.kubelet?.failCgroupV1 === false;
    const told = new Map(hostFacts.map(({ node, cgroup }) => [node, cgroup]));
    const asked = isReached(CGROUP_V1_FAILS, target) && !consented ? nodes : [];
    const likely = asked.filter(({ name, osImage }) => !told.get(name) && CGROUP_V1_SYSTEMS.test(osImage));
    const certain = asked.filter(({ name }) => told.get(name) === 'v1').map(({ name }) => name);
    return [
      ...byText(refused, 'runtime', (runtime, names) => ({
        code: 'container_runtime_too_old',
        message: `${runtime} on ${names}: a kubelet of ${target} does not work with it`,
        remedy: 'move these nodes to containerd 2 first',
      })),
      ...byText(tolerated, 'runtime', (runtime, names) => ({
        code: 'container_runtime_old',
        message: `${runtime} on ${names}: kubelets from ${CONTAINERD_1_ENDS} on refuse it, and it is no longer maintained`,
        remedy: `move to containerd 2 before ${CONTAINERD_1_ENDS}`,
      })),
      ...byText(likely, 'osImage', (system, names) => ({
        code: 'cgroup_v1_likely',
        message: `${system} on ${names} starts with cgroup v1, which a kubelet of ${target} refuses`,
        remedy: 'look with stat -fc %T /sys/fs/cgroup; move to v2, or set failCgroupV1: false in kubelet-config',
      })),
      ...(certain.length === 0 ? [] : [onCgroupOne(certain, target)]),
    ];
  },
};

function onCgroupOne(nodes: readonly string[], target: string): Found {
  return {
    ...{ code: 'cgroup_v1_likely', severity: 'block', object: 'cgroup v1', nodes },
    message: `${named(nodes)} ${nodes.length === 1 ? 'runs' : 'run'} cgroup v1 by the word of the host itself: a kubelet of ${target} refuses to start there`,
    remedy: 'move to cgroup v2, or set failCgroupV1: false in kubelet-config',
  };
}

function isContainerdOne(runtime: string): boolean {
  const version = /^containerd:\/\/(.+)$/.exec(runtime)?.[1];
  return version !== undefined && parseVersion(version)?.major === 1;
}

function byText(
  nodes: readonly NodePicture[],
  field: 'runtime' | 'osImage',
  say: (text: string, names: string) => Pick<Found, 'code' | 'message' | 'remedy'>,
): Found[] {
  return [...Map.groupBy(nodes, (node) => node[field])].map(([text, group]) => {
    const names = group.map(({ name }) => name);
    return { object: text, nodes: names, ...say(text, named(names)) };
  });
}
