import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { V1Container, V1Job, V1PodSpec } from '@kubernetes/client-node';
import { etcdBackupJob, etcdLookJob, exportJob, DEFAULT_BACKUP } from '../../../libs/kube/src/backup/backup-job.js';
import { nodeJob, type NodeWork } from '../../../libs/kube/src/node-job.js';
import { eventually } from '../world/eventually.js';
import { startCluster } from '../world/real-cluster.js';
import type { RealCluster } from '../world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from '../world/run-folder.js';
import {
  AGENT_CHART,
  AGENT_USER,
  createAs,
  helmMust,
  JOINED,
  NAMESPACE,
  PLAYED_CONTROLLERS,
} from './installed-chart.js';

const VERSION = '1.34.4';
const NODE_IMAGE = `registry.example/wavegate/node@sha256:${'5'.repeat(64)}`;
const AGENT_IMAGE = 'registry.example/wavegate/agent:0.1.0';

let dir: string;
let cluster: RealCluster;

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [
    { name: 'cp-1', role: 'controlPlane' as const, kubelet: VERSION, zone: 'a' },
    { name: 'worker-1', role: 'worker' as const, kubelet: VERSION, zone: 'a' },
  ];
  cluster = await startCluster({ name: 'jobs', version: VERSION, dir, nodes });
  const pinned = `--set-string=nodeImage.digest=sha256:${'5'.repeat(64)}`;
  const where = ['-n', NAMESPACE, '--create-namespace', '--wait', '--timeout=5m'];
  await helmMust(cluster, [
    'install',
    'wavegate-agent',
    AGENT_CHART,
    ...where,
    ...JOINED,
    '--set=mode=full',
    pinned,
    PLAYED_CONTROLLERS,
  ]);
  // A new policy is in force a moment after it was made.
  const foreign = { ...step('early'), metadata: { name: 'early', namespace: 'wavegate-nodes' } };
  await eventually('the policies to be in force', async () =>
    /ValidatingAdmissionPolicy/.test(
      await createAs(cluster, 'root-of-all', foreign, '--as-group', 'system:masters', '--dry-run=server'),
    ),
  );
});

afterAll(async () => {
  await cluster?.stop();
  removeRunFolder(dir);
});

const WORK: NodeWork = { verb: 'kubelet', node: 'cp-1', from: '1.34.4', to: '1.35.4', first: false, verify: 'status' };
const BACKUP = { ...DEFAULT_BACKUP, image: AGENT_IMAGE };

const step = (name: string): V1Job => nodeJob(name, 'order-1', WORK, NODE_IMAGE);
const snapshot = (name: string): V1Job =>
  etcdBackupJob(name, 'order-1', { node: 'cp-1', cluster: '0d5e-uid', verify: 'restore' }, BACKUP);
const exported = (name: string): V1Job =>
  exportJob(
    name,
    'order-1',
    { cluster: '0d5e-uid', namespaces: ['shop', 'ci'], selector: 'team in (a, b)', secrets: false },
    BACKUP,
  );

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Change = (pod: Mutable<V1PodSpec>, main: Mutable<V1Container>, job: Mutable<V1Job>) => void;

function changed(job: V1Job, change: Change): V1Job {
  const copy = structuredClone(job) as Mutable<V1Job>;
  const pod = copy.spec?.template.spec as Mutable<V1PodSpec>;
  change(pod, pod.containers[0] as Mutable<V1Container>, copy);
  return copy;
}

/** What an agent that was taken over, or somebody beside it, might try; each must be refused by a rule of its own words. */
const STEP_CHANGES: readonly (readonly [string, Change, RegExp])[] = [
  ['another image', (_, main) => void (main.image = 'evil.example/node:1'), /the image of a step is .*not evil/],
  [
    'the same image by another digest',
    (_, main) => void (main.image = `registry.example/wavegate/node@sha256:${'6'.repeat(64)}`),
    /the image of a step/,
  ],
  ['the agent’s image', (_, main) => void (main.image = AGENT_IMAGE), /the image of a step/],
  ['a command', (_, main) => void (main.command = ['sh', '-c', 'id']), /without command or args/],
  ['args', (_, main) => void (main.args = ['--evil']), /without command or args/],
  [
    'another mount',
    (_, main) => void (main.volumeMounts?.[0] && (main.volumeMounts[0].mountPath = '/')),
    /mounts the host's root at \/host/,
  ],
  [
    'one mount more',
    (_, main) => void main.volumeMounts?.push({ name: 'host', mountPath: '/also' }),
    /mounts the host's root at \/host/,
  ],
  [
    'a volume more',
    (pod) => void pod.volumes?.push({ name: 's', secret: { secretName: 'x' } }),
    /mounts the host's root at \/host/,
  ],
  [
    'another folder of the host',
    (pod) => void (pod.volumes = [{ name: 'host', hostPath: { path: '/etc', type: 'Directory' } }]),
    /mounts the host's root at \/host/,
  ],
  ['a second container', (pod) => void pod.containers.push({ name: 'also', image: NODE_IMAGE }), /has one container/],
  [
    'an init container',
    (pod) => void (pod.initContainers = [{ name: 'first', image: NODE_IMAGE }]),
    /has one container/,
  ],
  ['a service account token', (pod) => void (pod.automountServiceAccountToken = true), /no service account token/],
  ['the token left to chance', (pod) => void delete pod.automountServiceAccountToken, /no service account token/],
  ['another service account', (pod) => void (pod.serviceAccountName = 'wavegate-export'), /no service account token/],
  ['no node', (pod) => void delete pod.nodeName, /names its node/],
  [
    'the host’s network',
    (pod) => void (pod.hostNetwork = true),
    /only a snapshot or a look at etcd uses the host's network/,
  ],
  ['the host’s IPC', (pod) => void (pod.hostIPC = true), /only a snapshot or a look at etcd uses the host's network/],
  ['no hostPID', (pod) => void delete pod.hostPID, /hostPID/],
  [
    'an environment from a Secret',
    (_, main) => void (main.envFrom = [{ secretRef: { name: 'x' } }]),
    /environment from a Secret/,
  ],
  [
    'a value from elsewhere',
    (_, main) => void main.env?.push({ name: 'WG_X', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }),
    /plain values/,
  ],
  ['LD_PRELOAD', (_, main) => void main.env?.push({ name: 'LD_PRELOAD', value: '/host/evil.so' }), /plain values/],
  [
    'packages from somebody else’s mirror',
    (_, main) => void main.env?.splice(0, 99, { name: 'WG_MIRROR', value: 'https://evil.example/deb/' }),
    /nodePackages\.mirror, and from no other/,
  ],
  [
    'a probe that runs a command',
    (_, main) => void (main.livenessProbe = { exec: { command: ['sh'] } }),
    /no probes, hooks or devices/,
  ],
  [
    'a hook that runs a command',
    (_, main) => void (main.lifecycle = { preStop: { exec: { command: ['sh'] } } }),
    /no probes, hooks or devices/,
  ],
  ['retries', (_p, _m, job) => void (job.spec && (job.spec.backoffLimit = 6)), /runs once/],
  ['no end', (_p, _m, job) => void (job.spec && delete job.spec.activeDeadlineSeconds), /runs once/],
  [
    'ten at once',
    (_p, _m, job) => void (job.spec && Object.assign(job.spec, { parallelism: 10, completions: 10 })),
    /runs once/,
  ],
  ['restarts', (pod) => void (pod.restartPolicy = 'OnFailure'), /runs once/],
  ['another name of the container', (_, main) => void (main.name = 'other'), /none of the agent's Jobs/],
];

const SNAPSHOT_CHANGES: readonly (readonly [string, Change, RegExp])[] = [
  ['another image', (_, main) => void (main.image = NODE_IMAGE), /the image of a backup is/],
  ['another command', (_, main) => void (main.command = ['node', '-e', 'evil']), /the command of a backup/],
  [
    'another place',
    (_, main) => void (main.args = main.args?.map((one) => one.replace('/var/lib/wavegate/backups', '/tmp'))),
    /not the words of this release's etcd snapshot/,
  ],
  ['a reader more', (_, main) => void main.args?.push('--recipient', 'age1evil'), /not the words/],
  [
    'a word smuggled into another',
    (_, main) => void (main.args = main.args?.map((one) => (one === 'cp-1' ? 'cp-1\n--to\n/x' : one))),
    /not the words/,
  ],
  [
    'privileged',
    (_, main) =>
      void (main.securityContext = { ...main.securityContext, allowPrivilegeEscalation: true, privileged: true }),
    /not privileged/,
  ],
  ['a capability more', (_, main) => void main.securityContext?.capabilities?.add?.push('SYS_ADMIN'), /not privileged/],
  [
    '/etc/kubernetes for writing',
    (_, main) => void (main.volumeMounts?.[0] && (main.volumeMounts[0].readOnly = false)),
    /may only read/,
  ],
  [
    'the host’s root',
    (pod) => void (pod.volumes?.[0] && (pod.volumes[0].hostPath = { path: '/', type: 'Directory' })),
    /a backup mounts/,
  ],
  [
    'a Secret of another name',
    (_, main) => void (main.envFrom = [{ secretRef: { name: 'x' } }]),
    /environment from a Secret/,
  ],
  ['NODE_OPTIONS', (_, main) => void main.env?.push({ name: 'NODE_OPTIONS', value: '--require /x' }), /TMPDIR/],
];

const EXPORT_CHANGES: readonly (readonly [string, Change, RegExp])[] = [
  ['Secrets', (_, main) => void main.args?.splice(2, 0, '--include-secrets'), /not the words of this release's export/],
  [
    'the account that may read Secrets',
    (pod) => void (pod.serviceAccountName = 'wavegate-export-secrets'),
    /runs as wavegate-export/,
  ],
  ['the host’s processes', (pod) => void (pod.hostPID = true), /exports and looks do not/],
  ['SYS_PTRACE', (_, main) => void main.securityContext?.capabilities?.add?.push('SYS_PTRACE'), /not privileged/],
];

describe('what the admission policy lets into wavegate-nodes', () => {
  it.each([
    ['a step', step],
    ['an etcd snapshot', snapshot],
    ['an export of manifests', exported],
  ] as const)('%s of the agent’s own template, by the agent → taken', async (name, make) => {
    expect(await createAs(cluster, AGENT_USER, make(`good-${name.replaceAll(' ', '-')}`))).toBe('');
  });

  it('the same step by anybody else, admin or not → refused, with who may', async () => {
    const admin = await createAs(cluster, 'alice', step('by-alice'), '--as-group', 'system:masters');
    expect(admin).toMatch(/only the Wavegate agent may make them, not alice/);
    const other = 'system:serviceaccount:default:wavegate-agent';
    expect(await createAs(cluster, other, step('by-other'), '--as-group', 'system:masters')).toMatch(
      /not system:serviceaccount:default/,
    );
  });

  it.each(STEP_CHANGES)('a step with %s → refused', async (_name, change, words) => {
    expect(await createAs(cluster, AGENT_USER, changed(step('changed'), change))).toMatch(words);
  });

  it.each(SNAPSHOT_CHANGES)('a snapshot with %s → refused', async (_name, change, words) => {
    expect(await createAs(cluster, AGENT_USER, changed(snapshot('changed'), change))).toMatch(words);
  });

  it.each(EXPORT_CHANGES)('an export with %s → refused', async (_name, change, words) => {
    expect(await createAs(cluster, AGENT_USER, changed(exported('changed'), change))).toMatch(words);
  });

  it('preflight’s dry run with its own image → taken; the same for real → refused', async () => {
    const asked = changed(
      step('wg-preflight-dry-run'),
      (_, main) => void (main.image = 'preflight.invalid/node:dry-run'),
    );
    expect(await createAs(cluster, AGENT_USER, asked, '--dry-run=server')).toBe('');
    expect(await createAs(cluster, AGENT_USER, asked)).toMatch(/the image of a step/);
  });

  it('a pod, a CronJob’s Job or a Deployment’s pod there, by an admin → refused', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'wavegate-nodes' },
      spec: { containers: [{ name: 'c', image: NODE_IMAGE }] },
    };
    expect(await createAs(cluster, 'alice', pod, '--as-group', 'system:masters')).toMatch(
      /only the Job controller may make them/,
    );
    const bySet = 'system:serviceaccount:kube-system:replicaset-controller';
    expect(await createAs(cluster, bySet, pod, '--as-group', 'system:masters')).toMatch(/only the Job controller/);
    const byCron = 'system:serviceaccount:kube-system:cronjob-controller';
    expect(await createAs(cluster, byCron, step('by-cron'), '--as-group', 'system:masters')).toMatch(
      /only the Wavegate agent/,
    );
  });

  it('the pod of a taken Job → made by the Job controller; its image may not be changed, nobody enters it', async () => {
    const pod = await eventually('the pod of the step', async () => {
      const { stdout } = await cluster.kubectl(
        'get',
        'pods',
        '-n',
        'wavegate-nodes',
        '-l',
        'job-name=good-a-step',
        '-o',
        'name',
      );
      return stdout.trim();
    });
    const image = JSON.stringify({ spec: { containers: [{ name: 'step', image: 'evil.example/x' }] } });
    const patched = await cluster.kubectl('patch', '-n', 'wavegate-nodes', pod, '-p', image);
    expect(patched.stderr).toMatch(/image of a node Job's pod may not be changed/);
    const entered = await cluster.kubectl('exec', '-n', 'wavegate-nodes', pod, '--', 'sh');
    expect(entered.stderr).toMatch(/nobody enters it/);
  });

  it('a look at an etcd beside the cluster → refused where the chart knows of none; told of one: taken, in its own words only', async () => {
    const externalEtcd = { endpoints: ['https://etcd-1:2379', 'https://etcd-2:2379'], secret: 'etcd-client' };
    const look = (name: string) => etcdLookJob(name, 'order-1', 'cp-1', { ...BACKUP, externalEtcd });
    expect(await createAs(cluster, AGENT_USER, look('early-look'))).toMatch(/none of the agent's Jobs/);

    const etcd = `--set=externalEtcd.endpoints={${externalEtcd.endpoints.join(',')}},externalEtcd.secret=etcd-client`;
    await helmMust(cluster, ['upgrade', 'wavegate-agent', AGENT_CHART, '-n', NAMESPACE, '--reuse-values', etcd]);
    await eventually('the new policy to be in force', async () => {
      return (await createAs(cluster, AGENT_USER, look('look'), '--dry-run=server')) === '';
    });
    expect(await createAs(cluster, AGENT_USER, look('look'))).toBe('');

    const changes: readonly (readonly [Change, RegExp])[] = [
      [(_, main) => void main.args?.push('--endpoint', 'https://evil.example'), /not the words of this release's look/],
      [(pod) => void (pod.hostPID = true), /exports and looks do not/],
      [(pod) => void (pod.volumes?.[0]?.secret && (pod.volumes[0].secret.secretName = 'other')), /a backup mounts/],
      [
        (pod) => void pod.volumes?.push({ name: 'target', hostPath: { path: '/var/lib/wavegate/backups' } }),
        /a backup mounts/,
      ],
    ];
    for (const [change, words] of changes)
      expect(await createAs(cluster, AGENT_USER, changed(look('changed'), change))).toMatch(words);
  });
});
