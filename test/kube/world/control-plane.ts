import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { programPath, ETCD_VERSION, KWOK_VERSION } from './obtained-programs.js';
import type { CertificateFiles } from './pki.js';

/** Everything the programs of one cluster share: where it lies, its ports, its certificates. */
export interface ControlPlaneFiles {
  readonly dir: string;
  readonly caFile: string;
  readonly server: CertificateFiles;
  readonly etcdClient: CertificateFiles;
  readonly tokenKeys: { readonly publicKey: string; readonly privateKey: string };
  readonly ports: ClusterPorts;
  readonly kubeconfigs: { readonly controllers: string; readonly scheduler: string; readonly kubelets: string };
  /** EncryptionConfiguration of the API server; null: nothing is encrypted at rest. */
  readonly encryptionConfig: string | null;
}

export interface ClusterPorts {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly controllers: number;
  readonly scheduler: number;
  readonly kwok: number;
}

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Who is who in the audit log of a test cluster. Whatever is none of these is under test. */
export const WORLD_USERS = {
  world: 'wavegate-test:world',
  kubelets: 'wavegate-test:kubelets',
  controllers: 'wavegate-test:controllers',
  scheduler: 'wavegate-test:scheduler',
} as const;

const CONTROLLERS = [
  ...['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'ttl-after-finished', 'disruption', 'namespace'],
  ...['serviceaccount', 'root-ca-certificate-publisher', 'node-lifecycle', 'taint-eviction', 'pod-garbage-collector'],
  ...['endpointslice', 'garbage-collector', 'persistentvolumeclaim-protection', 'clusterrole-aggregation'],
].map((name) => `${name}-controller`);

/** Half the memory for a little more work: several clusters share one machine. */
const SMALL = { GOGC: '40' };

/**
 * Every write is recorded, by whomever. What the world itself only reads (it polls) and the leases of its nodes would
 * bury the lines a test looks for.
 */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: Object.values(WORLD_USERS), verbs: ['get', 'list', 'watch'] },
    {
      level: 'None',
      users: [WORLD_USERS.kubelets],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    { level: 'None', userGroups: ['system:unauthenticated'], nonResourceURLs: ['/readyz*', '/livez*'] },
    { level: 'None', users: ['system:apiserver'] },
    { level: 'Metadata' },
  ],
};

export const auditLog = (dir: string): string => join(dir, 'audit.log');

/** JSON is YAML: the files need no other writer. */
export async function writeSettings(dir: string, adminToken: string): Promise<void> {
  await writeFile(join(dir, 'audit-policy.yaml'), JSON.stringify(AUDIT_POLICY));
  await writeFile(join(dir, 'tokens.csv'), `${adminToken},wavegate-test:token-admin,u1,"system:masters"\n`, {
    mode: 0o600,
  });
}

/** Secrets by AES-GCM with a key of this cluster only, as an admin would write it. */
export async function writeEncryptionConfig(dir: string, secret: Buffer): Promise<string> {
  const file = join(dir, 'encryption.yaml');
  const keys = [{ name: 'k1', secret: secret.toString('base64') }];
  const resources = [{ resources: ['secrets'], providers: [{ aesgcm: { keys } }, { identity: {} }] }];
  const config = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

export async function writeKubeconfig(
  file: string,
  url: string,
  caFile: string,
  who: CertificateFiles,
): Promise<string> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'u', user: { 'client-certificate': who.cert, 'client-key': who.key } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  };
  await writeFile(file, JSON.stringify(config, null, 1), { mode: 0o600 });
  return file;
}

export function etcd({ dir, caFile, server, ports }: ControlPlaneFiles): Program {
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  const listen = [`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`, `--listen-peer-urls=${peer}`];
  const cluster = [`--initial-advertise-peer-urls=${peer}`, `--initial-cluster=e=${peer}`];
  const tls = [
    `--cert-file=${server.cert}`,
    `--key-file=${server.key}`,
    `--trusted-ca-file=${caFile}`,
    '--client-cert-auth',
  ];
  // Without fsync: a test machine's disk is shared, and a power cut is not among the catastrophes tested here.
  const rest = ['--name=e', `--data-dir=${join(dir, 'etcd')}`, '--unsafe-no-fsync', '--log-level=warn'];
  return { file: programPath('etcd', ETCD_VERSION), args: [...rest, ...listen, ...cluster, ...tls] };
}

export function apiServer(version: string, files: ControlPlaneFiles): Program {
  const { dir, caFile, server, etcdClient, tokenKeys, ports } = files;
  const args = [
    `--etcd-servers=https://127.0.0.1:${ports.etcd}`,
    `--etcd-cafile=${caFile}`,
    `--etcd-certfile=${etcdClient.cert}`,
    `--etcd-keyfile=${etcdClient.key}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--secure-port=${ports.api}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    `--tls-cert-file=${server.cert}`,
    `--tls-private-key-file=${server.key}`,
    `--client-ca-file=${caFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${tokenKeys.publicKey}`,
    `--service-account-signing-key-file=${tokenKeys.privateKey}`,
    '--authorization-mode=RBAC',
    '--allow-privileged=true', // as kubeadm sets it: node Jobs are privileged
    `--token-auth-file=${join(dir, 'tokens.csv')}`,
    `--audit-log-path=${auditLog(dir)}`,
    `--audit-policy-file=${join(dir, 'audit-policy.yaml')}`,
    `--cert-dir=${join(dir, 'certs')}`,
    '--enable-priority-and-fairness=false',
    '--max-requests-inflight=0',
    '--max-mutating-requests-inflight=0',
    '--default-watch-cache-size=20',
    '--profiling=false',
    ...(files.encryptionConfig ? [`--encryption-provider-config=${files.encryptionConfig}`] : []),
  ];
  return { file: programPath('kube-apiserver', version), args, env: SMALL };
}

/** The same for both: one instance, no elections, nobody asks them anything. */
const ALONE = [
  '--leader-elect=false',
  '--authentication-kubeconfig=',
  '--authorization-kubeconfig=',
  '--bind-address=127.0.0.1',
];

export function controllerManager(version: string, files: ControlPlaneFiles): Program {
  const args = [
    ...ALONE,
    `--kubeconfig=${files.kubeconfigs.controllers}`,
    `--secure-port=${files.ports.controllers}`,
    `--cert-dir=${join(files.dir, 'certs')}`,
    `--service-account-private-key-file=${files.tokenKeys.privateKey}`,
    `--root-ca-file=${files.caFile}`,
    // One user for all controllers: with an own one each, the start takes five seconds more.
    '--use-service-account-credentials=false',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    // Pods of a node that was silent too long are marked unready; a kubelet mends that in seconds, kwok never does. Half a
    // minute without API must therefore not count as silence (the default is 40 to 50 s).
    '--node-monitor-grace-period=120s',
    `--controllers=${CONTROLLERS.join(',')}`,
  ];
  return { file: programPath('kube-controller-manager', version), args, env: SMALL };
}

export function scheduler(version: string, files: ControlPlaneFiles): Program {
  const where = [`--kubeconfig=${files.kubeconfigs.scheduler}`, `--secure-port=${files.ports.scheduler}`];
  const args = [...ALONE, ...where, `--cert-dir=${join(files.dir, 'certs')}`];
  return { file: programPath('kube-scheduler', version), args, env: SMALL };
}

export function kwok({ kubeconfigs, ports, server }: ControlPlaneFiles): Program {
  const args = [
    `--config=${join(import.meta.dirname, 'kwok-stages.yaml')}`,
    `--kubeconfig=${kubeconfigs.kubelets}`,
    '--manage-all-nodes=true',
    // Without leases of its own the nodes go NotReady after 40 s and their pods with them.
    '--node-lease-duration-seconds=40',
    `--server-address=127.0.0.1:${ports.kwok}`,
    '--node-ip=127.0.0.1',
    `--node-port=${ports.kwok}`,
    `--tls-cert-file=${server.cert}`,
    `--tls-private-key-file=${server.key}`,
  ];
  return { file: programPath('kwok', KWOK_VERSION), args, env: SMALL };
}
