import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Reason } from '@wavegate/fleet';
import { CancelSource } from '@wavegate/runtime/agent';
import {
  backupVelero,
  createSchedule,
  proveLatest,
  restoreVelero,
  veleroFindings,
  veleroMeans,
} from '../../libs/kube/src/backup/velero/index.js';
import type { VeleroMeans } from '../../libs/kube/src/backup/velero/index.js';
import { openKube } from '../../libs/kube/src/kube-access.js';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AGENT_USER, AgentProcess } from './world/agent-process.js';
import { orderEnded } from './world/asked-orders.js';
import { eventually, pause } from './world/eventually.js';
import { builtProgram, HubProcess } from './world/hub-process.js';
import { startCluster } from './world/real-cluster.js';
import type { RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';
import { canaryNamespace } from './world/velero-canary.js';
import { VeleroWorld } from './world/velero-world.js';
import { workloadReady } from './world/workload.js';

const VERSION = '1.35.4';
const WEB = { namespace: 'shop', name: 'web', replicas: 2 };
const SHOP = { namespaces: ['shop'], selector: '', ttlMs: 3_600_000, attempt: 1 };

let dir: string;
let cluster: RealCluster;
let velero: VeleroWorld;
let means: VeleroMeans;
const told: Reason[] = [];
const watcher = { report: (reason: Reason) => void told.push(reason), cancel: new CancelSource() };

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [
    { name: 'cp-1', role: 'controlPlane' as const, kubelet: VERSION, zone: 'a' },
    { name: 'worker-1', role: 'worker' as const, kubelet: VERSION, zone: 'a' },
  ];
  cluster = await startCluster({ name: 'velero', version: VERSION, dir, nodes });
  await canaryNamespace(cluster, 'shop');
  [velero] = await Promise.all([VeleroWorld.start(cluster), workloadReady(cluster, WEB)]);
  const clock = { now: () => Date.now(), sleep: (ms: number) => pause(ms) };
  means = veleroMeans(openKube({ kubeconfig: cluster.kubeconfigPath }), clock);
});

afterAll(async () => {
  await cluster?.stop();
  removeRunFolder(dir);
});

const namesOf = async (path: string): Promise<string[]> =>
  (await cluster.api.list(path)).map(({ metadata }) => metadata.name);
const proofNamespaces = async (): Promise<string[]> =>
  (await namesOf('/api/v1/namespaces')).filter((name) => name.startsWith('wavegate-proof-'));
/** Everything that was ever made in scratch namespaces, by resource. */
const madeInProofs = (): string[] =>
  cluster
    .audit()
    .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.namespace?.startsWith('wavegate-proof-'))
    .map(({ objectRef }) => objectRef?.resource ?? '');
const detailOf = (result: Awaited<ReturnType<typeof backupVelero>>): string =>
  result.kind === 'failed' ? String(result.reason.params.detail) : `it ${result.kind}`;

describe('a Velero backup of one namespace', () => {
  it('proven by a restore → a receipt that counts what was compared; nothing ran in the scratch namespace, nothing of it stays', async () => {
    const result = await backupVelero(means, { ...SHOP, name: 'first', canary: 'shop' }, watcher);

    expect(result).toMatchObject({
      kind: 'succeeded',
      receipt: { backup: 'velero', path: 'first', verified: 'restore', totalKeys: expect.any(Number) },
    });
    const checks = result.kind === 'succeeded' ? (result.receipt?.checks ?? []).join('\n') : '';
    expect(checks).toMatch(/restored into wavegate-proof-\w+ in \d+s: 18 objects of 15 kinds compared, 0 differ/);
    expect(checks).not.toContain('could not be removed');
    expect(told).toContainEqual({
      code: 'velero_backup_running',
      params: { name: 'first', phase: expect.any(String) },
    });
    expect(await proofNamespaces()).toEqual([]);
    expect(madeInProofs()).toContain('deployments');
    expect(madeInProofs()).not.toContain('pods');
    expect(await namesOf('/api/v1/namespaces/velero/configmaps')).toEqual(['kube-root-ca.crt']);
  });

  it('asked for again by the same name → adopted; for something else by that name → refused, nothing is overwritten', async () => {
    const before = await velero.get('backups', 'first');

    expect(await backupVelero(means, { ...SHOP, name: 'first' }, watcher)).toMatchObject({ kind: 'succeeded' });
    const other = await backupVelero(means, { ...SHOP, name: 'first', namespaces: ['default'] }, watcher);

    expect(detailOf(other)).toContain('a Backup first is there already and takes something else');
    expect(await velero.get('backups', 'first')).toEqual(before);
  });

  it('spoilt in its store, and the original changed since → the spoilt objects are faults, the changed one is explained', async () => {
    expect(await backupVelero(means, { ...SHOP, name: 'spoilt' }, watcher)).toMatchObject({ kind: 'succeeded' });
    await pause(1_100); // timestamps are whole seconds
    await cluster.api.patch('/api/v1/namespaces/shop/services/web', { metadata: { labels: { tier: 'front' } } });
    await velero.spoil('spoilt', (path, object) => {
      if (path.endsWith('/secrets/namespaces/shop/password.json')) return null;
      if (!path.endsWith('/settings.json')) return object;
      return { ...object, data: { color: 'red', size: '3' } };
    });

    const result = await backupVelero(means, { ...SHOP, name: 'spoilt', canary: 'shop' }, watcher);

    expect(detailOf(result)).toContain('configmaps/settings: data.color differs');
    expect(detailOf(result)).toContain('secrets/password is missing');
    expect(detailOf(result)).not.toContain('services/web');
    expect(await proofNamespaces()).toEqual([]);
  });

  it('the agent stops in the middle of a proof → its next life goes on with the same Restore, and tidies up', async () => {
    const request = { ...SHOP, name: 'resumed', canary: 'shop', orderId: 'o-1' };
    const cancel = new CancelSource();
    const report = ({ code }: Reason) => (code === 'velero_restore_running' ? cancel.cancel() : undefined);
    await expect(backupVelero(means, request, { report, cancel })).rejects.toThrow('the agent is stopping');
    expect(await proofNamespaces()).toHaveLength(1);
    const [begun] = await velero.list('restores');

    expect(await backupVelero(means, request, watcher)).toMatchObject({ receipt: { verified: 'restore' } });

    const made = cluster.audit().filter(({ verb, objectRef, responseStatus }) => {
      const name = objectRef?.resource === 'restores' && verb === 'create' && responseStatus?.code === 201;
      return name && objectRef.name === begun?.metadata.name;
    });
    expect(made).toHaveLength(1);
    expect(await proofNamespaces()).toEqual([]);
  });

  it('a file of it truncated in the store → the proof fails with the words of Velero', async () => {
    expect(await backupVelero(means, { ...SHOP, name: 'cut' }, watcher)).toMatchObject({ kind: 'succeeded' });
    await velero.spoil('cut', 'truncate');

    const result = await backupVelero(means, { ...SHOP, name: 'cut', canary: 'shop' }, watcher);

    expect(detailOf(result)).toMatch(
      /the proof failed: Restore wavegate-proof-\w+ ended \w+ with 1 error and 0 warnings: unexpected EOF/,
    );
    expect(await proofNamespaces()).toEqual([]);
  });

  it('a drill on what is stored → it is the newest one that is read, and its damage is found without a new backup', async () => {
    const before = (await velero.list('backups')).length;

    const result = await proveLatest(means, { ...SHOP, name: 'drill', canary: 'shop', orderId: 'o-2' }, watcher);

    expect(detailOf(result)).toMatch(/the proof failed: Restore wavegate-proof-\w+ ended .*unexpected EOF/);
    expect(await velero.list('backups')).toHaveLength(before);
    expect(detailOf(await proveLatest(means, { ...SHOP, name: 'drill', orderId: 'o-3' }, watcher))).toMatch(
      /name it in the plan \(backup\.velero\.canary\)/,
    );
  });
});

describe('a restore', () => {
  it('previewed → kinds and counts from the list beside the backup, and nothing is changed', async () => {
    const request = { name: 'look', backup: 'first', namespaceMapping: { shop: 'shop' }, preview: true };

    const result = await restoreVelero(means, request, watcher);

    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    expect(findings.map(({ message }) => message)).toContain('1 apps/v1/DaemonSet of shop would be restored into shop');
    expect(findings.map(({ code }) => code)).toContain('velero_target_exists');
    expect(await velero.list('restores')).toEqual([]);
  });

  it('after the namespace was deleted → it is back, its pods run', async () => {
    await cluster.kubectl('patch', 'configmap', 'guarded', '-n', 'shop', '-p', '{"metadata":{"finalizers":null}}');
    await cluster.kubectl('delete', 'namespace', 'shop', '--timeout=240s');
    expect(await namesOf('/api/v1/namespaces')).not.toContain('shop');

    const request = { name: 'back', backup: 'first', namespaceMapping: { shop: 'shop' }, preview: false };
    const result = await restoreVelero(means, request, watcher);

    expect(result).toMatchObject({ kind: 'succeeded', findings: [{ code: 'velero_restored' }] });
    // Made anew by the restore itself, and nothing was left out: it is known to work.
    const checks = [
      expect.stringMatching(/^Restore back is Completed: shop into shop, (\d+) of \1 items, /),
      'not compared object by object, and volumes were not looked into',
    ];
    expect(result).toMatchObject({ receipt: { backup: 'velero', path: 'first', verified: 'restore', checks } });
    await workloadReady(cluster, WEB);
    const settings = await cluster.api.get('/api/v1/namespaces/shop/configmaps/settings');
    expect(settings).toMatchObject({ data: { color: 'blue', size: '3' } });
  });

  it('by label and for a time, into a namespace that is new → only those objects; a drill on it proves it; into one that is there → no proof', async () => {
    const asked = { ...SHOP, name: 'labelled', selector: 'app=web', ttlMs: 7_200_000 };
    expect(await backupVelero(means, asked, watcher)).toMatchObject({ receipt: { verified: 'status' } });
    expect(await velero.get('backups', 'labelled')).toMatchObject({
      spec: { ttl: '2h0m0s', labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } },
    });

    const drill = await proveLatest(means, { ...SHOP, name: 'drill', canary: 'shop', orderId: 'o-4' }, watcher);
    expect(drill).toMatchObject({ receipt: { path: 'labelled', verified: 'restore', provenAt: expect.any(Number) } });

    const request = { name: 'aside', backup: 'labelled', namespaceMapping: { shop: 'shop-aside' }, preview: false };
    expect(await restoreVelero(means, request, watcher)).toMatchObject({ receipt: { verified: 'restore' } });
    expect(await namesOf('/apis/apps/v1/namespaces/shop-aside/deployments')).toEqual(['web']);
    expect(await namesOf('/apis/apps/v1/namespaces/shop-aside/statefulsets')).toEqual([]);

    const again = await restoreVelero(means, { ...request, name: 'again' }, watcher);
    expect(again).toMatchObject({ receipt: { verified: 'status' } });
    const checks = again.kind === 'succeeded' ? (again.receipt?.checks ?? []) : [];
    expect(checks).toContain('no proof: shop-aside was there before, and what Velero finds it leaves as it is');
  });

  it('of a backup, or a namespace, that is not there → refused with what there is', async () => {
    const ask = (backup: string, from: string) =>
      restoreVelero(means, { name: 'x', backup, namespaceMapping: { [from]: 'y' }, preview: false }, watcher);

    expect(detailOf(await ask('frist', 'shop'))).toMatch(
      /Velero knows no Backup frist: the newest are labelled, cut, resumed/,
    );
    expect(detailOf(await ask('first', 'shpo'))).toBe('Backup first does not hold namespace shpo; it holds shop');
  });
});

describe('by orders, through the hub and its agent', () => {
  const DEPLOY = join(import.meta.dirname, '../../deploy/agent');
  const INTO = 'shop-by-order';
  let hub: HubProcess;
  let agent: AgentProcess;
  let taken: string;
  beforeAll(async () => {
    hub = await HubProcess.start(dir);
    agent = await AgentProcess.start(cluster, hub);
    for (const file of ['rbac-velero.yaml', 'rbac-velero-proof.yaml'])
      expect(await cluster.kubectl('apply', '-f', join(DEPLOY, file))).toMatchObject({ code: 0 });
    await eventually('the agent to be connected and to have told of its cluster', async () => {
      const seen = await hub.call<{ agent: { connected: boolean }; facts: unknown }>('GET', '/clusters/velero');
      return seen.agent.connected && seen.facts !== null;
    });
  });
  afterAll(async () => {
    await agent?.stop();
    await hub?.stop();
  });

  const ask = (body: unknown) => orderEnded(hub, 'velero', body);
  const restore = (more: object) =>
    ask({ kind: 'restore', args: { from: taken, namespaceMapping: { shop: INTO }, preview: false, ...more } });
  /** What a person would compare: everything of that kind by name, without what belongs to the one object only. */
  const contents = async (namespace: string, kind: string, take: (object: object) => unknown) =>
    Object.fromEntries(
      (await cluster.api.list(`${kind.replace('*', `namespaces/${namespace}`)}`))
        .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
        .map((object) => [object.metadata.name, take(object)]),
    );

  it('a backup with a canary → completed, its receipt and the proof of it in the hub and in the cluster’s columns', async () => {
    const args = { what: 'velero', name: 'by-order', namespaces: ['shop'], ttlMs: 3_600_000 };
    const order = await ask({ kind: 'backup', args, backup: { velero: { canary: 'shop' } } });

    expect(order.outcome).toMatchObject({ kind: 'completed' });
    expect(order.receipts).toMatchObject([{ backup: 'velero', verified: 'restore' }]);
    taken = order.receipts[0]?.path ?? '';
    expect(taken).toContain('by-order');
    const checks = order.receipts[0]?.checks?.join('\n');
    expect(checks).toMatch(/restored into wavegate-proof-\w+ in \d+s: \d+ objects of \d+ kinds compared, 0 differ/);
    expect(await velero.get('backups', taken)).toMatchObject({
      spec: { includedNamespaces: ['shop'], ttl: '1h0m0s' },
      status: { phase: 'Completed' },
    });
    const { lastBackup, lastRestoreProof } = await hub.call<{
      lastBackup: { order: string } | null;
      lastRestoreProof: { order: string } | null;
    }>('GET', '/clusters/velero');
    expect([lastBackup?.order, lastRestoreProof?.order]).toEqual([order.id, order.id]);
    expect(await proofNamespaces()).toEqual([]);
  });

  it('a restore into a new namespace, previewed → what would come, told through the hub, and nothing made', async () => {
    const before = (await velero.list('restores')).length;
    // From here on by the rights of rbac-velero.yaml alone: who proves nothing needs no more.
    await cluster.kubectl('delete', '-f', join(DEPLOY, 'rbac-velero-proof.yaml'));

    const order = await restore({ preview: true });
    const onto = await restore({ preview: true, namespaceMapping: { shop: 'shop' } });

    expect(order).toMatchObject({ receipts: [], outcome: { kind: 'completed' } });
    const said = order.findings.map(({ message }) => message);
    expect(said).toContain(`1 apps/v1/Deployment of shop would be restored into ${INTO}`);
    expect(order.findings.map(({ code }) => code)).not.toContain('velero_target_exists');
    expect(onto.findings).toContainEqual(expect.objectContaining({ code: 'velero_target_exists', object: 'shop' }));
    expect(await velero.list('restores')).toHaveLength(before);
    expect(await namesOf('/api/v1/namespaces')).not.toContain(INTO);
  });

  it('the same, done → by the agent’s own Restore, under the order’s name; both namespaces hold the same; the hub has the receipt', async () => {
    const order = await restore({});

    expect(order).toMatchObject({
      outcome: { kind: 'completed' },
      findings: expect.arrayContaining([expect.objectContaining({ code: 'velero_restored' })]),
      receipts: [{ backup: 'velero', path: taken, verified: 'restore' }],
    });
    const made = cluster
      .audit()
      .filter(
        ({ verb, objectRef, user }) =>
          verb === 'create' && objectRef?.resource === 'restores' && user.username === AGENT_USER,
      )
      .map(({ objectRef }) => objectRef?.name);
    expect(made).toContain(`wavegate-${order.id.slice(0, 16)}`);
    const data = (object: object) => (object as { data?: unknown }).data;
    const spec = (object: object) => (object as { spec?: unknown }).spec;
    for (const [kind, take, least] of [
      ['/api/v1/*/configmaps', data, 2],
      ['/api/v1/*/secrets', data, 1],
      ['/apis/apps/v1/*/deployments', spec, 1],
      ['/apis/apps/v1/*/statefulsets', spec, 1],
      ['/apis/batch/v1/*/cronjobs', spec, 1],
      ['/apis/networking.k8s.io/v1/*/ingresses', spec, 1],
    ] as const) {
      const there = await contents(INTO, kind, take);
      expect(there).toEqual(await contents('shop', kind, take));
      expect(Object.keys(there).length).toBeGreaterThanOrEqual(least);
    }
    await workloadReady(cluster, { ...WEB, namespace: INTO });
  });

  it('a backup that is not there → halted, with the names of those that are; nothing is restored', async () => {
    const order = await restore({ from: 'frist' });

    expect(order).toMatchObject({ receipts: [], outcome: { kind: 'halted' } });
    expect(order.outcome?.text).toContain(`Velero knows no Backup frist: the newest are ${taken}, `);
  });
});

describe('what Velero could not do', () => {
  it('a hook that fails → PartiallyFailed is reported as a failure, with the counts and the item', async () => {
    const [pod = ''] = (await namesOf('/api/v1/namespaces/shop/pods')).filter((name) => name.startsWith('web'));
    await cluster.api.patch(`/api/v1/namespaces/shop/pods/${pod}`, {
      metadata: {
        annotations: {
          'pre.hook.backup.velero.io/command': '["/bin/fsfreeze"]',
          'pre.hook.backup.velero.io/on-error': 'Fail',
        },
      },
    });

    const result = await backupVelero(means, { ...SHOP, name: 'partial' }, watcher);

    expect(detailOf(result)).toMatch(
      /^Backup partial ended PartiallyFailed with [1-9]\d* errors? and \d+ warnings?: .*web/,
    );
    const findings = await veleroFindings(means, { maxAgeMs: null, wanted: true });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'velero_backup_failed', object: 'partial' }));
  });

  it('a namespace that is not there, a selector that matches nothing → no empty backup is called good', async () => {
    const unknown = await backupVelero(means, { ...SHOP, name: 'none', namespaces: ['shpo'] }, watcher);
    const empty = await backupVelero(means, { ...SHOP, name: 'empty', selector: 'app=nothing' }, watcher);

    expect(detailOf(unknown)).toBe('there is no namespace shpo to back up');
    expect(detailOf(empty)).toContain('Backup empty is Completed and empty');
  });

  it('a Schedule created → Velero takes it over; paused → a finding says so', async () => {
    const schedule = { name: 'nightly', cron: '0 1 * * *', namespaces: ['shop'], selector: '', ttlMs: 0 };
    expect(await createSchedule(means, schedule)).toMatchObject({ name: 'nightly', nextAt: expect.any(Number) });
    await expect(createSchedule(means, { ...schedule, name: 'odd', cron: '61 1 * * *' })).rejects.toThrow(
      '"61" is no minute (0 to 59)',
    );
    await eventually('the Schedule to be Enabled', async () => {
      return (await velero.get('schedules', 'nightly')).status?.phase === 'Enabled';
    });

    await cluster.api.patch('/apis/velero.io/v1/namespaces/velero/schedules/nightly', { spec: { paused: true } });

    const findings = await veleroFindings(means, { maxAgeMs: null, wanted: true });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'velero_schedule_paused', object: 'nightly' }));
  });

  it('the program itself: list, schedule, a preview of a restore → what Velero has, and what it made', async () => {
    const run = (...words: readonly string[]) => {
      const all = ['backup', 'velero', ...words, '--kubeconfig', cluster.kubeconfigPath];
      const { status, stdout, stderr } = spawnSync(builtProgram('agent'), all, { encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    const weekly = ['weekly', '--cron', '30 2 * * 0', '--namespaces', 'shop', '--ttl', '30d'];
    expect(run('schedule', ...weekly)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/weekly +30 2 \* \* 0/),
    });
    const template = { includedNamespaces: ['shop'], ttl: '720h0m0s' };
    expect(await velero.get('schedules', 'weekly')).toMatchObject({ spec: { schedule: '30 2 * * 0', template } });

    const listed = run('list');
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^nightly +0 1 \* \* \* +shop .* paused$/m);
    expect(listed.stdout).toMatch(/^labelled +Completed /m);
    expect(listed.stdout).toMatch(/^partial +PartiallyFailed /m);
    const seen = JSON.parse(run('list', '-o', 'json').stdout) as { schedules: { name: string }[] };
    expect(seen.schedules.map(({ name }) => name).sort()).toEqual(['nightly', 'weekly']);

    const preview = run('restore', 'labelled', '--into', 'shop:elsewhere', '--preview');
    expect(preview).toMatchObject({ status: 0, stdout: expect.stringMatching(/apps\/v1\/Deployment/) });
    expect(run('prove', 'frist', '--canary', 'shop')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/frist/),
    });
    expect(await namesOf('/api/v1/namespaces')).not.toContain('elsewhere');
  });

  it('the store is away → the location is named as Unavailable, no Backup is made', async () => {
    await velero.stopStore();
    await velero.locationIs('Unavailable');

    const result = await backupVelero(means, { ...SHOP, name: 'storeless' }, watcher);
    const findings = await veleroFindings(means, { maxAgeMs: 60_000, wanted: true });

    expect(detailOf(result)).toMatch(/^BackupStorageLocation velero\/default is Unavailable: .*(refused|dial)/);
    expect((await velero.list('backups')).map(({ metadata }) => metadata.name)).not.toContain('storeless');
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'velero_storage_unavailable', severity: 'block', object: 'velero/default' }),
    );
    await velero.startStore();
    await velero.locationIs('Available');
  });

  it('the server is gone → named within the bound, not waited for', async () => {
    await velero.stopServer();
    const startedAt = Date.now();

    const result = await backupVelero(means, { ...SHOP, name: 'serverless' }, watcher);

    expect(detailOf(result)).toMatch(/the Velero server has not been heard for \d+s .*left at: New/);
    expect(Date.now() - startedAt).toBeLessThan(120_000);
  });
});
