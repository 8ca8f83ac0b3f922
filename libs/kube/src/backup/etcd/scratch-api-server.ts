import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BackupFailed } from '../backup-failed.js';
import type { BoltContent } from './bolt-file.js';
import { MomentaryServer } from './child-program.js';
import type { ScratchEtcd } from './scratch-etcd.js';
import { formText, type StoredForm } from './stored-forms.js';

const START_MS = 90_000;
const STRIKES = 3;
/** It binds a moment after its port was found free: on a busy host another program may have been faster. */
const PORT_TRIES = 3;

/** A value that came back through the API. */
export interface ReadBack {
  readonly key: string;
  /** How it lies in etcd; null: in plain. */
  readonly form: StoredForm | null;
}

interface Boot {
  readonly program: string;
  readonly etcd: ScratchEtcd;
  readonly encryptionConfig: string | null;
  readonly scratch: string;
  /** Of its keys in etcd. */
  readonly prefix: string;
}

type Stored = Pick<BoltContent, 'encrypted' | 'plainSecret'>;

/**
 * Boots an API server on the restored etcd and reads one value of each form back; of an etcd where nothing is encrypted
 * its first Secret. Throws BackupFailed `not_restorable`. What has no address that we know is left out of the answer.
 */
export async function proveByApiServer(boot: Boot, stored: Stored): Promise<readonly ReadBack[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await proveOnce(boot, stored);
    } catch (error) {
      if (tries === PORT_TRIES || !saysPortTaken(error)) throw error;
    }
  }
}

const saysPortTaken = (error: unknown): boolean =>
  error instanceof BackupFailed && error.message.includes('address already in use');

async function proveOnce(boot: Boot, stored: Stored): Promise<readonly ReadBack[]> {
  const dir = await mkdtemp(join(boot.scratch, 'apiserver-'));
  const token = randomBytes(24).toString('hex');
  const port = await freePort();
  let server: MomentaryServer | null = null;
  try {
    const wanted = await samplesOf(boot, stored);
    await layFiles(dir, token);
    server = new MomentaryServer('an API server on the restored etcd', boot.program, argsOf(boot, dir, port), dir);
    const ask = asker(dir, port, token);
    await server.until(readyOrRefusing(wanted, boot.prefix, ask), START_MS);
    const read: ReadBack[] = [];
    for (const one of wanted) if (await isRead(one, boot.prefix, ask)) read.push(one);
    return read;
  } finally {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Ready; or it has said three times running that it cannot read one of the samples. An API server lists all Secrets before
 * it is ready: with a wrong key it would never be, and would not say why.
 */
function readyOrRefusing(wanted: readonly ReadBack[], prefix: string, ask: Ask): () => Promise<boolean> {
  let strikes = 0;
  return async () => {
    if ((await ask('/readyz')).code === 200) return true;
    const paths = wanted.flatMap(({ key }) => coreAddress(key.slice(prefix.length).split('/')) ?? []);
    const codes = await Promise.all(paths.map(async (path) => (await ask(path)).code));
    strikes = codes.includes(500) ? strikes + 1 : 0;
    return strikes >= STRIKES;
  };
}

async function samplesOf({ etcd, prefix }: Boot, { encrypted, plainSecret }: Stored): Promise<readonly ReadBack[]> {
  const first = encrypted.length === 0 ? await etcd.client.first(`${prefix}secrets/`) : null;
  const plain = plainSecret ?? (first && Buffer.from(first.key).toString());
  return [
    ...encrypted.map((form) => ({ key: form.sample, form })),
    ...(plain === null ? [] : [{ key: plain, form: null }]),
  ];
}

type Ask = (path: string) => Promise<{ readonly code: number; readonly body: string }>;

/** Throws where the API server has it and cannot read it; false: we do not know under which address it has it. */
async function isRead({ key, form }: ReadBack, prefix: string, ask: Ask): Promise<boolean> {
  const path = await addressOf(key.slice(prefix.length).split('/'), ask);
  if (path === null) return false;
  const { code, body } = await ask(path);
  if (code === 200) return true;
  const how = form ? `stored by ${formText(form)}` : 'stored in plain';
  const words = `the API server could not read ${key} back (${code}), ${how}: is this the cluster's present`;
  throw new BackupFailed('not_restorable', `${words} EncryptionConfiguration? ${saidIn(body)}`);
}

/** Core kinds whose name in etcd is that in the API, which others (`services/specs`, `minions`) are not. */
const CORE = ['secrets', 'configmaps', 'serviceaccounts', 'persistentvolumeclaims'];

function coreAddress([resource = '', namespace, name, more]: readonly string[]): string | null {
  if (!CORE.includes(resource) || !name || more !== undefined) return null;
  return `/api/v1/namespaces/${namespace}/${resource}/${name}`;
}

/** `secrets/shop/db`, `certificates.example.com/issuers/shop/ca`: custom resources lie under their group. */
async function addressOf(parts: readonly string[], ask: Ask): Promise<string | null> {
  const core = coreAddress(parts);
  const [first = '', ...rest] = parts;
  if (core !== null || !first.includes('.')) return core;
  const { code, body } = await ask(`/apis/${first}`);
  if (code !== 200) return null;
  const { preferredVersion } = JSON.parse(body) as { readonly preferredVersion?: { readonly groupVersion?: string } };
  const [resource = '', ...names] = rest;
  const place = names.length === 2 ? `/namespaces/${names[0]}` : '';
  return `/apis/${preferredVersion?.groupVersion}${place}/${resource}/${names.at(-1)}`;
}

function saidIn(body: string): string {
  try {
    return ((JSON.parse(body) as { readonly message?: string }).message ?? body).slice(0, 200);
  } catch {
    return body.slice(0, 200);
  }
}

async function layFiles(dir: string, token: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = { mode: 0o600 };
  await writeFile(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }), secret);
  await writeFile(join(dir, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), secret);
  await writeFile(join(dir, 'tokens.csv'), `${token},wavegate-proof,proof,"system:masters"\n`, secret);
}

/** Alone on this machine, for one token, with keys made for the moment; nothing it writes leaves the scratch etcd. */
function argsOf({ etcd, encryptionConfig, prefix }: Boot, dir: string, port: number): readonly string[] {
  return [
    ...[`--etcd-servers=${etcd.address}`, `--etcd-prefix=${prefix.replace(/\/$/, '')}`],
    ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${dir}`],
    ...['--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.96.0.0/12', '--allow-privileged=true'],
    ...['--service-account-issuer=https://proof.invalid', `--service-account-key-file=${join(dir, 'sa.pub')}`],
    ...[`--service-account-signing-key-file=${join(dir, 'sa.key')}`, `--token-auth-file=${join(dir, 'tokens.csv')}`],
    ...['--authorization-mode=AlwaysAllow', '--anonymous-auth=false', '--profiling=false', '--watch-cache=false'],
    ...(encryptionConfig ? [`--encryption-provider-config=${encryptionConfig}`] : []),
  ];
}

function asker(dir: string, port: number, token: string): Ask {
  return async (path) => {
    // Written by the server when it starts: a certificate of its own, for 127.0.0.1.
    const ca = await readFile(join(dir, 'apiserver.crt'));
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
      const asked = request({ host: '127.0.0.1', port, path, ca, headers, timeout: 10_000 }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
      });
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error('no answer in 10 s')));
      asked.end();
    });
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
