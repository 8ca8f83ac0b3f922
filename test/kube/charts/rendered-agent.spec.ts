import { describe, expect, it } from '@jest/globals';
import type { V1Job } from '@kubernetes/client-node';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_BACKUP,
  etcdBackupJob,
  etcdLookJob,
  etcdProofJob,
  exportJob,
  type BackupSettings,
} from '../../../libs/kube/src/backup/backup-job.js';
import { JOINED } from './installed-chart.js';
import { golden, objectsIn, render, rendered, type PolicyRule, type Rendered } from './rendered.js';

const MODES = ['observe', 'drain', 'full'] as const;
const ROOT = join(import.meta.dirname, '../../..');

/** Everything that can be switched on, at once. */
const ALL: readonly string[] = [
  ...JOINED,
  '--set=mode=full,velero.enabled=true,velero.proof=true,replicas=2,backup.export.secrets=true,tolerateControlPlane=true',
  '--set=localPolicy.freeze=true,backup.to=s3://bucket/prefix,backup.recipients[0]=age1abc,backup.secret=store',
  '--set=externalEtcd.endpoints[0]=https://etcd-1:2379,externalEtcd.secret=etcd,nodePackages.mirror=https://m.example/v{minor}/',
  '--set=metrics.sources[0].name=p,metrics.sources[0].url=https://prometheus.monitoring.svc:9090',
];

const rolesOf = (objects: readonly Rendered[]) =>
  objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');

/** One line per right: "patch nodes", "get secrets/wavegate-agent-identity in wavegate". */
function rightsOf(objects: readonly Rendered[]): readonly string[] {
  return rolesOf(objects)
    .flatMap(({ rules = [], metadata }) => rules.flatMap((rule) => rightsOfRule(rule, metadata.namespace)))
    .sort();
}

function rightsOfRule(rule: PolicyRule, namespace: string | undefined): readonly string[] {
  const names = rule.resourceNames ?? [''];
  const things = (rule.resources ?? []).flatMap((resource) =>
    (rule.apiGroups ?? ['']).flatMap((group) =>
      names.map((name) => `${group ? `${group}/` : ''}${resource}${name && `:${name}`}`),
    ),
  );
  const all = [...things, ...(rule.nonResourceURLs ?? [])];
  return all.flatMap((thing) => rule.verbs.map((verb) => `${verb} ${thing}${namespace ? ` in ${namespace}` : ''}`));
}

/** Each way to say where backups go: as values of the chart, and as the agent reads them from its environment. */
const BACKUPS: readonly (readonly [string, readonly string[], Partial<BackupSettings>])[] = [
  ['the host', [], {}],
  [
    'a claim',
    ['--set=backup.to=pvc:backups,backup.keep=9,backup.recipients={age1aaa}'],
    { target: 'pvc:backups', keep: 9, recipients: ['age1aaa'] },
  ],
  [
    'an object store, for two readers',
    [
      '--set=backup.to=s3://bucket/clusters/a,backup.recipients={age1aaa,age1bbb},backup.region=eu-1',
      '--set=backup.endpointUrl=https://s3.example:9000',
    ],
    {
      target: 's3://bucket/clusters/a',
      recipients: ['age1aaa', 'age1bbb'],
      region: 'eu-1',
      endpointUrl: 'https://s3.example:9000',
    },
  ],
  [
    'an object store, with a key for drills',
    ['--set=backup.to=s3://store/a,backup.recipients={age1aaa},backup.region=eu-1,backup.identitySecret=drill-key'],
    { target: 's3://store/a', recipients: ['age1aaa'], region: 'eu-1', identitySecret: 'drill-key' },
  ],
  [
    'a store, unencrypted',
    ['--set=backup.to=s3://store,backup.plaintext=true'],
    { target: 's3://store', plaintext: true },
  ],
  [
    'the host, from an etcd beside the cluster',
    ['--set=externalEtcd.endpoints={https://etcd-1:2379,https://etcd-2:2379},externalEtcd.secret=etcd'],
    { externalEtcd: { endpoints: ['https://etcd-1:2379', 'https://etcd-2:2379'], secret: 'etcd' } },
  ],
];

const lineOf = (job: V1Job): string => job.spec?.template.spec?.containers[0]?.args?.join('\n') ?? '';

/** The patterns of RE2 that the policy matches words by; they are JavaScript's too. */
function wordsOfPolicy(objects: readonly Rendered[]): readonly [RegExp, RegExp, RegExp] {
  const policy = objects.find(
    ({ kind, metadata }) => kind === 'ValidatingAdmissionPolicy' && metadata.name === 'wavegate-node-jobs',
  );
  const { validations } = policy?.spec as { readonly validations: readonly { readonly expression: string }[] };
  const patterns = validations.flatMap(({ expression }) => /words\.matches\(r'(.*)'\)/s.exec(expression)?.[1] ?? []);
  const [snapshot = '$^', exported = '$^', proof = '$^'] = patterns;
  return [new RegExp(snapshot), new RegExp(exported), new RegExp(proof)];
}

/** The words of a look, as CEL has them between quotes. */
function lookOfPolicy(objects: readonly Rendered[]): readonly string[] {
  const found = objects.flatMap(({ spec }) => {
    const { validations = [] } = (spec ?? {}) as { readonly validations?: readonly { readonly expression: string }[] };
    return validations.flatMap(
      ({ expression }) => /isLook \|\| variables\.words == (".*")$/.exec(expression)?.[1] ?? [],
    );
  });
  return found.map((text) => JSON.parse(text) as string);
}

describe('what the agent’s chart renders', () => {
  it.each(MODES)('mode %s → as reviewed', async (mode) => {
    const { text, error } = await render('agent', [...JOINED, `--set=mode=${mode}`]);
    expect(error).toBe('');
    expect(text).toBe(golden(`agent-${mode}`, text));
  });

  it('everything switched on → as reviewed', async () => {
    const { text, error } = await render('agent', ALL);
    expect(error).toBe('');
    expect(text).toBe(golden('agent-everything', text));
  });

  it('each mode adds what its name says, and nothing else', async () => {
    const [observe, drain, full] = await Promise.all(
      MODES.map(async (mode) =>
        rightsOf(await rendered('agent', [...JOINED, `--set=mode=${mode}`, '--set=backup.export.enabled=false'])),
      ),
    );
    const more = (later: readonly string[] = [], earlier: readonly string[] = []) =>
      later.filter((right) => !earlier.includes(right));
    expect(more(drain, observe)).toEqual(['create pods/eviction', 'patch nodes']);
    expect(more(full, drain)).toEqual([
      ...['create', 'delete', 'get'].map((verb) => `${verb} batch/jobs in wavegate-nodes`),
      // What its own steps say while they run, and whether kubelets still report.
      'get pods/log in wavegate-nodes',
      'list batch/jobs in wavegate-nodes',
      'list coordination.k8s.io/leases in kube-node-lease',
    ]);
    expect(more(observe, drain)).toEqual([]);
    // Looking: apart from its own namespace nothing is written.
    const writes = (observe ?? []).filter((right) => !/^(get|list|watch) /.test(right));
    expect(writes).toEqual([
      ...['create', 'delete', 'update'].map((verb) => `${verb} configmaps in wavegate`),
      'update secrets:wavegate-agent-identity in wavegate',
    ]);
  });

  it('the rights are those of deploy/agent/rbac.yaml, which clusters without helm apply', async () => {
    const chart = await rendered('agent', [...JOINED, '--set=mode=full', '--set=backup.export.enabled=false']);
    const plain = objectsIn(readFileSync(join(ROOT, 'deploy/agent/rbac.yaml'), 'utf8'));
    expect(rightsOf(chart)).toEqual(rightsOf(plain));
    const bindings = (objects: readonly Rendered[]) =>
      objects
        .filter(({ kind }) => kind.endsWith('Binding') && kind !== 'ValidatingAdmissionPolicyBinding')
        .map(({ kind, metadata, roleRef, subjects }) =>
          JSON.stringify({ kind, name: metadata.name, namespace: metadata.namespace, roleRef, subjects }),
        )
        .sort();
    expect(bindings(chart)).toEqual(bindings(plain));
  });

  it('no role, whatever is switched on, holds what the agent must never have', async () => {
    const objects = await rendered('agent', ALL);
    const rights = rightsOf(objects.filter(({ metadata }) => metadata.name !== 'wavegate-export-secrets'));
    expect(rights.length).toBeGreaterThan(100);
    const forbidden: readonly RegExp[] = [
      /^\* /,
      /^(delete|deletecollection|create|update|patch|\*) pods( |$)/,
      /(nodes\/proxy|pods\/(exec|attach|portforward|proxy|ephemeralcontainers)|services\/proxy|serviceaccounts\/token)/,
      /^(impersonate|escalate|bind|approve|sign) /,
      /certificatesigningrequests\/approval|certificates\.k8s\.io\/signers/,
      /^(?!list ).* admissionregistration\.k8s\.io\//,
      /^(?!list |get ).* rbac\.authorization\.k8s\.io\//,
      /^(update|delete|deletecollection|create) nodes( |$)/,
      /^(create|update|patch|delete) (apps|batch)\/(?!jobs in wavegate-nodes$)/,
    ];
    for (const pattern of forbidden) expect(rights.filter((right) => pattern.test(right))).toEqual([]);
    // Secrets: by name and in its own namespace only.
    expect(rights.filter((right) => / secrets/.test(right))).toEqual([
      'get secrets:wavegate-agent-identity in wavegate',
      'get secrets:wavegate-metrics in wavegate',
      'update secrets:wavegate-agent-identity in wavegate',
    ]);
    // Any resource of a group: for exports, which list and do nothing else.
    expect(rights.filter((right) => /\/\*/.test(right) && !right.startsWith('list '))).toEqual([]);
    // The account that may read Secrets is nobody's but an admin's own Job's.
    const powerful = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRoleBinding' && metadata.name === 'wavegate-export-secrets',
    );
    expect(powerful?.['subjects']).toEqual([
      { kind: 'ServiceAccount', name: 'wavegate-export-secrets', namespace: 'wavegate-nodes' },
    ]);
  });

  it('no role is an aggregated one: its controller would make it again while the chart is uninstalled', async () => {
    const objects = await rendered('agent', ALL);
    expect(objects.filter((object) => object['aggregationRule']).map(({ metadata }) => metadata.name)).toEqual([]);
  });

  it('no workload of the chart is more than Pod Security "restricted" allows; only wavegate-nodes is privileged', async () => {
    const objects = await rendered('agent', ALL);
    const levels = objects
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ metadata }) => [metadata.name, metadata.labels?.['pod-security.kubernetes.io/enforce']]);
    expect(levels).toEqual([['wavegate-nodes', 'privileged']]);
    const pods = objects.filter(({ kind }) => ['Deployment', 'Pod', 'Job'].includes(kind));
    expect(pods.map(({ kind }) => kind).sort()).toEqual(['Deployment', 'Job', 'Pod']);
    for (const pod of pods) expect(JSON.stringify(pod)).not.toMatch(/hostPath|hostNetwork|hostPID|"privileged":true/);
    // With one, every drain of the agent's node would ask for consent to lose it.
    expect(JSON.stringify(pods)).not.toMatch(/emptyDir/);
  });

  it.each([
    ['--set=mdoe=full', /additional properties 'mdoe' not allowed/],
    ['--set=mode=upgrade', /'\/mode': value must be one of 'observe', 'drain', 'full'/],
    ['--set-string=hub.gateway=hub.example', /'\/hub\/gateway': 'hub\.example' does not match pattern/],
    ['--set-string=hub.caSha256=abc', /'\/hub\/caSha256'/],
    ['--set-string=backup.keep=many', /'\/backup\/keep': got string, want integer/],
    ['--set=nodeImage.digest=latest', /'\/nodeImage\/digest'/],
    ['--set=backup.to=relative/folder', /'\/backup\/to'/],
    ['--set=backup.recipients[0]=AGE-SECRET-KEY-1X', /'\/backup\/recipients\/0'/],
    [
      '--set-string=hub.gateway=',
      /hub\.gateway \(HOST:PORT\) is missing: on the hub: `wavegate clusters join NAME` prints/,
    ],
    ['--set-string=hub.caSha256=', /hub\.caSha256 is missing: the agent sends its join token only to/],
    ['--set=join.existingSecret.name=x', /both set: give one of them/],
    ['--set=backup.to=s3://bucket/x', /name who may read the backups by backup\.recipients/],
    ['--set=backup.to=pvc:backups', /name who may read the backups by backup\.recipients/],
    ['--set=externalEtcd.secret=x', /belong together/],
    ['--set=velero.enabled=true,velero.proof=true,admission.enabled=false', /velero\.proof needs admission\.enabled/],
  ])('helm with %s → refused, with the value and what would be right', async (word, words) => {
    const { error } = await render('agent', [...JOINED, word]);
    expect(error).toMatch(words);
  });

  it.each(BACKUPS)(
    'backups to %s → the policy takes the very words that the agent puts, and no others',
    async (_name, words, settings) => {
      const objects = await rendered('agent', [...JOINED, '--set=mode=full', ...words]);
      const [snapshotWords, exportWords, proofWords] = wordsOfPolicy(objects);
      const all = { ...DEFAULT_BACKUP, image: 'registry.example/wavegate/agent:0.1.0', ...settings };
      for (const verify of ['restore', 'status'] as const) {
        const drill = { node: 'cp-1', cluster: '0d5e-uid', verify };
        expect(lineOf(etcdProofJob('n', 'o', drill, all))).toMatch(proofWords);
        expect(lineOf(etcdProofJob('n', 'o', drill, { ...all, target: '/tmp/elsewhere' }))).not.toMatch(proofWords);
        expect(lineOf(etcdProofJob('n', 'o', drill, all))).not.toMatch(snapshotWords);
      }
      // Only where etcd is beside the cluster is there a look, of exactly one wording.
      const look = settings.externalEtcd ? [lineOf(etcdLookJob('n', 'o', 'cp-1', all))] : [];
      expect(lookOfPolicy(objects)).toEqual(look);
      for (const keeping of [{}, { label: 'before-autumn', ttlMs: 86_400_000 }]) {
        const snapshot = etcdBackupJob(
          'n',
          'o',
          { node: 'cp-1', cluster: '0d5e-uid', verify: 'restore', keeping },
          all,
        );
        const work = { cluster: '0d5e-uid', namespaces: ['a', 'b'], selector: 'x in (y)', secrets: false, keeping };
        expect(lineOf(snapshot)).toMatch(snapshotWords);
        expect(lineOf(exportJob('n', 'o', work, all))).toMatch(exportWords);
        expect(lineOf(exportJob('n', 'o', { ...work, secrets: true }, all))).not.toMatch(exportWords);
        const elsewhere = { ...all, target: '/tmp/elsewhere' };
        expect(
          lineOf(etcdBackupJob('n', 'o', { node: 'cp-1', cluster: 'u', verify: 'restore', keeping }, elsewhere)),
        ).not.toMatch(snapshotWords);
      }
    },
  );
});
