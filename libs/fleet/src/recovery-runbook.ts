import type { Recovery } from './recovery.js';

/** One stage of what persons do: where, the exact lines in order, and what to wait for before the next stage. */
export interface RunbookStage {
  readonly title: string;
  /** Hosts on which a person runs the lines as root, in this order; "anywhere": with an admin's kubeconfig. */
  readonly on: readonly string[];
  readonly lines: readonly string[];
  /** Go on when this is seen. */
  readonly until: string;
}

const ANYWHERE = ['anywhere'] as const;

/** Who runs what, in which order. The lines are what the agent staged, or kubeadm's own; nothing in them is to be guessed. */
export function runbookOf(recovery: Recovery): RunbookStage[] {
  return recovery.rung === 6 ? restoreStages(recovery) : replaceStages(recovery);
}

/** Where the agent laid everything that a restore needs. */
export const stagedFolder = ({ order }: Pick<Recovery, 'order'>): string => `/var/lib/wavegate/restore/${order}`;

function restoreStages(recovery: Recovery): RunbookStage[] {
  const { planes } = recovery;
  const folder = stagedFolder(recovery);
  const script = `${folder}/restore.sh`;
  const [first = '', ...others] = planes;
  const copied: RunbookStage = {
    title: `every other host gets the snapshot of ${first}: all members are restored from one file`,
    on: others,
    lines: [`scp root@${first}:${folder}/snapshot.db ${folder}/snapshot.db`, `sha256sum ${folder}/snapshot.db`],
    until: `the sum is that of ${first} on each host`,
  };
  return [
    {
      title: 'look whether everything is there',
      on: planes,
      lines: [
        `ls -l ${script} ${folder}/snapshot.db ${folder}/etcdutl ${folder}/manifests`,
        `sha256sum ${folder}/snapshot.db`,
      ],
      until: 'each host has all of it; where one has not, stop here',
    },
    ...(others.length > 0 ? [copied] : []),
    {
      title: 'stop the control plane',
      on: planes,
      lines: [`${script} stop`],
      until: 'every host has said "stopped on …"',
    },
    { title: 'restore etcd', on: planes, lines: [`${script} restore`], until: 'every host has said "restored on …"' },
    {
      title: 'start the old control plane',
      on: planes,
      lines: [`${script} start`],
      until: 'every host has said "started on …"',
    },
    {
      title: 'bring the old packages back on the control-plane hosts',
      on: planes,
      lines: [...packagesBack(`${folder}/packages`, recovery)],
      until: 'kubectl get nodes shows them Ready',
    },
    ...workersBack(recovery),
    seen(recovery),
  ];
}

/** A kubelet may not be newer than the API servers that came back. */
function workersBack(recovery: Recovery): RunbookStage[] {
  const workers = recovery.ahead.filter((name) => !recovery.planes.includes(name));
  if (workers.length === 0) return [];
  const lines = packagesBack(`/var/lib/wavegate/packages/${recovery.version}`, recovery);
  return [
    {
      title: `bring the kubelets back that are newer than ${recovery.version}, one node at a time`,
      ...{ on: workers, lines, until: `the node is Ready at v${recovery.version}; then the next` },
    },
  ];
}

function packagesBack(folder: string, { version }: Recovery): string[] {
  return [
    `cp -a /var/lib/wavegate/before/${version}/files/var/lib/kubelet/. /var/lib/kubelet/`,
    `apt-get install -y --allow-downgrades --allow-change-held-packages ${folder}/*.deb   # or: dnf downgrade ${folder}/*.rpm`,
    'apt-mark hold kubeadm kubelet kubectl',
    'systemctl daemon-reload && systemctl restart kubelet',
  ];
}

function replaceStages(recovery: Recovery): RunbookStage[] {
  const { node, planes, clusterName, version } = recovery;
  const isPlane = planes.includes(node);
  const helper = planes.find((name) => name !== node) ?? '';
  const join = isPlane ? ['kubeadm init phase upload-certs --upload-certs   # prints KEY'] : [];
  // Quoted: some shells refuse a pattern that no file matches.
  const atVersion = ['kubeadm', 'kubelet', 'kubectl'].map((name) => `'${name}=${version}-*'`).join(' ');
  const joinLine = isPlane ? ', with --control-plane --certificate-key KEY behind it' : '';
  return [
    {
      ...{ title: 'empty the node; its pods need a place elsewhere', on: ANYWHERE },
      lines: [`wavegate clusters drain ${clusterName} ${node}`],
      until: 'completed; a dead node cannot be drained: kubectl cordon it and go on',
    },
    ...(isPlane ? [memberRemoved(helper, node)] : []),
    {
      ...{ title: 'stop the old host: its kubelet would join again under its name', on: [node] },
      lines: ['systemctl disable --now kubelet'],
      until: 'it is stopped, or the host is dead or switched off',
    },
    {
      ...{ title: 'take the node out of the cluster', on: ANYWHERE, lines: [`kubectl delete node ${node}`] },
      until: `kubectl get nodes does not show ${node}. The old host must not come back: wipe it, or kubeadm reset --force on it`,
    },
    {
      ...{ title: 'make the join line', on: [helper] },
      lines: ['kubeadm version -o short', 'kubeadm token create --ttl 1h --print-join-command', ...join],
      until: `kubeadm says v${version}; keep the line for the fresh host`,
    },
    {
      ...{ title: 'join the fresh host: a runtime runs on it, its packages come from the repository of this minor' },
      on: [`the fresh host, named ${node}`],
      lines: [
        `apt-get update && apt-get install -y ${atVersion}   # or: dnf install`,
        'apt-mark hold kubeadm kubelet kubectl',
        `kubeadm join …   # the line of before${joinLine}`,
      ],
      until: `kubectl get node ${node} shows it Ready at v${version}`,
    },
    seen(recovery),
  ];
}

function memberRemoved(helper: string, node: string): RunbookStage {
  const pki = '/etc/kubernetes/pki/etcd';
  const keys = `--cacert ${pki}/ca.crt --cert ${pki}/healthcheck-client.crt --key ${pki}/healthcheck-client.key`;
  const etcdctl = `kubectl -n kube-system exec etcd-${helper} -- etcdctl --endpoints https://127.0.0.1:2379 ${keys}`;
  return {
    ...{
      title: 'take its member out of etcd, before the node goes: a member that never answers counts against the quorum',
    },
    on: ANYWHERE,
    lines: [
      `${etcdctl} member list`,
      `${etcdctl} member remove "$(${etcdctl} member list | awk -F', ' '$3 == "${node}" { print $1 }')"`,
      `${etcdctl} endpoint health --cluster`,
    ],
    until: `the list has no ${node}, and every other member is healthy`,
  };
}

const seen = ({ id }: Recovery): RunbookStage => ({
  ...{ title: 'let the agent look', on: ANYWHERE, lines: [`wavegate recoveries verify ${id}`] },
  until: 'it says what stands, and that nothing is missing',
});
