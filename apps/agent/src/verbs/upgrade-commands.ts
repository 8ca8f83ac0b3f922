import { durationMs, minorOf, parseVersion, type PlanSpec } from '@wavegate/fleet';
import type { Step } from '@wavegate/runtime/agent';

/** What a person must know to do a step by hand: what the engine decided, and how the node is managed. */
export interface StepPlace {
  readonly role: 'controlPlane' | 'worker';
  readonly manager: 'apt' | 'dnf';
  readonly spec: PlanSpec;
}

/** `on`: the host as root, or 'anywhere' with kubectl. */
export interface Commands {
  readonly on: string;
  readonly title: string;
  readonly lines: readonly string[];
}

const TOOL = 'anywhere';
const RESTORE = '/var/lib/wavegate/restore/by-hand';
/** root on a host has no kubeconfig of its own; kubeadm left this one on each control-plane node. */
const KUBECTL = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
/** etcdctl is in etcd's own image, and seldom on a host. The folder of its data is the one that both see. */
const etcdctl = (node: string, words: string): string =>
  [
    `${KUBECTL} -n kube-system exec etcd-${node} -- etcdctl --endpoints https://127.0.0.1:2379 \\`,
    '  --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt \\',
    `  --key /etc/kubernetes/pki/etcd/healthcheck-client.key ${words}`,
  ].join('\n');

function snapshotInto(node: string, folder: string): string[] {
  return [
    `mkdir -p ${folder}`,
    etcdctl(node, 'snapshot save /var/lib/etcd/by-hand.db'),
    `${KUBECTL} -n kube-system exec etcd-${node} -- etcdutl snapshot status /var/lib/etcd/by-hand.db`,
    `mv /var/lib/etcd/by-hand.db ${folder}/snapshot.db && sha256sum ${folder}/snapshot.db`,
  ];
}

/** The commands of one step of the engine: what the node's step does (deploy/images/node/step), without its checks. */
export function commandsOf(step: Step, place: StepPlace): Commands {
  switch (step.kind) {
    case 'preflight':
      return {
        on: TOOL,
        title: 'preflight: changes nothing; mend what blocks before going on',
        lines: [`wavegate-agent preflight --target ${step.target} --save before.json`],
      };
    case 'validate':
      return {
        on: TOOL,
        title: 'is everything as before, at the new version?',
        lines: [`wavegate-agent preflight --target ${step.target} --after before.json`],
      };
    case 'snapshotEtcd':
      return {
        on: step.node,
        title: 'a snapshot of etcd, read back; keep it and /etc/kubernetes/pki off this host',
        lines: snapshotInto(step.node, '/root/before-upgrade'),
      };
    case 'upgradeControlPlane':
      return controlPlane(step, place);
    case 'drainNode':
      return { on: TOOL, title: `drain ${step.node}`, lines: [drain(step, place.spec)] };
    case 'upgradeKubelet':
      return kubelet(step, place);
    case 'uncordonNode':
      return { on: TOOL, title: `${step.node} takes pods again`, lines: [`kubectl uncordon ${step.node}`] };
    case 'stageRestore':
      return {
        on: step.node,
        title: 'what a restore of etcd would need (rung 6), laid on this host',
        lines: [
          ...snapshotInto(step.node, RESTORE),
          `cp -a /etc/kubernetes/manifests ${RESTORE}/ && cp -a /var/cache/apt/archives/kube*.deb ${RESTORE}/`,
        ],
      };
    default:
      return { on: TOOL, title: `${step.kind} (no command of a person's)`, lines: [] };
  }
}

function controlPlane(step: Extract<Step, { kind: 'upgradeControlPlane' }>, { manager, spec }: StepPlace): Commands {
  const config = '/var/lib/wavegate/config/upgrade.yaml';
  const act = step.first ? `kubeadm upgrade apply --config ${config} -y` : `kubeadm upgrade node --config ${config}`;
  const lifts = step.from === step.to;
  return {
    on: step.node,
    title: lifts
      ? 'control plane: the new binaries are themselves from here on'
      : `control plane ${step.from} → ${step.to}${step.emulate ? `, emulating ${step.emulate}` : ''}`,
    lines: [
      ...(lifts
        ? []
        : [
            'mkdir -p /root/before-upgrade && cp -a /etc/kubernetes/manifests /var/lib/kubelet/config.yaml /root/before-upgrade/',
          ]),
      ...(lifts ? [] : packages(manager, step, ['kubeadm'])),
      ...(step.first && !lifts ? [`kubeadm upgrade plan v${step.to}`] : []),
      ...configuration(config, step, spec),
      ...(step.first ? [] : [`${etcdctl(step.node, 'endpoint health --cluster')}   # all healthy, or stop`]),
      act,
    ],
  };
}

/** Flags may not be mixed with a file: everything is in the file. */
function configuration(
  path: string,
  { to, emulate }: Extract<Step, { kind: 'upgradeControlPlane' }>,
  { upgrade }: PlanSpec,
): string[] {
  const patches = `/var/lib/wavegate/patches/emulate-${emulate ?? ''}`;
  const both = [
    `  ignorePreflightErrors: [${upgrade.ignorePreflightErrors.join(', ')}]`,
    '  imagePullPolicy: IfNotPresent',
    ...(emulate ? [`  patches: { directory: ${patches} }`, '  skipPhases: [addon]'] : []),
  ];
  const patch = `'[{"op":"add","path":"/spec/containers/0/command/-","value":"--emulated-version=${emulate ?? ''}"}]'`;
  const files = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => `${name}0+json.json`);
  return [
    'mkdir -p /var/lib/wavegate/config',
    ...(emulate
      ? [`mkdir -p ${patches} && cd ${patches} && for f in ${files.join(' ')}; do echo ${patch} > $f; done`]
      : []),
    `cat > ${path} <<'EOC'`,
    ...['apiVersion: kubeadm.k8s.io/v1beta4', 'kind: UpgradeConfiguration', 'apply:', `  kubernetesVersion: v${to}`],
    ...[...both, 'node:', ...both, 'timeouts:'],
    `  upgradeManifests: ${Math.ceil(durationMs(upgrade.limits.manifests) / 1000)}s`,
    'EOC',
  ];
}

function kubelet(step: Extract<Step, { kind: 'upgradeKubelet' }>, { role, manager, spec }: StepPlace): Commands {
  const ignore = spec.upgrade.ignorePreflightErrors.join(',');
  const node = `kubeadm upgrade node${ignore ? ` --ignore-preflight-errors=${ignore}` : ''}`;
  return {
    on: step.node,
    title: `kubelet ${step.from} → ${step.to}`,
    lines: [
      ...(role === 'worker' ? [...packages(manager, step, ['kubeadm']), node] : []),
      ...install(manager, step.to, ['kubelet', 'kubectl']),
      'systemctl daemon-reload && systemctl restart kubelet',
    ],
  };
}

/** Each minor has a repository of its own: its address is switched first. */
function packages(
  manager: StepPlace['manager'],
  { from, to }: { readonly from: string; readonly to: string },
  names: readonly string[],
): string[] {
  const [old, next] = [minor(from), minor(to)];
  const file = manager === 'apt' ? '/etc/apt/sources.list.d/kubernetes.list' : '/etc/yum.repos.d/kubernetes.repo';
  const refresh = manager === 'apt' ? ['apt-get update'] : [];
  const sed = old === next ? [] : [`sed -i 's#/v${old}/#/v${next}/#' ${file}`];
  return [...sed, ...refresh, ...install(manager, to, names)];
}

function install(manager: StepPlace['manager'], version: string, names: readonly string[]): string[] {
  const all = names.join(' ');
  if (manager === 'dnf') {
    return [`dnf install -y ${names.map((name) => `${name}-${version}`).join(' ')} --disableexcludes=kubernetes`];
  }
  const exact = names.map((name) => `${name}='${version}-*'`).join(' ');
  return [`apt-mark unhold ${all} && apt-get install -y ${exact}; apt-mark hold ${all}`];
}

function drain({ node, timeoutMs }: Extract<Step, { kind: 'drainNode' }>, { drain: policy }: PlanSpec): string {
  const { deleteEmptyDir, evictUnmanaged } = policy;
  const emptyDir = [...deleteEmptyDir.namespaces, ...deleteEmptyDir.owners.map((owner) => `owner=${owner}`)];
  const unmanaged = [...evictUnmanaged.namespaces, ...evictUnmanaged.owners.map((owner) => `owner=${owner}`)];
  return [
    `wavegate-agent drain ${node} --timeout ${Math.ceil(timeoutMs / 1000)}s`,
    ...(emptyDir.length > 0 ? [`--delete-emptydir-data ${emptyDir.join(',')}`] : []),
    ...(unmanaged.length > 0 ? [`--evict-unmanaged ${unmanaged.join(',')}`] : []),
  ].join(' ');
}

function minor(version: string): string {
  const parsed = parseVersion(version);
  return parsed ? minorOf(parsed) : version;
}
