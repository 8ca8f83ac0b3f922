import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DEFAULT_BACKUP,
  etcdBackupJob,
  newIdentity,
  openStore,
  takeEtcdBackup,
  verifyBackup,
  type BackupSettings,
  type BackupTaken,
  type EtcdBackupAsked,
  type Verified,
} from '@wavegate/kube';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { eventually } from './world/eventually.js';
import { layKubeadmHost, type KubeadmHost } from './world/kubeadm-host.js';
import { NodePlayer } from './world/node-player.js';
import { ObjectStore } from './world/object-store.js';
import { programPath, ETCD_VERSION } from './world/obtained-programs.js';
import { startCluster, type RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

const MAPS = 9_800;
const SECRETS = 200;
const VERSION = '1.35.4';

let dir: string;
let cluster: RealCluster;
let host: KubeadmHost;
let key: { readonly identity: string; readonly recipient: string };
let recovery: { readonly identity: string; readonly recipient: string };
let taken: BackupTaken;

const etcdBin = (): string => dirname(programPath('etcdutl', ETCD_VERSION));
const apiServer = (): string => programPath('kube-apiserver', VERSION);
const folder = (name: string): string => {
  mkdirSync(join(dir, name), { recursive: true });
  return join(dir, name);
};

function asked(changes: Partial<EtcdBackupAsked> = {}): EtcdBackupAsked {
  const endpoints = [`https://127.0.0.1:${cluster.files.ports.etcd}`];
  return {
    cluster: 'dev-muc-1',
    node: 'cp-1',
    access: { endpoints, pki: host.pki, caFile: null, certFile: null, keyFile: null },
    store: openStore(join(dir, 'backups'), { endpointUrl: null, region: null }),
    recipients: [key.recipient, recovery.recipient],
    plaintext: false,
    verify: 'restore',
    etcdBin: etcdBin(),
    apiServerBin: apiServer(),
    manifests: host.manifests,
    encryptionConfig: null,
    prefix: '/registry/',
    scratch: folder('scratch'),
    keep: null,
    ...changes,
  };
}

function verify(path: string, changes: { identity?: string; restore?: boolean } = {}): Promise<Verified> {
  const store = openStore(dirname(path), { endpointUrl: null, region: null });
  return verifyBackup(
    {
      store,
      name: basename(path),
      identities: [changes.identity ?? recovery.identity],
      restore: changes.restore ?? false,
      etcdBin: etcdBin(),
      apiServerBin: changes.restore ? apiServer() : null,
      scratch: folder('scratch'),
    },
    () => undefined,
  );
}

/** A copy of the good backup, with a receipt, to be damaged. */
function copyOfBackup(name: string): string {
  const copy = join(folder(name), basename(taken.receipt.object.path));
  copyFileSync(taken.receipt.object.path, copy);
  copyFileSync(`${taken.receipt.object.path}.receipt.json`, `${copy}.receipt.json`);
  return copy;
}

/** Damage that the receipt was told of, as if somebody had mended it: only what lies deeper can find it. */
function rewriteReceipt(path: string): void {
  const file = `${path}.receipt.json`;
  const receipt = JSON.parse(readFileSync(file, 'utf8')) as { object: { sha256: string; sizeBytes: number } };
  const bytes = readFileSync(path);
  receipt.object = {
    ...receipt.object,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  writeFileSync(file, JSON.stringify(receipt));
}

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

async function fill(): Promise<void> {
  const blob = 'x'.repeat(1_500);
  const create = async (index: number): Promise<void> => {
    const secret = index < SECRETS;
    const kind = secret ? 'Secret' : 'ConfigMap';
    const path = `/api/v1/namespaces/default/${secret ? 'secrets' : 'configmaps'}`;
    const data = secret ? { stringData: { password: `hunter${index}` } } : { data: { blob } };
    await cluster.api.create(path, { apiVersion: 'v1', kind, metadata: { name: `object-${index}` }, ...data });
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < MAPS + SECRETS) await create(next++);
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [{ name: 'cp-1', role: 'controlPlane', kubelet: VERSION }] as const;
  cluster = await startCluster({ name: 'backup', version: VERSION, nodes, dir, encryptAtRest: true });
  host = layKubeadmHost(cluster, 'cp-1');
  [key, recovery] = [await newIdentity(), await newIdentity()];
  await fill();
  taken = await takeEtcdBackup(asked(), () => undefined);
});

afterAll(async () => {
  await cluster?.stop();
  if (dir) removeRunFolder(dir);
});

describe('the receipt of an etcd with 10,000 objects', () => {
  it('restored for proof → revision, keys and a Secret read back are those of the live cluster', async () => {
    const { receipt } = taken;
    expect(receipt.verified).toBe('restore');
    expect(receipt.snapshot?.registryKeys).toBeGreaterThanOrEqual(MAPS + SECRETS);
    expect(receipt.checks).toEqual([
      expect.stringMatching(/^the SHA-256 that etcd appended agrees/),
      expect.stringMatching(/^every page of the database was read: revision [\d,]+, [\d,]+ keys$/),
      expect.stringMatching(/^the live etcd had the same [\d,]+ keys under \/registry\/ at that revision$/),
      expect.stringMatching(/^encrypted at rest: 2\d\d by aesgcm k1; the EncryptionConfiguration names these keys$/),
      expect.stringMatching(/^restored into a scratch etcd 3\.6\.16: same revision, same [\d,]+ keys/),
      'an API server booted on it; a Secret was read back, encrypted at rest',
    ]);
    expect(receipt.encryptedTo).toEqual([key.recipient, recovery.recipient]);
  });

  it('stored → the folder holds the backup and its receipt only, for this user only, and no plain text', () => {
    const names = readdirSync(join(dir, 'backups'));
    const name = basename(taken.receipt.object.path);
    expect(name).toMatch(/^wavegate-etcd-dev-muc-1-\d{8}T\d{6}Z\.tar\.age$/);
    expect(names.sort()).toEqual([name, `${name}.receipt.json`]);
    const bytes = readFileSync(taken.receipt.object.path);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(taken.receipt.object.sha256);
    expect(bytes.includes('object-9')).toBe(false);
    expect(readdirSync(join(dir, 'scratch'))).toEqual([]);
  });

  it('verified with the recovery key → restored again, the Secret too; the cluster’s key opens it as well', async () => {
    const { path } = taken.receipt.object;
    const verified = await verify(path, { restore: true });
    expect(verified.level).toBe('restore');
    expect(verified.checks).toContain('an API server booted on it; a Secret was read back, encrypted at rest');
    expect(verified.checks).toContainEqual(expect.stringMatching(/the snapshot, and 10 files of the host beside it/));
    expect(await verify(path, { identity: key.identity })).toMatchObject({ level: 'contents' });
  });

  it('counted by etcdutl → the same revision and keys', async () => {
    const plain = await takeEtcdBackup(
      asked({
        recipients: [],
        verify: 'status',
        store: openStore(folder('plain'), { endpointUrl: null, region: null }),
      }),
      () => undefined,
    );
    const { path } = plain.receipt.object;
    execFileSync('tar', ['-xf', path, '-C', dir, 'etcd/snapshot.db']);
    const said = execFileSync(join(etcdBin(), 'etcdutl'), [
      'snapshot',
      'status',
      join(dir, 'etcd/snapshot.db'),
      '-w',
      'json',
    ]);
    const { revision, totalKey } = JSON.parse(said.toString()) as { revision: number; totalKey: number };
    expect(plain.receipt.snapshot).toMatchObject({ revision, totalKeys: totalKey });
    expect(plain.receipt.verified).toBe('status');
  });
});

describe('a key that does not open what is stored', () => {
  const bytes = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
  const present = (): object[] => {
    const text = readFileSync(cluster.files.encryptionConfig ?? '', 'utf8');
    return (JSON.parse(text) as { resources: { providers: object[] }[] }).resources[0]?.providers ?? [];
  };
  const configOf = (providers: readonly object[]): string => {
    const file = join(dir, 'another-encryption.yaml');
    const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' };
    writeFileSync(file, JSON.stringify({ ...kind, resources: [{ resources: ['secrets'], providers }] }));
    return file;
  };
  const refused = (encryptionConfig: string, message: RegExp) =>
    expect(
      takeEtcdBackup(
        asked({ encryptionConfig, store: openStore(folder('none'), { endpointUrl: null, region: null }) }),
        () => undefined,
      ),
    ).rejects.toMatchObject({
      trouble: 'not_restorable',
      message: expect.stringMatching(message),
    });

  it('another secret under the same name → a Secret cannot be read back, and there is no backup', async () => {
    const keys = [{ name: 'k1', secret: bytes(9) }];
    await refused(
      configOf([{ aesgcm: { keys } }, { identity: {} }]),
      /could not read \/registry\/secrets\/.* back \(500\), stored by aesgcm k1/,
    );
    expect(readdirSync(folder('none'))).toEqual([]);
  });

  it('one Secret of an older key among hundreds of the present one → that one is read too, and named', async () => {
    const { caFile, etcdClient, ports } = cluster.files;
    const tls = [`--cacert=${caFile}`, `--cert=${etcdClient.cert}`, `--key=${etcdClient.key}`];
    const etcdctl = (...words: readonly string[]) =>
      execFileSync(programPath('etcdctl', ETCD_VERSION), [
        '--dial-timeout=30s',
        '--command-timeout=60s',
        `--endpoints=https://127.0.0.1:${ports.etcd}`,
        ...tls,
        ...words,
      ]);
    const old = '/registry/secrets/default/zz-of-an-older-key';
    etcdctl('put', old, `k8s:enc:secretbox:v1:old:${'x'.repeat(60)}`);
    try {
      const keys = [{ name: 'old', secret: bytes(9) }];
      const [aesgcm = {}] = present();
      await refused(
        configOf([aesgcm, { secretbox: { keys } }, { identity: {} }]),
        /zz-of-an-older-key back \(500\), stored by secretbox old/,
      );
    } finally {
      etcdctl('del', old);
    }
    expect(readdirSync(folder('none'))).toEqual([]);
  });
});

describe('the Job of an order', () => {
  it('an etcd beside the cluster, to an object store, by Secrets → a receipt with the Secret read back; then the store gone → one clear reason', async () => {
    const bucket = await ObjectStore.start(dir, ['backups']);
    const player = new NodePlayer(cluster, { stepMs: 0 });
    await player.start();
    const settings: BackupSettings = {
      ...DEFAULT_BACKUP,
      target: 's3://backups/prod',
      endpointUrl: bucket.url,
      recipients: [key.recipient, recovery.recipient],
      credentialsSecret: 'backup-store',
      externalEtcd: { endpoints: ['https://127.0.0.1:2379'], secret: 'etcd-client' },
    };
    const run = async (name: string) => {
      const job = etcdBackupJob(name, name, { node: 'cp-1', cluster: 'uid-1', verify: 'restore' }, settings);
      await cluster.api.create('/apis/batch/v1/namespaces/wavegate-nodes/jobs', job);
      const ended = () => Promise.resolve(player.played.find(({ order }) => order === name)?.message);
      return eventually(`Job ${name}`, ended, { withinMs: 240_000, everyMs: 100 });
    };
    try {
      const { caFile, etcdClient } = cluster.files;
      const tls = { 'ca.crt': caFile, 'tls.crt': etcdClient.cert, 'tls.key': etcdClient.key };
      await secret(
        'etcd-client',
        Object.fromEntries(Object.entries(tls).map(([name, file]) => [name, readFileSync(file, 'utf8')])),
      );
      await secret('backup-store', bucket.credentials);
      const told = await run('s1');
      expect(told).toMatchObject({ ok: true, backup: 'etcd', verified: 'restore', node: 'cp-1' });
      expect(told).toMatchObject({ path: expect.stringMatching(/^s3:\/\/backups\/prod\/wavegate-etcd-uid-1-/) });
      expect((told as { checks?: string[] }).checks).toContain(
        'an API server booted on it; a Secret was read back, encrypted at rest',
      );
      await bucket.stop();
      expect(await run('s2')).toMatchObject({
        ok: false,
        error: expect.stringMatching(/no answer from the object store/),
      });
    } finally {
      await bucket.stop();
      await player.stop();
    }
  });
});

async function secret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
  await cluster.api.create('/api/v1/namespaces/wavegate-nodes/secrets', object);
}

describe('a damaged backup', () => {
  it('one byte short → named as cut short', async () => {
    const path = copyOfBackup('short');
    truncateSync(path, taken.receipt.object.sizeBytes - 1);
    await expect(verify(path)).rejects.toMatchObject({
      trouble: 'corrupt',
      message: expect.stringMatching(/cut short/),
    });
  });

  it('one bit flipped → named as damaged, with and without the key', async () => {
    const path = copyOfBackup('flipped');
    flipBit(path, 5_000_000);
    await expect(verify(path)).rejects.toMatchObject({ trouble: 'corrupt' });
    rewriteReceipt(path);
    await expect(verify(path)).rejects.toMatchObject({
      trouble: 'corrupt',
      message: expect.stringMatching(/decrypted to its end/),
    });
  });

  it('another key → the keys it was encrypted to are named', async () => {
    const other = await newIdentity();
    await expect(verify(taken.receipt.object.path, { identity: other.identity })).rejects.toMatchObject({
      trouble: 'wrong_key',
      message: expect.stringContaining(key.recipient),
    });
  });

  it('without its receipt → no backup', async () => {
    const copy = join(folder('alone'), basename(taken.receipt.object.path));
    copyFileSync(taken.receipt.object.path, copy);
    await expect(verify(copy)).rejects.toMatchObject({
      trouble: 'incomplete',
      message: expect.stringMatching(/no receipt/),
    });
  });
});
