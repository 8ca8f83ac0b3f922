import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DEFAULT_BACKUP,
  etcdBackupJob,
  newIdentity,
  openStore,
  readReceipt,
  takeEtcdBackup,
  verifyBackup,
  type EtcdBackupAsked,
} from '@wavegate/kube';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as controlPlane from './world/control-plane.js';
import { eventually } from './world/eventually.js';
import { freePorts } from './world/free-ports.js';
import { builtProgram } from './world/hub-process.js';
import { layKubeadmHost, type KubeadmHost } from './world/kubeadm-host.js';
import { ObjectStore } from './world/object-store.js';
import { ETCD_VERSION, programPath } from './world/obtained-programs.js';
import { ClusterPki } from './world/pki.js';
import { RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

/** Larger than the small disk, smaller than one part of an S3 upload and a bit. */
const VALUE_BYTES = 900_000;
const VALUES = 12;
/** A busy machine may need more than the two seconds that a connection is given by default. */
const PATIENT = ['--dial-timeout=30s', '--command-timeout=60s'] as const;

let dir: string;
let cluster: RealCluster;
let host: KubeadmHost;
let store: ObjectStore;
let key: { readonly identity: string; readonly recipient: string };
let small: string;

const folder = (name: string): string => {
  mkdirSync(join(dir, name), { recursive: true });
  return join(dir, name);
};
const etcdctl = (...args: readonly string[]): string => {
  const { caFile, etcdClient, ports } = cluster.files;
  const tls = [`--cacert=${caFile}`, `--cert=${etcdClient.cert}`, `--key=${etcdClient.key}`];
  const where = [...PATIENT, `--endpoints=https://127.0.0.1:${ports.etcd}`];
  return execFileSync(programPath('etcdctl', ETCD_VERSION), [...where, ...tls, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
};

beforeAll(async () => {
  dir = makeRunFolder();
  cluster = await RealCluster.lay({ name: 'targets', version: '1.35.4', nodes: [], dir });
  const etcd = controlPlane.etcd(cluster.files);
  cluster.programs.start('etcd', etcd.file, etcd.args, etcd.env);
  await eventually('etcd', () => Promise.resolve(etcdctl('endpoint', 'health').includes('healthy') || true));
  for (let at = 0; at < VALUES; at += 1) {
    const file = join(dir, 'value');
    writeFileSync(file, Buffer.alloc(VALUE_BYTES, `${at}-`).toString('latin1'));
    execFileSync('sh', ['-c', `"$0" "$@" < ${file}`, programPath('etcdctl', ETCD_VERSION), ...putWords(at)]);
  }
  host = layKubeadmHost(cluster, 'cp-1');
  key = await newIdentity();
  store = await ObjectStore.start(dir, ['backups']);
  Object.assign(process.env, store.credentials);
  small = folder('small-disk');
  // As root, which this tier needs anyway: a real file system with 4 MiB, full for real.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
});

afterAll(async () => {
  spawnSync('umount', [small]);
  await store?.stop();
  await cluster?.stop();
  if (dir) removeRunFolder(dir);
});

function putWords(at: number): readonly string[] {
  const { caFile, etcdClient, ports } = cluster.files;
  const tls = [`--cacert=${caFile}`, `--cert=${etcdClient.cert}`, `--key=${etcdClient.key}`];
  return [
    ...PATIENT,
    `--endpoints=https://127.0.0.1:${ports.etcd}`,
    ...tls,
    'put',
    `/registry/configmaps/shop/big-${at}`,
  ];
}

function at(target: string, endpointUrl: string | null = store.url) {
  return openStore(target, { endpointUrl, region: null });
}

function asked(changes: Partial<EtcdBackupAsked> = {}): EtcdBackupAsked {
  const endpoints = [`https://127.0.0.1:${cluster.files.ports.etcd}`];
  return {
    cluster: 'targets',
    node: 'cp-1',
    access: { endpoints, pki: host.pki, caFile: null, certFile: null, keyFile: null },
    store: at(folder('backups')),
    recipients: [key.recipient],
    plaintext: false,
    verify: 'status',
    etcdBin: null,
    apiServerBin: null,
    manifests: null,
    encryptionConfig: null,
    prefix: '/registry/',
    scratch: folder('scratch'),
    keep: null,
    ...changes,
  };
}

const take = (changes: Partial<EtcdBackupAsked>) => takeEtcdBackup(asked(changes), () => undefined);

function refused(changes: Partial<EtcdBackupAsked>, trouble: string, message: RegExp): Promise<void> {
  return expect(take(changes)).rejects.toMatchObject({ trouble, message: expect.stringMatching(message) });
}

describe('an S3 object store', () => {
  it('in parts, encrypted, retention of two → the two newest stay, others’ files too; verified from there', async () => {
    const bucket = store.bucket('backups');
    mkdirSync(join(bucket, 'prod'), { recursive: true });
    writeFileSync(join(bucket, 'prod', 'somebody-elses.tar'), 'theirs');
    writeFileSync(join(bucket, 'prod', 'wavegate-etcd-other-20200101T000000Z.tar'), 'of another cluster');
    const taken = [];
    for (let count = 0; count < 3; count += 1) {
      taken.push(await take({ store: at('s3://backups/prod'), keep: 2 }));
      // Names have seconds.
      await new Promise((resolve) => setTimeout(resolve, 1_050));
    }
    const names = taken.map(({ receipt }) => basename(receipt.object.path));
    expect(taken[2]?.removed).toEqual([names[0]]);
    const kept = names.slice(1).flatMap((name) => [name, `${name}.receipt.json`]);
    const others = ['somebody-elses.tar', 'wavegate-etcd-other-20200101T000000Z.tar'];
    expect(readdirSync(join(bucket, 'prod')).sort()).toEqual([...others, ...kept].sort());
    const name = names[2] ?? '';
    expect((await readReceipt(at('s3://backups/prod'), name)).object.sizeBytes).toBeGreaterThan(8 << 20);
    const verified = await verifyBackup(
      {
        store: at('s3://backups/prod'),
        name,
        identities: [key.identity],
        restore: true,
        etcdBin: dirname(programPath('etcdutl', ETCD_VERSION)),
        apiServerBin: null,
        scratch: folder('scratch'),
      },
      () => undefined,
    );
    expect(verified.level).toBe('restore');
  });

  it('cut short in the store, or changed there → found by its bytes alone, without any key', async () => {
    const { receipt } = await take({ store: at('s3://backups/hurt') });
    const name = basename(receipt.object.path);
    const file = join(store.bucket('backups'), 'hurt', name);
    const look = (place: string) =>
      verifyBackup(
        { store: at(place), name, identities: [], restore: false, etcdBin: null, apiServerBin: null, scratch: null },
        () => undefined,
      );
    expect(await look('s3://backups/hurt')).toMatchObject({ level: 'bytes' });
    // Under a name of its own: this store remembers for a while how large an object was.
    const short = join(store.bucket('backups'), 'short');
    cpSync(dirname(file), short, { recursive: true });
    truncateSync(join(short, name), receipt.object.sizeBytes - 1);
    await expect(look('s3://backups/short')).rejects.toMatchObject({
      trouble: 'corrupt',
      message: expect.stringMatching(/cut short/),
    });
    const bytes = readFileSync(file);
    bytes[100_000] = (bytes[100_000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await expect(look('s3://backups/hurt')).rejects.toMatchObject({
      trouble: 'corrupt',
      message: expect.stringMatching(/is damaged/),
    });
  });

  it('unencrypted without a word that it may → refused before anything is read', async () => {
    await refused({ store: at('s3://backups/plain'), recipients: [] }, 'invalid', /unencrypted: name who may read it/);
    expect(await take({ store: at('s3://backups/plain'), recipients: [], plaintext: true })).toBeDefined();
  });

  it('a bucket that is not there, a wrong secret, nobody there → each named, nothing stored', async () => {
    await refused({ store: at('s3://nobodys/x') }, 'invalid', /there is no such bucket/);
    const [port] = (await freePorts(1)) as [number];
    await refused({ store: at('s3://backups/x', `http://127.0.0.1:${port}`) }, 'unreachable', /check --endpoint-url/);
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another';
    try {
      await refused({ store: at('s3://backups/x') }, 'unauthorized', /secret key is wrong|may not do that/);
    } finally {
      Object.assign(process.env, store.credentials);
    }
    expect(readdirSync(store.bucket('backups'))).not.toContain('x');
  });

  it('gone in the middle of an upload → no backup of that name', async () => {
    const doomed = await ObjectStore.start(dir, ['backups'], 'doomed');
    const target = openStore('s3://backups/x', { endpointUrl: doomed.url, region: null });
    const body = async function* () {
      for (let part = 0; part < 6; part += 1) {
        if (part === 4) await doomed.stop();
        yield Buffer.alloc(4 << 20, part);
      }
    };
    await expect(target.write('wavegate-etcd-x-20260101T000000Z.tar', body())).rejects.toMatchObject({
      trouble: 'unreachable',
    });
    expect(readdirSync(doomed.bucket('backups'), { recursive: true })).not.toContainEqual(
      expect.stringMatching(/\.tar$/),
    );
  });
});

describe('a folder', () => {
  it('full while it is written → named, and nothing half-written has a name', async () => {
    await refused({ store: at(small) }, 'no_space', /no space is left there: free some/);
    expect(readdirSync(small)).toEqual([]);
  });

  it('a volume, unencrypted without a word that it may → refused before anything is read, and nothing lies there', async () => {
    const claim = folder('claim');
    const target = at(`volume:${claim}`);
    await refused({ store: target, recipients: [] }, 'invalid', /unencrypted: name who may read it/);
    expect(readdirSync(claim)).toEqual([]);
    expect((await take({ store: target })).receipt.object.path).toMatch(new RegExp(`^${claim}/wavegate-etcd-`));
  });

  it('a scratch folder that is too small → named with what is needed before etcd is asked for a byte', async () => {
    await refused({ scratch: small }, 'no_space', /needs \d+ MiB for the snapshot and its proof, and has \d+ MiB free/);
    expect(readdirSync(small)).toEqual([]);
  });

  it('the scratch disk fills up while the snapshot itself is written there → named, and neither it nor a backup stays', async () => {
    // Room enough when it is looked at: somebody else writes there meanwhile, as on any host.
    const place = folder('filling');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=120m', 'tmpfs', place]);
    const fill = () => {
      if (!existsSync(join(place, 'theirs'))) spawnSync('fallocate', ['-l', '118m', join(place, 'theirs')]);
    };
    try {
      const full = asked({ scratch: place, store: at(folder('unfilled')) });
      const taking = takeEtcdBackup(full, ({ step }) => (step === 'saving the snapshot' ? fill() : undefined));
      await expect(taking).rejects.toMatchObject({
        trouble: 'no_space',
        message: expect.stringMatching(/^saving the snapshot in .*no space is left there/),
      });
      expect(readdirSync(place)).toEqual(['theirs']);
      expect(readdirSync(folder('unfilled'))).toEqual([]);
    } finally {
      spawnSync('umount', [place]);
    }
  });

  it('read-only → named at validation', async () => {
    const place = folder('read-only');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', place]);
    try {
      await refused({ store: at(place) }, 'read_only', /mounted read-only/);
    } finally {
      spawnSync('umount', [place]);
    }
  });

  it('a file where the folder should be → named', async () => {
    writeFileSync(join(dir, 'a-file'), '');
    await refused({ store: at(join(dir, 'a-file', 'below')) }, 'invalid', /part of that path is a file/);
  });
});

describe('an etcd that cannot be saved', () => {
  const access = (changes: Partial<EtcdBackupAsked['access']>) => ({ access: { ...asked().access, ...changes } });

  it('nobody there → unreachable; then, with another endpoint that answers → taken', async () => {
    const [port] = (await freePorts(1)) as [number];
    const away = `https://127.0.0.1:${port}`;
    await refused(access({ endpoints: [away] }), 'unreachable', /no answer.*ECONNREFUSED/);
    const both = access({ endpoints: [away, ...asked().access.endpoints] });
    expect((await take({ ...both, store: at(folder('second')) })).receipt.snapshot?.revision).toBeGreaterThan(VALUES);
  });

  it('a CA that did not sign it, a client it does not know, a key of another certificate → each named', async () => {
    const other = await ClusterPki.create(folder('other-pki'), 'other');
    const stranger = await other.client('stranger', 'stranger');
    await refused(access({ caFile: other.caFile }), 'wrong_ca', /not signed by the given CA/);
    await refused(
      access({ certFile: stranger.cert, keyFile: stranger.key }),
      expect.stringMatching(/unauthorized|unreachable/) as unknown as string,
      /client certificate/,
    );
    await refused(access({ keyFile: stranger.key }), 'unauthorized', /do not make a pair/);
    await refused(access({ caFile: join(dir, 'none.crt') }), 'invalid', /--cacert .*no such file/);
  });

  it('an etcd beside the cluster, with an authority of its own → the Job’s own words and its Secret open it; kubeadm’s certificates do not', async () => {
    const pki = await ClusterPki.create(folder('beside-pki'), 'beside');
    const [server, user] = [await pki.server('server'), await pki.client('wavegate', 'wavegate')];
    const [client, peer] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
    const listen = ['client', 'peer'].map(
      (kind, n) => [kind, n === 0 ? `https://${client}` : `http://${peer}`] as const,
    );
    cluster.programs.start('etcd-beside', programPath('etcd', ETCD_VERSION), [
      ...['--name=b', `--data-dir=${join(dir, 'beside')}`, `--initial-cluster=b=http://${peer}`, '--unsafe-no-fsync'],
      ...listen.map(([kind, url]) => `--listen-${kind}-urls=${url}`),
      ...[`--advertise-client-urls=https://${client}`, `--initial-advertise-peer-urls=http://${peer}`],
      ...[`--cert-file=${server.cert}`, `--key-file=${server.key}`, `--trusted-ca-file=${pki.caFile}`],
      '--client-cert-auth',
    ]);
    // As a kubelet mounts the Secret.
    const secret = folder('etcd-client');
    for (const [name, from] of Object.entries({ 'ca.crt': pki.caFile, 'tls.crt': user.cert, 'tls.key': user.key })) {
      copyFileSync(from, join(secret, name));
    }
    const externalEtcd = { endpoints: [`https://${client}`], secret: 'etcd-client' };
    const settings = { ...DEFAULT_BACKUP, externalEtcd, target: folder('beside-backups') };
    const job = etcdBackupJob('wg-b', 'o', { node: 'cp-1', cluster: 'beside', verify: 'status' }, settings);
    const places: Readonly<Record<string, string>> = {
      '/etcd-client': secret,
      '/etc/kubernetes': dirname(host.pki),
      '/scratch': folder('scratch'),
      '/dev/termination-log': join(dir, 'termination'),
    };
    const placed = (word: string): string => {
      const at = Object.keys(places).find((place) => word === place || word.startsWith(`${place}/`));
      return at ? `${places[at]}${word.slice(at.length)}` : word;
    };
    const words = (job.spec?.template.spec?.containers[0]?.args ?? []).map(placed);
    const run = (args: readonly string[]) => spawnSync(builtProgram('agent'), args, { encoding: 'utf8' });
    const tls = [`--cacert=${pki.caFile}`, `--cert=${user.cert}`, `--key=${user.key}`];
    const put = [`--endpoints=https://${client}`, ...tls, 'put', '/registry/configmaps/shop/a', 'b'];
    await eventually('the etcd beside', () => spawnSync(programPath('etcdctl', ETCD_VERSION), put).status === 0);
    const taken = run(words);
    if (taken.status !== 0) throw new Error(taken.stderr);
    const file = readdirSync(settings.target).find((name) => name.endsWith('.receipt.json')) ?? '';
    expect(JSON.parse(taken.stdout)).toMatchObject({ verified: 'status' });
    expect(JSON.parse(readFileSync(join(settings.target, file), 'utf8'))).toMatchObject({ cluster: 'beside' });
    const without = words.filter((_word, n) => ![n, n - 1].some((at) => /^--(cacert|cert|key)$/.test(words[at] ?? '')));
    expect(run(without)).toMatchObject({ status: 4, stderr: expect.stringMatching(/not signed by the given CA/) });
    await cluster.programs.stop('etcd-beside', 0);
  });

  it('encryption at rest whose configuration cannot be read → refused: no Secret of it could be read again', async () => {
    const manifests = folder('manifests');
    copyFileSync(join(host.manifests, 'kube-apiserver.yaml'), join(manifests, 'kube-apiserver.yaml'));
    const command = ['kube-apiserver', '--encryption-provider-config=/etc/kubernetes/enc/not-here.yaml'];
    const pod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'kube-apiserver', command }] } };
    writeFileSync(join(manifests, 'kube-apiserver.yaml'), JSON.stringify(pod));
    await refused({ manifests }, 'incomplete', /give it with --encryption-config/);
  });

  it('values that lie encrypted, whatever the flags say → no backup without their key; deleted, or stored anew → none is asked for', async () => {
    const lost = '/registry/secrets/shop/lost';
    const configOf = (name: string): string => {
      const file = join(dir, 'encryption.yaml');
      const keys = [{ name, secret: Buffer.alloc(32, 7).toString('base64') }];
      writeFileSync(
        file,
        JSON.stringify({ resources: [{ resources: ['secrets'], providers: [{ aescbc: { keys } }] }] }),
      );
      return file;
    };
    etcdctl('put', lost, 'k8s:enc:aescbc:v1:key1:x');
    try {
      await refused(
        {},
        'incomplete',
        /values encrypted by aescbc key1 .*shop\/lost.*no EncryptionConfiguration was found/,
      );
      await refused(
        { encryptionConfig: configOf('key2') },
        'incomplete',
        /the EncryptionConfiguration has no such key/,
      );
      // Restored, and the bytes are right; but whether the key is, nobody has seen.
      const etcdBin = dirname(programPath('etcdutl', ETCD_VERSION));
      const { receipt } = await take({ encryptionConfig: configOf('key1'), verify: 'restore', etcdBin });
      expect(receipt).toMatchObject({
        verified: 'status',
        checks: expect.arrayContaining([
          'encrypted at rest: 1 by aescbc key1; the EncryptionConfiguration names these keys',
          'not proven by a restore: nothing was read back of what is encrypted at rest (1 by aescbc key1): name a kube-apiserver by --apiserver-bin',
        ]),
      });
      etcdctl('put', lost, 'k8s:enc:aescbc:v1:key2:x');
      expect((await take({ encryptionConfig: configOf('key2') })).receipt.verified).toBe('status');
    } finally {
      etcdctl('del', lost);
    }
    expect((await take({})).receipt.checks).not.toContainEqual(expect.stringMatching(/encrypted/));
  });

  it('a private key given as recipient → refused, and not repeated', async () => {
    await expect(take({ recipients: [key.identity] })).rejects.toMatchObject({
      message: expect.not.stringContaining(key.identity),
    });
  });
});

describe('the program', () => {
  it('backup etcd, then verify, by hand → a table, a receipt, exit code 0; wrong words → 2; nobody there → 4', () => {
    const run = (...words: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync(builtProgram('agent'), ['backup', ...words], { encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    const keyFile = join(dir, 'key.txt');
    const made = run('keygen', '--out', keyFile);
    expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^age1[a-z0-9]+\n$/) });
    chmodSync(keyFile, 0o400);
    expect(run('keygen', '--out', keyFile)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/never overwritten/),
    });
    const endpoint = ['--endpoint', `https://127.0.0.1:${cluster.files.ports.etcd}`];
    const words = ['--pki', host.pki, '--recipient', made.stdout.trim(), '--cluster', 'by-hand'];
    // etcd and etcdutl are found beside the etcd that runs here.
    const taken = run('etcd', ...endpoint, ...words, '--to', folder('by-hand'), '--scratch', folder('scratch'));
    if (taken.status !== 0) throw new Error(taken.stderr);
    expect(taken.stdout).toMatch(/proven\s+restored/);
    expect(taken.stdout).toMatch(/only one key opens it/);
    const file = readdirSync(folder('by-hand')).find((name) => name.endsWith('.age')) ?? '';
    const verified = run('verify', join(dir, 'by-hand', file), '--identity', keyFile, '--no-restore');
    expect(verified).toMatchObject({ status: 0, stdout: expect.stringMatching(/whole, and readable to its end/) });
    expect(run('etcd', ...words, '--to', 'ftp://x')).toMatchObject({ status: 2 });
    expect(run('etcd', ...words, '--to', folder('x'), '--endpoint', 'https://127.0.0.1:1')).toMatchObject({
      status: 4,
    });
  });
});
