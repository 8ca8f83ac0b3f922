/** One object and where it is made. */
export interface Made {
  readonly path: string;
  readonly object: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
const CORE = '/api/v1/namespaces';

function namespace(name: string, labels: Fields = {}): Made {
  return { path: CORE, object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } } };
}

const container = (of: Fields = {}): Fields => ({ name: 'main', image: 'registry.example/app:1', ...of });

interface Deployed {
  readonly replicas?: number;
  readonly labels?: Fields;
  readonly spec?: Fields;
  readonly readyAfter?: string;
}

function deployment(
  ns: string,
  name: string,
  { replicas = 2, labels = {}, spec = {}, readyAfter }: Deployed = {},
): Made {
  const all = { app: name, ...labels };
  const template = {
    metadata: { labels: all, ...(readyAfter && { annotations: { 'wavegate.test/ready-after': readyAfter } }) },
    spec: { containers: [container()], ...spec },
  };
  const body = { replicas, selector: { matchLabels: { app: name } }, template };
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels: all }, spec: body };
  return { path: `/apis/apps/v1/namespaces/${ns}/deployments`, object };
}

function budget(ns: string, name: string, of: Fields): Made {
  const object = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: of };
  return { path: `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`, object };
}

function pod(
  ns: string,
  name: string,
  of: { labels?: Fields; annotations?: Fields; finalizers?: string[]; spec?: Fields } = {},
): Made {
  const { spec = {}, ...metadata } = of;
  const object = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata } },
    spec: { terminationGracePeriodSeconds: 1, containers: [container()], ...spec },
  };
  return { path: `${CORE}/${ns}/pods`, object };
}

const on = (node: string): Fields => ({ nodeName: node });
const guards = (name: string): Fields => ({ selector: { matchLabels: { app: name } } });

function drainTroubles(): Made[] {
  const withCpu = (cpu: string): Fields => ({ containers: [container({ resources: { requests: { cpu } } })] });
  return [
    namespace('shop', { team: 'team-shop' }),
    namespace('tight'),
    namespace('leaving'),
    // A budget that can never allow, its sound twin, and one that allows nothing while nothing is ready.
    deployment('shop', 'never', { labels: { owner: 'team-ledger' } }),
    budget('shop', 'never', { minAvailable: 2, ...guards('never') }),
    deployment('shop', 'sound'),
    budget('shop', 'sound', { maxUnavailable: 1, ...guards('sound') }),
    deployment('shop', 'unready', { readyAfter: '1h' }),
    budget('shop', 'unready', { maxUnavailable: 1, ...guards('unready') }),
    deployment('shop', 'twice'),
    budget('shop', 'twice-a', { maxUnavailable: 1, ...guards('twice') }),
    budget('shop', 'twice-b', { maxUnavailable: 1, ...guards('twice') }),
    deployment('shop', 'cache', { spec: { volumes: [{ name: 'd', emptyDir: {} }] } }),
    deployment('shop', 'lonely', { replicas: 1 }),
    pod('shop', 'bare', { spec: on('w-1') }),
    pod('shop', 'crashing', { spec: on('w-1') }),
    pod('shop', 'stuck', { spec: on('w-1'), finalizers: ['example.test/never'] }),
    pod('leaving', 'held', { spec: on('w-1'), finalizers: ['example.test/never'] }),
    deployment('shop', 'tied', { spec: { nodeSelector: { 'kubernetes.io/hostname': 'w-1' } } }),
    budget('shop', 'tied', { maxUnavailable: 1, ...guards('tied') }),
    ...['w-1', 'w-2', 'w-full', 'w-old'].map((node) =>
      deployment('tight', `big-${node}`, { replicas: 1, spec: { ...withCpu('20'), nodeSelector: {}, nodeName: node } }),
    ),
    {
      path: '/api/v1/persistentvolumes',
      object: {
        ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk-of-w-1' } },
        spec: {
          ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], local: { path: '/mnt/d' } },
          claimRef: { namespace: 'shop', name: 'data' },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['w-1'] }] },
              ],
            },
          },
        },
      },
    },
    pod('shop', 'database', {
      spec: { ...on('w-1'), volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
    }),
    {
      path: `${CORE}/tight/resourcequotas`,
      object: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard: { pods: '100' } } },
    },
  ];
}

function service(ns: string, name: string, selector: Fields): Made {
  const spec = { selector, ports: [{ name: 'https', port: 443 }] };
  return { path: `${CORE}/${ns}/services`, object: { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec } };
}

function webhook(name: string, serviceName: string, of: Fields): Made {
  const hook = {
    ...{
      name: `${name}.example.test`,
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 1,
    },
    clientConfig: { service: { namespace: 'shop', name: serviceName }, caBundle: '' },
    ...of,
  };
  const object = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [hook],
  };
  return { path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', object };
}

function admissionTroubles(): Made[] {
  const harmless = {
    rules: [{ apiGroups: ['nothing.test'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }],
  };
  const jobs = {
    rules: [{ apiGroups: ['batch'], apiVersions: ['*'], resources: ['jobs'], operations: ['CREATE'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'wavegate-nodes' } },
  };
  return [
    service('shop', 'lonely', { app: 'lonely' }),
    service('shop', 'sound', { app: 'sound' }),
    webhook('gone', 'nobody', harmless),
    webhook('one-backend', 'lonely', harmless),
    webhook('two-backends', 'sound', harmless),
    webhook('jobs', 'nobody', jobs),
    {
      path: '/apis/apiregistration.k8s.io/v1/apiservices',
      object: {
        ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.nothing.test' } },
        spec: {
          group: 'nothing.test',
          version: 'v1',
          groupPriorityMinimum: 10,
          versionPriority: 10,
          insecureSkipTLSVerify: true,
          service: { namespace: 'shop', name: 'nobody' },
        },
      },
    },
  ];
}

interface Component {
  readonly component: string;
  readonly version: string;
  readonly flags?: readonly string[];
  readonly ready?: boolean;
}

/** The static pod of a node as kubeadm made it, mirrored by its kubelet. */
function staticPod(node: string, { component, version, flags = [], ready = true }: Component): Made {
  const annotations = {
    ...{
      'kubernetes.io/config.mirror': component,
      'kubernetes.io/config.hash': component,
      'kubernetes.io/config.source': 'file',
    },
    'wavegate.test/ready-after': ready ? '200ms' : '1h',
  };
  const command = flags.length > 0 ? { command: [component, ...flags] } : {};
  const image = `registry.k8s.io/${component}:${component === 'etcd' ? '3.6.5-0' : `v${version}`}`;
  return pod('kube-system', `${component}-${node}`, {
    ...{ labels: { component, tier: 'control-plane' }, annotations },
    spec: {
      ...on(node),
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      containers: [{ name: component, image, ...command }],
    },
  });
}

const SCHEDULER = [
  'bind-address=127.0.0.1',
  'leader-elect=true',
  'kubeconfig=/etc/kubernetes/scheduler.conf',
  'authentication-kubeconfig=/etc/kubernetes/scheduler.conf',
  'authorization-kubeconfig=/etc/kubernetes/scheduler.conf',
].map((flag) => `--${flag}`);

/** The plane is mixed, cp-2 has no scheduler, two members are no quorum worth the name, one flag was set by hand. */
function planeTroubles(version: string): Made[] {
  const [major, minor, patch] = version.split('.').map(Number);
  const older = `${major}.${minor}.${(patch ?? 1) - 1}`;
  return [
    staticPod('cp-1', {
      component: 'kube-apiserver',
      version,
      flags: ['--allow-privileged=true', '--audit-log-maxage=90'],
    }),
    staticPod('cp-1', { component: 'kube-controller-manager', version }),
    staticPod('cp-1', { component: 'kube-scheduler', version, flags: SCHEDULER }),
    staticPod('cp-1', { component: 'etcd', version, flags: ['--quota-backend-bytes=1000000'] }),
    staticPod('cp-2', { component: 'kube-apiserver', version: older }),
    staticPod('cp-2', { component: 'kube-controller-manager', version, ready: false }),
    staticPod('cp-2', { component: 'etcd', version, ready: false }),
  ];
}

function configMap(name: string, data: Fields): Made {
  return {
    path: `${CORE}/kube-system/configmaps`,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data },
  };
}

function kubeadmTroubles(): Made[] {
  const cluster = [
    'apiVersion: kubeadm.k8s.io/v1beta3',
    'kind: ClusterConfiguration',
    'apiServer: { extraArgs: { authorization-mode: "Node,RBAC" } }',
  ];
  const kubelet = [
    'apiVersion: kubelet.config.k8s.io/v1beta1',
    'kind: KubeletConfiguration',
    'featureGates: { PodIndexLabel: true, NodeSwap: true }',
  ];
  return [
    configMap('kubeadm-config', { ClusterConfiguration: cluster.join('\n') }),
    configMap('kubelet-config', { kubelet: kubelet.join('\n') }),
  ];
}

function definition(
  group: string,
  plural: string,
  kind: string,
  versions: readonly Fields[],
  scope = 'Namespaced',
): Made {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const object = {
    ...{
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
    },
    spec: {
      group,
      scope,
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: versions.map((one) => ({ schema, ...one })),
    },
  };
  return { path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object };
}

/** Velero's kinds with what Velero would have written; the check reads nothing else of it. */
function veleroTroubles(): Made[] {
  const v1 = [{ name: 'v1', served: true, storage: true }];
  const object = (kind: string, name: string, of: Fields) => ({
    apiVersion: 'velero.io/v1',
    kind,
    metadata: { name },
    ...of,
  });
  const backups = '/apis/velero.io/v1/namespaces/default/backups';
  const locations = '/apis/velero.io/v1/namespaces/default/backupstoragelocations';
  const schedules = '/apis/velero.io/v1/namespaces/default/schedules';
  const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
  return [
    definition('velero.io', 'backups', 'Backup', v1),
    definition('velero.io', 'backupstoragelocations', 'BackupStorageLocation', v1),
    definition('velero.io', 'schedules', 'Schedule', v1),
    { path: schedules, object: object('Schedule', 'asleep', { spec: { paused: true } }) },
    { path: schedules, object: object('Schedule', 'nightly', { spec: { schedule: '0 1 * * *' } }) },
    {
      path: schedules,
      object: object('Schedule', 'broken', {
        status: { phase: 'FailedValidation', validationErrors: ['invalid schedule: expected 5 fields'] },
      }),
    },
    {
      path: locations,
      object: object('BackupStorageLocation', 'away', { spec: { default: true }, status: { phase: 'Unavailable' } }),
    },
    { path: locations, object: object('BackupStorageLocation', 'there', { status: { phase: 'Available' } }) },
    {
      path: backups,
      object: object('Backup', 'old', { status: { phase: 'Completed', completionTimestamp: ago(80) } }),
    },
    {
      path: backups,
      object: object('Backup', 'half', {
        status: { phase: 'PartiallyFailed', completionTimestamp: ago(2), errors: 3 },
      }),
    },
  ];
}

function addonTroubles(): Made[] {
  const dns = { app: 'coredns', 'k8s-app': 'kube-dns' };
  const spec = { containers: [{ name: 'coredns', image: 'registry.k8s.io/coredns/coredns:v1.12.1' }] };
  return [
    deployment('kube-system', 'coredns', { labels: dns, spec, readyAfter: '1h' }),
    service('kube-system', 'kube-dns', { 'k8s-app': 'kube-dns' }),
    {
      path: '/apis/storage.k8s.io/v1/csidrivers',
      object: {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: 'disk.csi.example.test' },
        spec: {},
      },
    },
  ];
}

/** In the order in which they must be made. */
export function troubles(version: string): readonly Made[] {
  const gadgets = [
    { name: 'v1alpha1', served: true, storage: true },
    { name: 'v1', served: true, storage: false },
  ];
  return [
    definition('example.test', 'gadgets', 'Gadget', gadgets),
    definition('example.test', 'sounds', 'Sound', [{ name: 'v1', served: true, storage: true }]),
    ...drainTroubles(),
    ...planeTroubles(version),
    ...kubeadmTroubles(),
    ...veleroTroubles(),
    ...addonTroubles(),
    ...admissionTroubles(),
  ];
}
