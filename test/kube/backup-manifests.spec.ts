import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  APPLY_ORDER,
  DEFAULT_BACKUP,
  exportJob,
  newIdentity,
  openKube,
  openStore,
  readReceipt,
  takeManifestsBackup,
  verifyBackup,
  type ManifestsAsked,
} from '@wavegate/kube';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { eventually } from './world/eventually.js';
import { NodePlayer } from './world/node-player.js';
import { startCluster, type RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SHOP = join(import.meta.dirname, 'world', 'shop-manifests.yaml');

let dir: string;
let source: RealCluster;
let target: RealCluster;

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [{ name: 'w-1', role: 'worker', kubelet: '1.34.4' }] as const;
  [source, target] = await Promise.all([
    startCluster({ name: 'source', version: '1.34.4', nodes, dir }),
    startCluster({ name: 'empty', version: '1.35.4', nodes: [], dir }),
  ]);
  await applied(source, '-f', SHOP);
  const ended = await source.kubectl('wait', '--for=condition=Failed', 'job/ended', '-n', 'shop', '--timeout=240s');
  expect(ended.code).toBe(0);
});

afterAll(async () => {
  await Promise.all([source?.stop(), target?.stop()]);
  if (dir) removeRunFolder(dir);
});

/** The custom resource comes right after its definition: the server needs a moment to know it. */
function applied(cluster: RealCluster, ...words: readonly string[]): Promise<unknown> {
  let said = '';
  const apply = async () => {
    const { code, stderr } = await cluster.kubectl('apply', '--server-side', '--force-conflicts', ...words);
    said = stderr;
    return code === 0;
  };
  return eventually(`kubectl apply ${words.join(' ')}`, apply, { withinMs: 120_000, everyMs: 500 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}: ${said}`);
    },
  );
}

function asked(cluster: RealCluster, to: string, changes: Partial<ManifestsAsked> = {}): ManifestsAsked {
  return {
    cluster: cluster.name,
    config: openKube({ kubeconfig: cluster.kubeconfigPath }).config,
    store: openStore(to, { endpointUrl: null, region: null }),
    recipients: [],
    plaintext: false,
    includeSecrets: false,
    namespaces: [],
    selector: '',
    skip: [],
    keep: null,
    ...changes,
  };
}

async function exported(cluster: RealCluster, name: string, changes: Partial<ManifestsAsked> = {}) {
  const { receipt } = await takeManifestsBackup(asked(cluster, join(dir, name), changes), () => undefined);
  const folder = join(dir, `${name}-unpacked`);
  mkdirSync(folder, { recursive: true });
  if (receipt.encryptedTo.length === 0) execFileSync('tar', ['-xzf', receipt.object.path, '-C', folder]);
  return { receipt, folder };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe('an export of manifests', () => {
  it('applied to an empty cluster of the next minor in the order of the archive → the same objects, field by field', async () => {
    const before = await exported(source, 'whole');
    const order = readFileSync(join(before.folder, APPLY_ORDER), 'utf8').trim().split('\n');
    expect(order).toHaveLength(before.receipt.export?.objects ?? 0);
    await inFolder(before.folder, order);

    const after = await exported(target, 'again');
    const ours = filesBelow(before.folder).filter((file) => /shop|example\.com/.test(file));
    expect(ours.length).toBeGreaterThan(20);
    for (const file of ours) {
      expect([file, existsSync(join(after.folder, file))]).toEqual([file, true]);
      expect(readFileSync(join(after.folder, file), 'utf8')).toBe(readFileSync(join(before.folder, file), 'utf8'));
    }
  });

  it('what the cluster makes by itself, what ended, and Secrets → not in it, and counted', () => {
    const files = filesBelow(join(dir, 'whole-unpacked'));
    const { leftOut } = JSON.parse(readFileSync(join(dir, 'whole-unpacked/wavegate-backup.json'), 'utf8')) as {
      leftOut: Record<string, number>;
    };
    expect(leftOut).toEqual({
      'made by its owner': expect.any(Number),
      'made by the cluster itself': expect.any(Number),
      finished: 1,
    });
    const kinds = new Set(files.map((file) => dirname(file).split('/').at(-1)));
    for (const left of [
      'events',
      'endpoints',
      'nodes',
      'secrets',
      'leases.coordination.k8s.io',
      'pods',
      'replicasets.apps',
    ])
      expect(kinds).not.toContain(left);
    expect(files).not.toContain('namespaces/shop/jobs.batch/ended.yaml');
    expect(files).not.toContain('namespaces/shop/configmaps/kube-root-ca.crt.yaml');
    expect(files).not.toContain('namespaces/default/services/kubernetes.yaml');
    expect(files).toContain('cluster/clusterroles.rbac.authorization.k8s.io/shop%3Areader.yaml');
  });

  it('strings that look like something else, long numbers, many lines → letter for letter', () => {
    const tricky = readFileSync(join(dir, 'whole-unpacked/namespaces/shop/configmaps/tricky.yaml'), 'utf8');
    expect(tricky).toMatchInlineSnapshot(`
      "apiVersion: v1
      kind: ConfigMap
      metadata:
        name: tricky
        namespace: shop
      data:
        blank: " leading and trailing "
        empty: ""
        exponent: "1e3"
        no-end: |-
          two
          lines
        octal: "0123"
        script: |
          #!/bin/sh
          echo "hello: world"   # ü

          exit 0
        tab: "a\\tb\\n  c\\n"
        time: "2026-11-21"
        "yes": "no"
      binaryData:
        bytes: "AAECAw=="
      "
    `);
    const gadget = readFileSync(join(dir, 'whole-unpacked/namespaces/shop/gadgets.example.com/g-1.yaml'), 'utf8');
    expect(gadget).toContain('serial: 9223372036854775807');
  });

  it('verified → its bytes and its objects; one byte less → cut short', async () => {
    const path = join(dir, 'whole', readdirSync(join(dir, 'whole')).find((name) => name.endsWith('.tar.gz')) ?? '');
    const store = openStore(dirname(path), { endpointUrl: null, region: null });
    const how = {
      store,
      name: basename(path),
      identities: [],
      restore: false,
      etcdBin: null,
      apiServerBin: null,
      scratch: dir,
    };
    expect(await verifyBackup(how, () => undefined)).toMatchObject({ level: 'contents' });
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    await expect(verifyBackup(how, () => undefined)).rejects.toMatchObject({ trouble: 'corrupt' });
  });

  it('Secrets asked for without a recipient → refused; with one → in it, and nothing readable without the key', async () => {
    await expect(exported(source, 'none', { includeSecrets: true })).rejects.toMatchObject({ trouble: 'invalid' });
    const { identity, recipient } = await newIdentity();
    const { receipt } = await exported(source, 'secret', {
      includeSecrets: true,
      recipients: [recipient],
      namespaces: ['shop'],
    });
    expect(receipt.export?.byKind).toMatchObject({ secrets: 1 });
    expect(readFileSync(receipt.object.path).includes('shop')).toBe(false);
    const store = openStore(dirname(receipt.object.path), { endpointUrl: null, region: null });
    const how = {
      store,
      name: basename(receipt.object.path),
      restore: false,
      etcdBin: null,
      apiServerBin: null,
      scratch: dir,
    };
    expect(await verifyBackup({ ...how, identities: [identity] }, () => undefined)).toMatchObject({
      level: 'contents',
    });
  });

  it('a namespace and labels → only those objects, and the namespace itself', async () => {
    const { folder } = await exported(source, 'some', { namespaces: ['shop'], selector: 'app=cart' });
    expect(filesBelow(folder)).toEqual(['cluster/namespaces/shop.yaml', 'namespaces/shop/deployments.apps/cart.yaml']);
  });
});

describe('an export of nothing', () => {
  it.each([
    [
      'a namespace that is not there',
      { namespaces: ['shop', 'shopp'] },
      /there is no namespace shopp: this cluster has .*shop/,
    ],
    ['labels that nothing has', { selector: 'app=nobody' }, /no object has the labels app=nobody: nothing would be/],
    ['labels of another namespace', { namespaces: ['default'], selector: 'app=cart' }, /app=cart in default/],
    ['labels that are none', { selector: 'a in (b' }, /does not take the selector/],
  ])('%s → refused, and nothing is stored', async (_what, changes, message) => {
    await expect(exported(source, 'nothing', changes)).rejects.toMatchObject({
      trouble: 'invalid',
      message: expect.stringMatching(message),
    });
    expect(existsSync(join(dir, 'nothing')) ? readdirSync(join(dir, 'nothing')) : []).toEqual([]);
  });
});

describe('the Job of an export', () => {
  it('with the rights of deploy/agent/rbac-export.yaml → a receipt; a kind that nobody granted → named, nothing stored; Secrets by their own account only', async () => {
    await applied(
      source,
      '-f',
      join(ROOT, 'deploy/agent/rbac.yaml'),
      '-f',
      join(ROOT, 'deploy/agent/rbac-export.yaml'),
    );
    const player = new NodePlayer(source, { stepMs: 0 });
    await player.start();
    const run = async (name: string, secrets = false, settings = DEFAULT_BACKUP) => {
      const work = { cluster: 'source', namespaces: [], selector: '', secrets };
      await source.api.create('/apis/batch/v1/namespaces/wavegate-nodes/jobs', exportJob(name, name, work, settings));
      return eventually(
        `Job ${name}`,
        () => Promise.resolve(player.played.find(({ order }) => order === name)?.message),
        {
          withinMs: 240_000,
          everyMs: 100,
        },
      );
    };
    try {
      await untilGranted('customresourcedefinitions.apiextensions.k8s.io');
      // Gadgets are nobody's "view" yet.
      expect(await run('e1')).toMatchObject({
        ok: false,
        error: expect.stringMatching(/may not list gadgets\.example\.com/),
      });
      await grantGadgets();
      const told = await run('e2');
      expect(told).toMatchObject({ ok: true, backup: 'manifests', verified: 'status' });
      const path = String((told as { path?: string }).path);
      const receipt = await readReceipt(openStore(dirname(path), { endpointUrl: null, region: null }), basename(path));
      expect(readdirSync(dirname(path)).sort()).toEqual([basename(path), `${basename(path)}.receipt.json`]);
      expect(receipt.export?.byKind).toMatchObject({ 'deployments.apps': 1 });

      // The admin's own Job: by the account that only who wants this has made, with its rights and no others.
      const { identity, recipient } = await newIdentity();
      const sealed = { ...DEFAULT_BACKUP, target: '/var/exports', recipients: [recipient] };
      await applied(source, '-f', join(ROOT, 'deploy/agent/rbac-export-secrets.yaml'));
      await untilGranted('secrets', 'wavegate-export-secrets');
      const withSecrets = await run('e4', true, sealed);
      expect(withSecrets).toMatchObject({ ok: true, encryptedTo: [recipient] });
      const file = String((withSecrets as { path?: string }).path);
      expect(file).toMatch(/\/var\/exports\/wavegate-manifests-source-.*\.tar\.gz\.age$/);
      const place = openStore(dirname(file), { endpointUrl: null, region: null });
      expect((await readReceipt(place, basename(file))).export).toMatchObject({
        secrets: true,
        byKind: { secrets: expect.any(Number) },
      });
      const opened = { store: place, name: basename(file), identities: [identity], restore: false };
      const how = { ...opened, etcdBin: null, apiServerBin: null, scratch: dir };
      expect(await verifyBackup(how, () => undefined)).toMatchObject({ level: 'contents' });
      const plain = '--as=system:serviceaccount:wavegate-nodes:wavegate-export';
      expect((await source.kubectl('auth', 'can-i', 'list', 'secrets', plain)).stdout).toMatch(/^no/);
    } finally {
      await player.stop();
    }
  });
});

async function grantGadgets(): Promise<void> {
  const rules = [{ apiGroups: ['example.com'], resources: ['*'], verbs: ['list'] }];
  const group = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: 'gadgets' };
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, rules };
  await source.api.create(`${group}/clusterroles`, role);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'gadgets' };
  const subjects = ['wavegate-export', 'wavegate-export-secrets'].map((name) => ({
    ...{ kind: 'ServiceAccount', name, namespace: 'wavegate-nodes' },
  }));
  const binding = { ...role, kind: 'ClusterRoleBinding', rules: undefined, roleRef, subjects };
  await source.api.create(`${group}/clusterrolebindings`, binding);
  await untilGranted('gadgets.example.com');
}

/** An API server takes a moment to see a new role. */
function untilGranted(resource: string, name = 'wavegate-export'): Promise<unknown> {
  const account = `--as=system:serviceaccount:wavegate-nodes:${name}`;
  return eventually('the role', async () => {
    return (await source.kubectl('auth', 'can-i', 'list', resource, account)).code === 0;
  });
}

/** As docs/backup.md says. */
async function inFolder(folder: string, order: readonly string[]): Promise<void> {
  for (let at = 0; at < order.length; at += 100) {
    const files = order.slice(at, at + 100).flatMap((file) => ['-f', join(folder, file)]);
    await applied(target, ...files);
  }
}
