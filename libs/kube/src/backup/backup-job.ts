import type { V1EnvFromSource, V1Job, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { JOB_LABELS, NODE_JOB_NAMESPACE, nodeLabel } from '../node-job.js';
import type { BackupKeeping } from './backup-name.js';

/** Where backups of this cluster go and who may read them: the cluster admin's word, never the hub's. */
export interface BackupSettings {
  /** Image of the agent's own program. */
  readonly image: string;
  /** A folder of the host, `pvc:NAME` in the Jobs' namespace, or `s3://bucket/prefix`. */
  readonly target: string;
  readonly endpointUrl: string | null;
  readonly region: string | null;
  readonly recipients: readonly string[];
  readonly plaintext: boolean;
  /** How many of a kind stay. */
  readonly keep: number;
  /** Secret in the Jobs' namespace whose entries become environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. */
  readonly credentialsSecret: string | null;
  /**
   * Secret in the Jobs' namespace with `key.txt`, an age private key that restore drills may open backups with. Null: none
   * is kept in the cluster, and a drill of an encrypted backup proves its stored bytes only.
   */
  readonly identitySecret?: string | null;
  /** An etcd beside the cluster: its URLs and a Secret with ca.crt, tls.crt, tls.key. Null: stacked, as kubeadm makes it. */
  readonly externalEtcd: { readonly endpoints: readonly string[]; readonly secret: string } | null;
}

export const DEFAULT_BACKUP_FOLDER = '/var/lib/wavegate/backups';
/** Nobody has said anything: onto the host that holds the plain etcd already, readable by its root only. */
export const DEFAULT_BACKUP: BackupSettings = {
  image: 'registry.example/wavegate/agent:0.1.0',
  target: DEFAULT_BACKUP_FOLDER,
  endpointUrl: null,
  region: null,
  recipients: [],
  plaintext: false,
  keep: 5,
  credentialsSecret: null,
  externalEtcd: null,
};
/** Of the export's own ServiceAccounts (deploy/agent/rbac-export*.yaml). The second may also read Secrets. */
export const EXPORT_ACCOUNTS = { plain: 'wavegate-export', withSecrets: 'wavegate-export-secrets' } as const;

const KUBERNETES = '/etc/kubernetes';
const CLIENT = '/etcd-client';
const SCRATCH = '/scratch';
const IDENTITY = '/identity';
/** An hour: the largest etcd there is (8 GiB), restored, encrypted and sent at 10 MB/s. */
const DEADLINE_S = 3_600;
/** A look changes nothing and may be given up; every question to etcd is bounded by itself. */
export const LOOK_DEADLINE_S = 120;

export interface EtcdBackupWork {
  readonly node: string;
  readonly cluster: string;
  readonly verify: 'status' | 'restore';
  readonly keeping?: BackupKeeping;
}

/**
 * The agent's own program, as a person would call it, on a control-plane host. It sees the host's processes, because
 * the programs for the proof are those of the running etcd; it reads its keys, and writes nothing but the target.
 */
export function etcdBackupJob(name: string, orderId: string, work: EtcdBackupWork, settings: BackupSettings): V1Job {
  const { externalEtcd, target } = settings;
  const etcd = externalEtcd
    ? [...externalEtcd.endpoints.flatMap((url) => ['--endpoint', url]), ...clientFiles()]
    : ['--endpoint', 'https://127.0.0.1:2379'];
  const args = [
    ...['backup', 'etcd', ...etcd, '--pki', `${KUBERNETES}/pki`, '--manifests', `${KUBERNETES}/manifests`],
    ...['--verify', work.verify, '--apiserver-bin', 'host', '--scratch', SCRATCH],
    ...wordsOf(work, settings),
  ];
  const volumes: V1Volume[] = [
    { name: 'kubernetes', hostPath: { path: KUBERNETES, type: 'Directory' } },
    { name: 'scratch', emptyDir: {} },
    ...(externalEtcd ? [{ name: 'etcd-client', secret: { secretName: externalEtcd.secret, defaultMode: 0o400 } }] : []),
    ...targetVolumes(target),
  ];
  const mounts: V1VolumeMount[] = [
    { name: 'kubernetes', mountPath: KUBERNETES, readOnly: true },
    { name: 'scratch', mountPath: SCRATCH },
    ...(externalEtcd ? [{ name: 'etcd-client', mountPath: CLIENT, readOnly: true }] : []),
    ...targetMounts(target),
  ];
  return backupJob(
    { name, orderId, step: 'etcdSnapshot', node: work.node, args, volumes, mounts, settings },
    (spec) => ({
      ...spec,
      nodeName: work.node,
      hostNetwork: true,
      hostPID: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
      priorityClassName: 'system-node-critical',
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
    }),
  );
}

/**
 * The restore drill: reads the newest stored backup of this cluster from its target and proves it again, on a host whose
 * etcd and API server are the programs for it. It holds no certificate of etcd, and asks nothing of the living one.
 */
export function etcdProofJob(name: string, orderId: string, work: EtcdBackupWork, settings: BackupSettings): V1Job {
  const { target, identitySecret } = settings;
  const args = [
    ...['backup', 'verify', '--latest', 'etcd', '--cluster', work.cluster, '--from', placeOf(target)],
    ...(work.verify === 'status' ? ['--no-restore'] : []),
    ...['--programs-of-port', etcdPortOf(settings), '--scratch', SCRATCH],
    ...(identitySecret ? ['--identity', `${IDENTITY}/key.txt`] : []),
    ...storeWords(settings),
    ...['--termination-log', '/dev/termination-log', '--output', 'json'],
  ];
  const volumes: V1Volume[] = [
    { name: 'scratch', emptyDir: {} },
    ...(identitySecret ? [{ name: 'identity', secret: { secretName: identitySecret, defaultMode: 0o400 } }] : []),
    ...targetVolumes(target),
  ];
  const mounts: V1VolumeMount[] = [
    { name: 'scratch', mountPath: SCRATCH },
    ...(identitySecret ? [{ name: 'identity', mountPath: IDENTITY, readOnly: true }] : []),
    ...targetMounts(target).map((mount) => ({ ...mount, readOnly: true })),
  ];
  return backupJob({ name, orderId, step: 'etcdProof', node: work.node, args, volumes, mounts, settings }, (spec) => ({
    ...spec,
    nodeName: work.node,
    hostPID: true,
    priorityClassName: 'system-node-critical',
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
  }));
}

/**
 * A look at an etcd beside the cluster, for preflight: by the network of a control-plane host, which reaches it, since the
 * API server there does. It sees nothing of that host.
 */
export function etcdLookJob(name: string, orderId: string, node: string, settings: BackupSettings): V1Job {
  const { endpoints = [], secret = '' } = settings.externalEtcd ?? {};
  const args = [
    ...['etcd', ...endpoints.flatMap((url) => ['--endpoint', url]), ...clientFiles()],
    ...['--termination-log', '/dev/termination-log', '--output', 'json'],
  ];
  const volumes: V1Volume[] = [{ name: 'etcd-client', secret: { secretName: secret, defaultMode: 0o400 } }];
  const mounts: V1VolumeMount[] = [{ name: 'etcd-client', mountPath: CLIENT, readOnly: true }];
  const parts = { name, orderId, step: 'etcdLook', node, args, volumes, mounts };
  const job = backupJob({ ...parts, settings: { ...settings, credentialsSecret: null } }, (spec) => ({
    ...spec,
    nodeName: node,
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
    // It reads one Secret, which is root's: nothing of the host, no scratch folder.
    containers: spec.containers.map(({ env: _scratch, ...one }) => ({
      ...one,
      securityContext: { ...one.securityContext, capabilities: { drop: ['ALL'] } },
    })),
  }));
  return { ...job, spec: { ...job.spec!, activeDeadlineSeconds: LOOK_DEADLINE_S } };
}

const etcdPortOf = ({ externalEtcd }: BackupSettings): string =>
  /:(\d+)\/?$/.exec(externalEtcd?.endpoints[0] ?? '')?.[1] ?? '2379';

export interface ExportWork {
  readonly cluster: string;
  readonly namespaces: readonly string[];
  readonly selector: string;
  readonly keeping?: BackupKeeping;
  /** Also Secrets: by the ServiceAccount that only an admin who wants this has made. */
  readonly secrets: boolean;
}

/** The export of manifests: an ordinary pod with rights to read, on whatever node. */
export function exportJob(name: string, orderId: string, work: ExportWork, settings: BackupSettings): V1Job {
  const args = [
    ...['backup', 'manifests', '--scratch', SCRATCH, ...work.namespaces.flatMap((one) => ['--namespace', one])],
    ...(work.selector ? ['--selector', work.selector] : []),
    ...(work.secrets ? ['--include-secrets'] : []),
    ...wordsOf({ ...work, node: '' }, settings),
  ];
  const volumes: V1Volume[] = [{ name: 'scratch', emptyDir: {} }, ...targetVolumes(settings.target)];
  const mounts: V1VolumeMount[] = [{ name: 'scratch', mountPath: SCRATCH }, ...targetMounts(settings.target)];
  return backupJob({ name, orderId, step: 'exportManifests', node: '', args, volumes, mounts, settings }, (spec) => ({
    ...spec,
    serviceAccountName: work.secrets ? EXPORT_ACCOUNTS.withSecrets : EXPORT_ACCOUNTS.plain,
  }));
}

interface JobParts {
  readonly name: string;
  readonly orderId: string;
  readonly step: string;
  readonly node: string;
  readonly args: readonly string[];
  readonly volumes: V1Volume[];
  readonly mounts: V1VolumeMount[];
  readonly settings: BackupSettings;
}

type PodSpec = NonNullable<V1Job['spec']>['template']['spec'] & object;

function backupJob(parts: JobParts, place: (spec: PodSpec) => PodSpec): V1Job {
  const { name, orderId, step, node, args, volumes, mounts, settings } = parts;
  const labels = {
    [JOB_LABELS.order]: orderId,
    [JOB_LABELS.step]: step,
    ...(node ? { [JOB_LABELS.node]: nodeLabel(node) } : {}),
  };
  const { credentialsSecret } = settings;
  const envFrom: V1EnvFromSource[] = credentialsSecret ? [{ secretRef: { name: credentialsSecret } }] : [];
  const spec: PodSpec = {
    restartPolicy: 'Never',
    containers: [
      {
        name: 'backup',
        image: settings.image,
        command: ['wavegate-agent'],
        args: [...args],
        // Sockets and servers of the proof; the root of the container cannot be written.
        env: [{ name: 'TMPDIR', value: SCRATCH }],
        envFrom,
        resources: { requests: { cpu: '50m', memory: '128Mi' } },
        securityContext: {
          runAsUser: 0,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          // Root's files in /etc/kubernetes; the root of the running etcd, in /proc.
          capabilities: { drop: ['ALL'], add: node ? ['DAC_OVERRIDE', 'SYS_PTRACE'] : ['DAC_OVERRIDE'] },
        },
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: mounts,
      },
    ],
    volumes,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: NODE_JOB_NAMESPACE, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: DEADLINE_S,
      ttlSecondsAfterFinished: 86_400,
      template: { metadata: { labels }, spec: place(spec) },
    },
  };
}

interface Named {
  readonly node: string;
  readonly cluster: string;
  readonly keeping?: BackupKeeping;
}

function wordsOf(of: Named, settings: BackupSettings): readonly string[] {
  const { label, ttlMs } = of.keeping ?? {};
  const { target, endpointUrl, region, recipients, plaintext, keep } = settings;
  return [
    ...['--cluster', of.cluster, ...(of.node ? ['--node', of.node] : [])],
    ...['--to', placeOf(target), '--keep', String(keep)],
    ...(label ? ['--name', label] : []),
    ...(ttlMs ? ['--ttl', `${ttlMs}ms`] : []),
    ...storeWords({ endpointUrl, region }),
    ...recipients.flatMap((recipient) => ['--recipient', recipient]),
    ...(plaintext ? ['--plaintext'] : []),
    ...['--termination-log', '/dev/termination-log', '--output', 'json'],
  ];
}

function storeWords({ endpointUrl, region }: Pick<BackupSettings, 'endpointUrl' | 'region'>): readonly string[] {
  return [...(endpointUrl ? ['--endpoint-url', endpointUrl] : []), ...(region ? ['--region', region] : [])];
}

function clientFiles(): readonly string[] {
  const file = (option: string, name: string): string[] => [option, `${CLIENT}/${name}`];
  return [...file('--cacert', 'ca.crt'), ...file('--cert', 'tls.crt'), ...file('--key', 'tls.key')];
}

const claimOf = (target: string): string | null => /^pvc:([a-z0-9.-]+)$/.exec(target)?.[1] ?? null;

/** A folder is mounted under its own name, so that a receipt says where it lies on the host. A claim leaves the host. */
function placeOf(target: string): string {
  const claim = claimOf(target);
  return claim ? `volume:/pvc/${claim}` : target;
}

/**
 * Why backups may not go there as they are: a network volume and an object store leave the host, and an etcd in plain
 * is every Secret and the keys of the cluster. Null: they may.
 */
export function unsafeTarget({ target, recipients, plaintext }: BackupSettings): string | null {
  const leaves = target.startsWith('s3://') || claimOf(target) !== null;
  if (!leaves || recipients.length > 0 || plaintext) return null;
  return `--backup-to ${target}: name who may read them by --backup-recipients, or say --backup-plaintext`;
}

function targetVolumes(target: string): V1Volume[] {
  if (target.startsWith('s3://')) return [];
  const claimName = claimOf(target);
  if (claimName) return [{ name: 'target', persistentVolumeClaim: { claimName } }];
  return [{ name: 'target', hostPath: { path: target.replace(/^file:(\/\/)?/, ''), type: 'DirectoryOrCreate' } }];
}

function targetMounts(target: string): V1VolumeMount[] {
  if (target.startsWith('s3://')) return [];
  return [{ name: 'target', mountPath: placeOf(target).replace(/^(volume|file):(\/\/)?/, '') }];
}
