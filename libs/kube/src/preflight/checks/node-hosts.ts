import { BEFORE, type Check } from '../check.js';

/**
 * What only the hosts know: their packages, their repository, their disks, kubeadm's own plan. A node Job looks
 * (../../node/inspect-hosts.ts), since nothing of it is in the API; this passes on what it said.
 */
export const nodeHosts: Check = {
  id: 'node-hosts',
  phases: BEFORE,
  needs: [],
  codes: [
    {
      code: 'host_not_inspected',
      title: 'A host was not looked at',
      meaning:
        'The node Job that looks at packages, repository, disk and images of a host did not come to an end, or may not be made. The step itself makes the same checks before it changes anything, and would then stop half-way through the cluster.',
      remedy: 'See why the Job failed (`kubectl -n wavegate-nodes get jobs`); then ask for the preflight again.',
    },
    {
      code: 'host_not_of_kubeadm',
      title: 'A host was not joined by kubeadm',
      meaning:
        'The host has no /etc/kubernetes/kubelet.conf or no /var/lib/kubelet/config.yaml: `kubeadm upgrade node` has nothing to work with there.',
      remedy: 'Leave the node out (another driver may upgrade it), or replace it by one that kubeadm joins.',
    },
    {
      code: 'node_name_mismatch',
      title: 'A host answers to another name',
      meaning:
        "The kubelet's own certificate names another node than the one the Job was made for: two hosts have swapped or share a name. One would be upgraded in the other's place.",
      remedy: 'Give each host its own name and join it again.',
    },
    {
      code: 'package_manager_unknown',
      title: 'No package manager that Wavegate knows',
      meaning:
        "Neither apt nor dnf owns the kubelet of this host. Wavegate replaces packages only; it does not overwrite another installer's files.",
      remedy: 'Install kubeadm, kubelet and kubectl from packages, or upgrade this node by your own means.',
    },
    {
      code: 'package_manager_experimental',
      title: 'Its package manager is experimental here',
      meaning: 'The host is managed by dnf. The steps are written, and were never run on a real host of that kind.',
      remedy: 'Try the upgrade on a cluster that you can lose, or upgrade these nodes by hand (`upgrade --print`).',
    },
    {
      code: 'package_managers_mixed',
      title: 'Hosts of different package managers',
      meaning:
        'Some hosts are managed by apt, others by dnf. A repository is asked for by its form, so the two do not have the same packages at the same time.',
      remedy:
        'Upgrade by a plan whose `packages` serves both (upstream), and let a rule of `preflight.severities` say so; or make the hosts alike.',
    },
    {
      code: 'package_missing',
      title: "The target is not in the node's repository",
      meaning: 'The repository of the target minor has no kubeadm, kubelet or kubectl of exactly that version.',
      remedy: 'Name a version that it has (the message lists some), or wait until your mirror has caught up.',
    },
    {
      code: 'package_repository_unusable',
      title: 'The repository cannot be asked',
      meaning:
        'No file on the host names a repository of Kubernetes, the plan says `mirror` and the agent was told of none, or the repository of the target minor does not answer.',
      remedy:
        'Mend it on the host; or say in the plan where packages come from (`upgrade.packages`), and give the agent `--package-mirror`.',
    },
    {
      code: 'host_disk_full',
      title: 'Too little room on a host',
      meaning:
        'Packages and images need some 700 MiB under /var; on control-plane hosts kubeadm copies etcd into /etc/kubernetes/tmp.',
      remedy: 'Make room: old copies in /etc/kubernetes/tmp, /var/cache/apt, unused images.',
    },
    {
      code: 'image_not_on_host',
      title: 'Images will be pulled',
      meaning: 'Images of the target are not on the host yet. The step pulls them before it changes anything.',
      remedy: 'Nothing; or prefetch them days ahead where pulls are slow.',
    },
    {
      code: 'etcd_alarm_raised',
      title: 'etcd has raised an alarm',
      meaning:
        'Asked on a control-plane host, or by its API where it is beside the cluster, etcd lists an alarm. NOSPACE: its database reached the quota and it refuses writes, so that an upgrade fails half-way. CORRUPT: members disagree about their data.',
      remedy:
        'NOSPACE: compact, `etcdctl defrag` member by member, or a larger `--quota-backend-bytes`. CORRUPT: replace the member that is wrong. Then `etcdctl alarm disarm`.',
    },
    {
      code: 'etcd_leader_unstable',
      title: "etcd's leader moves often",
      meaning:
        'By the log of the member on a control-plane host, six leaders or more were elected within the last 24 hours (a rolling restart makes three or four). While there is no leader etcd takes no writes; the API server answers late or not at all, and steps that restart members come on top. Rotated logs are counted as far as they lie there unpacked: the number is a least. An etcd beside the cluster is judged by its own count since a member began (`etcd_server_leader_changes_seen_total`): six, or six a day on average.',
      remedy:
        'Look at the disk (`etcd_disk_wal_fsync_duration_seconds`, p99 under 10 ms), at the network between the members and at their CPU; wait for a quiet day. Elections of a planned restart: waive it (`preflight.severities`).',
    },
    {
      code: 'etcd_quorum_at_risk',
      title: 'etcd could not spare this member',
      meaning:
        'Asked on the host, fewer of the other etcd members answer than a quorum needs. With this one restarting, etcd would stop. Of an etcd beside the cluster: it has no leader, or with one member less it would have no quorum.',
      remedy: 'Mend the silent member first: `etcdctl endpoint health --cluster`.',
    },
    {
      code: 'kubeadm_plan_failed',
      title: "kubeadm's own plan says no",
      meaning: "`kubeadm upgrade plan` of the target's kubeadm, run on a control-plane host, ended with an error.",
      remedy: 'Do what its words say; checks that you accept go into `upgrade.ignorePreflightErrors`.',
    },
    {
      code: 'kubeadm_plan_says',
      title: "kubeadm's own plan has remarks",
      meaning: '`kubeadm upgrade plan` warned of something, or names configurations that a person must convert.',
      remedy: 'Read its words; nothing of it stops the upgrade.',
    },
  ],
  run: (_picture, { hosts = [] }) => hosts,
};
