import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HELM_4_VERSION, HELM_VERSION } from '../world/obtained-programs.js';
import { eventually } from '../world/eventually.js';
import { startCluster } from '../world/real-cluster.js';
import type { RealCluster } from '../world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from '../world/run-folder.js';
import {
  AGENT_CHART,
  AGENT_USER,
  createAs,
  helm,
  helmMust,
  JOINED,
  NAMESPACE,
  objectsOfOurs,
  PLAYED_CONTROLLERS,
} from './installed-chart.js';

const VERSION = '1.35.4';
let dir: string;
let cluster: RealCluster;

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [
    { name: 'cp-1', role: 'controlPlane' as const, kubelet: VERSION, zone: 'a' },
    { name: 'worker-1', role: 'worker' as const, kubelet: VERSION, zone: 'a' },
  ];
  cluster = await startCluster({ name: 'life', version: VERSION, dir, nodes });
});

afterAll(async () => {
  await cluster?.stop();
  removeRunFolder(dir);
});

const RELEASE = ['wavegate-agent', AGENT_CHART, '-n', NAMESPACE, '--wait', '--timeout=5m'];

async function can(verb: string, resource: string, ...more: readonly string[]): Promise<boolean> {
  const { stdout } = await cluster.kubectl('auth', 'can-i', verb, resource, '--as', AGENT_USER, ...more);
  return stdout.trim() === 'yes';
}

async function powers(): Promise<Readonly<Record<string, boolean>>> {
  return {
    looks: (await can('list', 'nodes')) && (await can('list', 'poddisruptionbudgets', '-A')),
    cordons: await can('patch', 'nodes/worker-1'),
    evicts: await can('create', 'pods', '--subresource=eviction', '-n', 'shop'),
    jobs: await can('create', 'jobs', '-n', 'wavegate-nodes'),
  };
}

/** A right that was given is known to the API server a moment later. */
async function becomes(wanted: Readonly<Record<string, boolean>>): Promise<void> {
  const same = async () => JSON.stringify(await powers()) === JSON.stringify(wanted);
  await eventually('the rights of the mode', same).catch(() => undefined);
  expect(await powers()).toEqual(wanted);
}

/** The hook's own program, as the agent's account. */
async function beforeUninstall(of: RealCluster): Promise<{ readonly code: number; readonly said: string }> {
  const token = await of.kubectl('create', 'token', 'wavegate-agent', '-n', NAMESPACE);
  const account = join(of.dir, 'account');
  mkdirSync(account, { recursive: true });
  writeFileSync(join(account, 'token'), token.stdout, { mode: 0o600 });
  copyFileSync(of.caFile, join(account, 'ca.crt'));
  const { hostname, port } = new URL(of.url);
  const env = { ACCOUNT: account, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, NAMESPACE };
  const ran = spawnSync(process.execPath, [join(AGENT_CHART, 'files/before-uninstall.mjs')], { env, encoding: 'utf8' });
  return { code: ran.status ?? -1, said: ran.stdout + ran.stderr };
}

describe('the life of the agent’s chart, on a real API server', () => {
  it.each([HELM_VERSION, HELM_4_VERSION])(
    'helm %s: installed, upgraded through the modes, uninstalled → nothing of ours is left',
    async (version) => {
      const make = ['create', 'namespace', NAMESPACE];
      await cluster.kubectl(...make);
      // As NOTES advises: the API server itself then holds the agent's pod to it.
      await cluster.kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
      const notes = await helmMust(cluster, ['install', ...RELEASE, ...JOINED, PLAYED_CONTROLLERS], version);
      expect(notes).toMatch(/mode observe; hub hub\.example:8443/);
      await becomes({ looks: true, cordons: false, evicts: false, jobs: false });

      const upgrade = ['upgrade', ...RELEASE, '--reset-then-reuse-values'];
      await helmMust(cluster, [...upgrade, '--set=mode=drain'], version);
      await becomes({ looks: true, cordons: true, evicts: true, jobs: false });

      expect(await helmMust(cluster, [...upgrade, '--set=mode=full'], version)).toMatch(/ROOT ON YOUR NODES/);
      await becomes({ looks: true, cordons: true, evicts: true, jobs: true });

      // Its identity, as the agent would store it: an upgrade keeps it.
      const identity = ['patch', 'secret', 'wavegate-agent-identity', '-n', NAMESPACE, '--as', AGENT_USER];
      const body = ['--type', 'merge', '-p', JSON.stringify({ data: { 'identity.json': 'e30=' } })];
      await cluster.kubectl(
        'patch',
        'role',
        'wavegate-agent',
        '-n',
        NAMESPACE,
        '--type',
        'json',
        '-p',
        JSON.stringify([
          {
            op: 'add',
            path: '/rules/-',
            value: {
              apiGroups: [''],
              resources: ['secrets'],
              resourceNames: ['wavegate-agent-identity'],
              verbs: ['patch'],
            },
          },
        ]),
      );
      await eventually(
        'its identity to be stored',
        async () => (await cluster.kubectl(...identity, ...body)).code === 0,
      );
      await helmMust(
        cluster,
        [...upgrade, '--set=log=debug', ...(version === HELM_4_VERSION ? ['--force-conflicts'] : [])],
        version,
      );
      const kept = await cluster.kubectl(
        'get',
        'secret',
        'wavegate-agent-identity',
        '-n',
        NAMESPACE,
        '-o',
        'jsonpath={.data}',
      );
      expect(kept.stdout).toContain('identity.json');

      // Without its hook: the pods of this world run nothing (what the hook asks is tried below, and run in the lab).
      await helmMust(cluster, ['uninstall', 'wavegate-agent', '-n', NAMESPACE, '--wait', '--no-hooks'], version);
      await eventually('the namespace of node Jobs to go', async () => (await objectsOfOurs(cluster)).length <= 1);
      expect(await objectsOfOurs(cluster)).toEqual([`Namespace ${NAMESPACE}`]);
      await cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait');
    },
    // Five helm runs that each wait for the cluster's controllers: 35 to 60 s at a load of 12 on two cores.
    600_000,
  );

  it('an upgrade to an image that never starts → said by helm, and taken back by it', async () => {
    await helmMust(cluster, [
      'install',
      ...RELEASE,
      '--create-namespace',
      ...JOINED,
      PLAYED_CONTROLLERS,
      '--set=mode=drain',
    ]);
    const never = `--set-json=podAnnotations={"wavegate.test/ready-after":"1h"}`;
    const failed = await helm(cluster, ['upgrade', ...RELEASE, '--reset-then-reuse-values', '--timeout=8s', never]);
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toMatch(/context deadline exceeded|not ready/i);
    await helmMust(cluster, ['rollback', 'wavegate-agent', '1', '-n', NAMESPACE, '--wait']);
  });

  it('the agent’s own account: cordons a node, and can neither taint nor label it nor hand it to an owner', async () => {
    const patch = async (body: unknown): Promise<string> =>
      (
        await cluster.kubectl(
          'patch',
          'node',
          'worker-1',
          '--as',
          AGENT_USER,
          '--type',
          'merge',
          '-p',
          JSON.stringify(body),
        )
      ).stderr;
    const ours = {
      'wavegate.dev/cordoned-by': 'order-1',
      'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true',
    };
    await eventually('the policy to be in force', async () =>
      /taints/.test(await patch({ spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } })),
    );

    expect(await patch({ metadata: { annotations: ours }, spec: { unschedulable: true } })).toBe('');
    expect(await patch({ metadata: { labels: { team: 'mine' } } })).toMatch(/may not change the labels/);
    expect(await patch({ metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': '9' } } })).toMatch(
      /its own \(wavegate.dev/,
    );
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'gone', uid: '0' };
    expect(await patch({ metadata: { ownerReferences: [owner] } })).toMatch(/owners or finalizers/);
    const back = { 'wavegate.dev/cordoned-by': null, 'cluster-autoscaler.kubernetes.io/scale-down-disabled': null };
    expect(await patch({ metadata: { annotations: back }, spec: { unschedulable: false } })).toBe('');
  });

  it('the agent’s own account: writes journals, and cannot write the cluster admin’s word', async () => {
    const map = (name: string, labels = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: NAMESPACE, labels },
      data: { policy: '' },
    });
    const admin = 'alice';
    expect(await createAs(cluster, AGENT_USER, map('journal-1', { 'wavegate.dev/journal': 'head' }))).toBe('');
    expect(await createAs(cluster, AGENT_USER, map('wavegate-policy'))).toMatch(/its journals and no other ConfigMap/);
    expect(await createAs(cluster, admin, map('wavegate-policy'), '--as-group', 'system:masters')).toBe('');
    const gone = await cluster.kubectl('delete', 'configmap', 'wavegate-policy', '-n', NAMESPACE, '--as', AGENT_USER);
    expect(gone.stderr).toMatch(/its journals and no other ConfigMap/);
    const taken = await cluster.kubectl(
      'label',
      'configmap',
      'wavegate-policy',
      '-n',
      NAMESPACE,
      'wavegate.dev/journal=head',
      '--as',
      AGENT_USER,
    );
    expect(taken.code).not.toBe(0);
  });

  it('before an uninstall: a node closed or an order running → named, nothing removed; else the journals go', async () => {
    const mark = (value: string) => cluster.kubectl('annotate', 'node', 'worker-1', `wavegate.dev/cordoned-by${value}`);
    const journal = (name: string, state: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: NAMESPACE, labels: { 'wavegate.dev/journal': 'head' } },
      data: { journal: JSON.stringify({ state, order: { id: name, kind: 'upgrade' } }) },
    });
    const journals = async () =>
      (await cluster.kubectl('get', 'configmaps', '-n', NAMESPACE, '-l', 'wavegate.dev/journal', '-o', 'name')).stdout;
    await cluster.kubectl('delete', 'configmaps', '-n', NAMESPACE, '-l', 'wavegate.dev/journal');

    await createAs(cluster, AGENT_USER, journal('ended', 'done'));
    await mark('=order-7');
    await cluster.kubectl('cordon', 'worker-1');
    const closed = await beforeUninstall(cluster);
    expect(closed.code).toBe(1);
    expect(closed.said).toMatch(/^node worker-1 is closed by order order-7\nNothing was removed\./);
    // Helm calls the release "uninstalling" by then, and upgrades it no more.
    expect(closed.said).toMatch(/^ {2}helm rollback wavegate-agent REVISION -n wavegate$/m);
    // Somebody opened it: the mark alone holds nobody.
    await cluster.kubectl('uncordon', 'worker-1');
    await createAs(cluster, AGENT_USER, journal('going', 'running'));
    const running = await beforeUninstall(cluster);
    expect(running.code).toBe(1);
    expect(running.said).toMatch(/^order going \(upgrade\) is not over: running\n/);
    expect(await journals()).toBe('configmap/ended\nconfigmap/going\n');

    await cluster.kubectl('delete', 'configmap', 'going', '-n', NAMESPACE);
    const free = await beforeUninstall(cluster);
    expect(free).toEqual({ code: 0, said: 'no order runs and no node is closed; 1 journals are removed\n' });
    expect(await journals()).toBe('');
    expect(
      await createAs(
        cluster,
        'alice',
        { ...journal('wavegate-policy', 'x'), metadata: { name: 'kept', namespace: NAMESPACE } },
        '--as-group',
        'system:masters',
      ),
    ).toBe('');
    await beforeUninstall(cluster);
    expect((await cluster.kubectl('get', 'configmap', 'kept', '-n', NAMESPACE)).code).toBe(0);
    await mark('-');
  });
});
