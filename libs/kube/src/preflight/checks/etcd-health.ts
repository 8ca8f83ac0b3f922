import { BOTH, count, type Check, type Found } from '../check.js';
import { quantity } from '../quantity.js';
import type { PodPicture } from '../picture.js';

const DEFAULT_QUOTA = 2 * 2 ** 30;
const FULL_FROM = 0.8;
const LATELY_MS = 3_600_000;

/** Stacked etcd by what the API shows of it: members' static pods, and the size that the API server knows. */
export const etcdHealth: Check = {
  id: 'etcd-health',
  phases: BOTH,
  needs: ['nodes', 'pods'],
  wants: { metrics: ['etcd_space_low'] },
  codes: [
    {
      code: 'etcd_member_unhealthy',
      title: 'An etcd member is not healthy',
      meaning:
        'The static pod of a member is not Ready (its own probe asks /health). Each control-plane step takes one member down for a while: with one down already, the quorum is at stake.',
      remedy:
        'Mend or replace the member (`etcdctl endpoint health --cluster` on its node) before any control-plane step.',
    },
    {
      code: 'etcd_no_fault_tolerance',
      title: 'etcd cannot lose a member',
      meaning:
        'Several control-plane nodes, but two or fewer etcd members, or an even number: while one is being upgraded, one more failure ends the quorum.',
      remedy:
        'Add a control-plane node to make the members three or five, or accept the risk for the length of the upgrade.',
    },
    {
      code: 'etcd_restarted_lately',
      title: 'etcd restarted a short while ago',
      meaning: 'A member has started within the last hour. Leaders may still be moving.',
      remedy: 'Find out why it restarted; wait until it was quiet for an hour.',
    },
    {
      code: 'etcd_space_low',
      title: "etcd's database is nearly full",
      meaning:
        'The database has used 80 % or more of its quota (`--quota-backend-bytes`, 2 GiB by default). At the quota etcd takes no more writes and raises an alarm; an upgrade writes.',
      remedy: 'Compact and defragment (`etcdctl defrag`), remove what fills it, or raise the quota in kubeadm-config.',
    },
  ],
  run({ nodes, pods, metrics }, { at, etcd }) {
    const members = pods.filter(({ component }) => component?.name === 'etcd');
    const sick = members
      .filter(({ ready }) => !ready)
      .map((pod): Found => {
        const healthy = members.filter(({ ready }) => ready).length;
        const message = `etcd on ${pod.node} is not ready: ${healthy} of ${count(members.length, 'member')} healthy`;
        const remedy = 'mend or replace the member before any control-plane step';
        return { code: 'etcd_member_unhealthy', object: pod.node, message, remedy, nodes: [pod.node] };
      });
    const planes = nodes.filter(({ role }) => role === 'controlPlane').length;
    // An external one has told its size and its quota by itself.
    const full = etcd && 'members' in etcd ? [] : space(members, metrics.etcdBytes);
    return [...sick, ...tolerance(members.length, planes), ...restarts(members, at), ...full];
  },
};

/** Of voting members, where the plane is meant to outlive a node. */
export function tolerance(members: number, planes: number): Found[] {
  if (members === 0 || planes < 2 || (members > 2 && members % 2 === 1)) return [];
  const lose = Math.ceil(members / 2) - 1;
  const message = `etcd has ${count(members, 'member')} on ${planes} control-plane nodes and can lose ${lose}: none while one is upgraded`;
  return [{ code: 'etcd_no_fault_tolerance', object: 'etcd', message, remedy: 'make the members three or five' }];
}

function restarts(members: readonly PodPicture[], at: number): Found[] {
  return members.flatMap((pod): Found[] => {
    const minutes = Math.floor((at - (pod.component?.startedAt ?? 0)) / 60_000);
    if (pod.restarts === 0 || !pod.component?.startedAt || minutes * 60_000 >= LATELY_MS) return [];
    const message = `etcd on ${pod.node} restarted ${count(minutes, 'minute')} ago (${count(pod.restarts, 'restart')} in all)`;
    const remedy = 'find out why; wait until it was quiet for an hour';
    return [{ code: 'etcd_restarted_lately', object: pod.node, message, remedy, nodes: [pod.node] }];
  });
}

function space(members: readonly PodPicture[], bytes: number): Found[] {
  const quotas = members.map(({ component }) => quantity(component?.flags['quota-backend-bytes'])).filter((n) => n > 0);
  return spaceLow(bytes, quotas.length > 0 ? Math.min(...quotas) : 0);
}

/** `quotaBytes` 0: nobody said, so it is etcd's default. */
export function spaceLow(bytes: number, quotaBytes: number): Found[] {
  const quota = quotaBytes || DEFAULT_QUOTA;
  if (bytes < FULL_FROM * quota) return [];
  const mib = (n: number): string => `${Math.round(n / 2 ** 20)} MiB`;
  const message = `etcd's database has ${mib(bytes)} of ${mib(quota)} allowed: ${Math.round((bytes / quota) * 100)} %`;
  const remedy = 'compact and defragment it, or raise quota-backend-bytes';
  return [{ code: 'etcd_space_low', object: 'etcd', message, remedy }];
}
