import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { unseal } from './archive/seal.js';
import { fromTar, type FoundPart } from './archive/tarball.js';
import { BackupFailed, diskFailure } from './backup-failed.js';
import { backupName, readBackupName, RECEIPT_END, type BackupKind } from './backup-name.js';
import type { SayProgress } from './backup-progress.js';
import { SNAPSHOT_NAME } from './etcd/etcd-backup.js';
import { ENCRYPTION_NAME } from './etcd/host-files.js';
import { findApiServer, findEtcdPrograms } from './etcd/host-programs.js';
import { proveSnapshot, type ProofMeans } from './etcd/prove-snapshot.js';
import { readReceipt, type ReceiptFile } from './receipt-file.js';
import { inScratch } from './scratch-folder.js';
import type { BackupStore } from './store/backup-store.js';

export interface VerifyAsked {
  readonly store: BackupStore;
  readonly name: string;
  /** Text of age private keys; empty: an encrypted one is checked by its stored bytes only. */
  readonly identities: readonly string[];
  readonly restore: boolean;
  readonly etcdBin: string | null;
  readonly apiServerBin: string | null;
  /** The etcd and API server that run here on this client port are the programs for the proof; absent: none. */
  readonly programsOfPort?: string;
  readonly scratch: string | null;
}

export interface Verified {
  readonly receipt: ReceiptFile;
  /** How far it went: only the stored bytes, its contents, or a restore. */
  readonly level: 'bytes' | 'contents' | 'restore';
  readonly checks: readonly string[];
}

/** Proves a stored backup again, where it lies. Throws BackupFailed with the first thing that is wrong. */
export async function verifyBackup(asked: VerifyAsked, say: SayProgress): Promise<Verified> {
  const receipt = await readReceipt(asked.store, asked.name);
  const path = asked.store.pathOf(asked.name);
  const encrypted = receipt.encryptedTo.length > 0;
  const stored = new ReadBytes(receipt, path, say);
  if (encrypted && asked.identities.length === 0) {
    for await (const chunk of stored.read(await asked.store.read(asked.name))) void chunk;
    const more = `not opened: give the private key of ${receipt.encryptedTo.join(' or ')} by --identity`;
    return { receipt, level: 'bytes', checks: [stored.finish(), more] };
  }
  return inScratch(asked.scratch ?? tmpdir(), async (scratch): Promise<Verified> => {
    const body = stored.read(await asked.store.read(asked.name));
    const { encryptedTo } = receipt;
    const plain = encrypted ? await unseal(body, asked.identities, { path, encryptedTo }) : body;
    const opened = encrypted ? ['decrypted with the given key'] : [];
    const found = await contentsOf(receipt, plain, { path, scratch });
    const bytes = stored.finish();
    if (receipt.kind === 'manifests') return { receipt, level: 'contents', checks: [bytes, ...opened, found] };
    const proof = await proveAgain(asked, receipt, { scratch, say });
    const level = proof.verified === 'restore' ? 'restore' : 'contents';
    return { receipt, level, checks: [bytes, ...opened, found, ...proof.checks] };
  });
}

/** Name of the newest backup of that kind and cluster in the store. Throws BackupFailed where there is none. */
export async function newestBackup(store: BackupStore, kind: BackupKind, cluster: string): Promise<string> {
  const there = await store.list();
  const { series } = readBackupName(backupName({ kind, cluster, at: 0, encrypted: false })) ?? {};
  const ours = there.flatMap((name) => {
    const read = readBackupName(name);
    // Without its receipt a file is no backup: it is being written, or was left by a run that was killed.
    return read?.series === series && read && there.includes(`${name}${RECEIPT_END}`) ? [{ name, ...read }] : [];
  });
  const newest = ours.sort((a, b) => (a.moment < b.moment ? 1 : -1))[0];
  if (newest) return newest.name;
  throw new BackupFailed('invalid', `no ${kind} backup of cluster ${cluster} lies in ${store.where}: take one first`);
}

/** Compares what comes from the store with what its receipt says was put there. */
class ReadBytes {
  private readonly hash = createHash('sha256');
  private size = 0;

  constructor(
    private readonly receipt: ReceiptFile,
    private readonly path: string,
    private readonly say: SayProgress,
  ) {}

  async *read(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { sizeBytes: total } = this.receipt.object;
    for await (const chunk of body) {
      this.hash.update(chunk);
      this.say({ step: 'reading it back', done: (this.size += chunk.length), total, unit: 'bytes' });
      yield chunk;
    }
    // Before whoever reads on (the decryption) finds an end that it cannot explain.
    this.compare();
  }

  finish(): string {
    return `its ${this.size.toLocaleString('en-US')} stored bytes have the SHA-256 of its receipt`;
  }

  private compare(): void {
    const { sizeBytes, sha256 } = this.receipt.object;
    if (this.size !== sizeBytes) {
      const words = `has ${this.size} bytes, its receipt says ${sizeBytes}`;
      const kind = this.size < sizeBytes ? 'it is cut short' : 'something was added';
      throw new BackupFailed('corrupt', `${this.path} ${words}: ${kind}`);
    }
    if (this.hash.digest('hex') !== sha256) {
      throw new BackupFailed('corrupt', `${this.path} is damaged: its bytes are not those its receipt names`);
    }
  }
}

/** Lays the snapshot and the keys out for the proof; of manifests only counts. */
async function contentsOf(
  receipt: ReceiptFile,
  plain: AsyncIterable<Uint8Array>,
  { path, scratch }: { readonly path: string; readonly scratch: string },
): Promise<string> {
  const packed = receipt.kind === 'manifests' ? gunzip(plain, path) : plain;
  let objects = 0;
  let others = 0;
  for await (const part of fromTar(packed, path)) {
    if (receipt.kind === 'manifests') objects += Number(part.name.endsWith('.yaml'));
    else others += Number(await layOut(part, scratch));
  }
  if (receipt.kind === 'etcd') return `the archive is whole: the snapshot, and ${others} files of the host beside it`;
  const said = receipt.export?.objects ?? 0;
  if (objects === said) return `the archive is whole: ${objects.toLocaleString('en-US')} objects`;
  throw new BackupFailed('corrupt', `${path} holds ${objects} objects, its receipt says ${said}`);
}

/** True for a file of the host. Only the two that the proof needs are written. */
async function layOut(part: FoundPart, scratch: string): Promise<boolean> {
  const wanted = part.name === SNAPSHOT_NAME || part.name === ENCRYPTION_NAME;
  if (wanted) {
    const file = join(scratch, normalize(part.name));
    try {
      await mkdir(dirname(file), { recursive: true });
      await pipeline(Readable.from(part.body), createWriteStream(file, { mode: 0o600 }));
    } catch (error) {
      throw diskFailure(`unpacking into ${scratch}`, error);
    }
  }
  return part.name !== SNAPSHOT_NAME && part.name.includes('/');
}

async function* gunzip(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  const unpack = createGunzip();
  const source = Readable.from(body);
  source.on('error', (error) => unpack.destroy(error));
  source.pipe(unpack);
  try {
    yield* unpack as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof BackupFailed) throw error;
    throw new BackupFailed('corrupt', `${what} cannot be unpacked to its end: it was cut short or changed`, {
      cause: error,
    });
  }
}

function programsFor(
  { restore, etcdBin, apiServerBin, programsOfPort: port }: VerifyAsked,
  encryptionConfig: string | null,
): Pick<ProofMeans, 'verify' | 'programs' | 'apiServer'> {
  // The host's own API server is only worth its seconds where there is something to decrypt.
  const wanted = apiServerBin ?? (encryptionConfig && port ? 'host' : null);
  return {
    verify: restore ? 'restore' : 'status',
    programs: restore ? findEtcdPrograms(etcdBin, port ?? 'none') : null,
    apiServer: findApiServer(wanted, port ?? 'none'),
  };
}

async function proveAgain(
  asked: VerifyAsked,
  { snapshot, object, encryptedTo }: ReceiptFile,
  { scratch, say }: { readonly scratch: string; readonly say: SayProgress },
) {
  const config = join(scratch, ENCRYPTION_NAME);
  const encryptionConfig = (await readable(config)) ? config : null;
  const proof = await proveSnapshot(join(scratch, SNAPSHOT_NAME), {
    ...programsFor(asked, encryptionConfig),
    ...{ encryptionConfig, scratch, live: null, say },
    prefix: snapshot?.prefix ?? '/registry/',
  });
  if (proof.facts.sha256 !== snapshot?.sha256 || proof.facts.revision !== snapshot.revision) {
    const whose = encryptedTo.length > 0 ? 'the archive inside' : 'the archive';
    throw new BackupFailed('corrupt', `${whose} ${object.path} holds another snapshot than its receipt names`);
  }
  return proof;
}

function readable(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
