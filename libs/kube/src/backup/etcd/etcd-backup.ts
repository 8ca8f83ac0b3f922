import { createReadStream } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { checkRecipients, seal } from '../archive/seal.js';
import { toTar, type TarPart } from '../archive/tarball.js';
import { BackupFailed, diskFailure } from '../backup-failed.js';
import { backupName, keepNewest, type BackupKeeping } from '../backup-name.js';
import { stepOf, type SayProgress } from '../backup-progress.js';
import { inScratch } from '../scratch-folder.js';
import { writeReceipt, type ReceiptFile, type SnapshotFacts } from '../receipt-file.js';
import type { BackupStore } from '../store/backup-store.js';
import { openEtcd, portOf, type EtcdAccess } from './etcd-access.js';
import type { EtcdClient } from './etcd-client.js';
import { ENCRYPTION_NAME, hostFiles, type HostFile } from './host-files.js';
import { findApiServer, findEtcdPrograms } from './host-programs.js';
import { proveSnapshot, type SnapshotProof } from './prove-snapshot.js';
import { saveSnapshot } from './save-snapshot.js';

export const SNAPSHOT_NAME = 'etcd/snapshot.db';
export const ABOUT_NAME = 'wavegate-backup.json';
/** Beside the snapshot and its restored copy: files of the scratch etcd and the API server. */
const SPARE_BYTES = 64 << 20;

export interface EtcdBackupAsked {
  readonly cluster: string;
  readonly node: string;
  readonly access: EtcdAccess;
  readonly store: BackupStore;
  /** age public keys: the cluster's, and one whose private key lies in a safe. */
  readonly recipients: readonly string[];
  /** A person's word that it may leave this host unencrypted. */
  readonly plaintext: boolean;
  readonly verify: 'status' | 'restore';
  readonly etcdBin: string | null;
  /** A file, or `host`. */
  readonly apiServerBin: string | null;
  readonly manifests: string | null;
  readonly encryptionConfig: string | null;
  readonly prefix: string;
  /** Where the plain snapshot lies while it is proven; null: the system's folder for such. */
  readonly scratch: string | null;
  readonly keep: number | null;
  readonly keeping?: BackupKeeping;
}

export interface BackupTaken {
  readonly receipt: ReceiptFile;
  /** Older ones that retention removed. */
  readonly removed: readonly string[];
}

/** From the live etcd to a proven backup in its store. Throws BackupFailed, and then there is no backup and no scrap of one. */
export async function takeEtcdBackup(asked: EtcdBackupAsked, say: SayProgress): Promise<BackupTaken> {
  await refuseUnsafe(asked);
  const etcdPort = portOf(asked.access.endpoints[0] ?? '');
  const files = await hostFiles({ ...asked, pki: asked.access.pki, etcdPort });
  const etcd = await openEtcd(asked.access);
  try {
    say(stepOf('looking at the target'));
    await asked.store.probe();
    return await inScratch(asked.scratch ?? tmpdir(), (scratch) =>
      takeAndStore({ asked, etcd, files, etcdPort, scratch, say }),
    );
  } finally {
    etcd.close();
  }
}

interface Work {
  readonly asked: EtcdBackupAsked;
  readonly etcd: EtcdClient;
  readonly files: readonly HostFile[];
  readonly etcdPort: string;
  readonly scratch: string;
  readonly say: SayProgress;
}

async function takeAndStore(work: Work): Promise<BackupTaken> {
  const { asked, etcd, files, scratch, say } = work;
  const { version, dbSize } = await etcd.status();
  await mustHaveSpace(scratch, dbSize * (asked.verify === 'restore' ? 2 : 1) + SPARE_BYTES);
  // Spooled first: a slow store must not hold a read transaction of the live etcd open, and only what was proven is kept.
  const file = join(scratch, 'snapshot.db');
  const takenAt = Date.now();
  await saveSnapshot(etcd, file, (done, total) => say({ step: 'saving the snapshot', done, total, unit: 'bytes' }));
  const proof = await prove(file, work);
  const facts = { ...proof.facts, etcdVersion: version };
  return putAway({ asked, proof, facts, files, file, takenAt, say });
}

async function refuseUnsafe({ recipients, plaintext, store }: EtcdBackupAsked): Promise<void> {
  await checkRecipients(recipients);
  if (recipients.length > 0 || plaintext || !store.remote) return;
  const cure = 'name who may read it by --recipient age1…, or say --plaintext if the store may see every Secret';
  throw new BackupFailed('invalid', `it would go to ${store.where} unencrypted: ${cure}`);
}

async function mustHaveSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const mib = (value: number): string => `${Math.ceil(value / 2 ** 20)} MiB`;
  const words = `needs ${mib(bytes)} for the snapshot and its proof, and has ${mib(free)} free`;
  throw new BackupFailed('no_space', `the scratch folder ${folder} ${words}: choose another by --scratch`);
}

function prove(file: string, by: Work): Promise<SnapshotProof> {
  const { asked, etcdPort, scratch, say } = by;
  const encryptionConfig = by.files.find(({ name }) => name === ENCRYPTION_NAME)?.file ?? null;
  // The host's own is only worth its seconds where there is something to decrypt.
  const wanted = asked.apiServerBin === 'host' && !encryptionConfig ? null : asked.apiServerBin;
  return proveSnapshot(file, {
    verify: asked.verify,
    programs: asked.verify === 'restore' ? findEtcdPrograms(asked.etcdBin, etcdPort) : null,
    apiServer: findApiServer(wanted, etcdPort),
    encryptionConfig,
    scratch,
    prefix: asked.prefix,
    live: by.etcd,
    say,
  });
}

interface Proven {
  readonly asked: EtcdBackupAsked;
  readonly proof: SnapshotProof;
  readonly facts: SnapshotFacts;
  readonly files: readonly HostFile[];
  readonly file: string;
  readonly takenAt: number;
  readonly say: SayProgress;
}

async function putAway(proven: Proven): Promise<BackupTaken> {
  const { asked, proof, facts, takenAt, say } = proven;
  const { store, recipients, cluster, node } = asked;
  const encrypted = recipients.length > 0;
  const name = backupName({ kind: 'etcd', cluster, at: takenAt, encrypted, ...asked.keeping });
  const tar = toTar(partsOf(proven));
  const body = encrypted ? await seal(tar, recipients) : tar;
  const step = `writing ${store.pathOf(name)}`;
  const watched = watch(body, (done) => say({ step, done, total: facts.sizeBytes, unit: 'bytes' }));
  const object = await store.write(name, watched);
  const receipt: ReceiptFile = {
    schema: 1,
    kind: 'etcd',
    cluster,
    node,
    takenAt: new Date(takenAt).toISOString(),
    object,
    verified: proof.verified,
    checks: proof.checks,
    encryptedTo: recipients,
    hostFiles: proven.files.map((one) => one.name),
    snapshot: facts,
  };
  await writeReceipt(store, name, receipt);
  const removed = await keepNewest(store, name, { keep: asked.keep, now: takenAt });
  return { receipt, removed };
}

async function* partsOf({ asked, facts, files, file, takenAt: at }: Proven): AsyncGenerator<TarPart> {
  const { cluster, node } = asked;
  const about = { schema: 1, kind: 'etcd', cluster, node, takenAt: new Date(at).toISOString(), snapshot: facts };
  yield { name: ABOUT_NAME, body: Buffer.from(`${JSON.stringify(about, null, 2)}\n`), at };
  for (const { name, file: from } of files) {
    const body = await readFile(from).catch((error: unknown) => {
      throw diskFailure(`reading ${basename(from)} of the host (${from})`, error);
    });
    yield { name, body, at };
  }
  const open = () => createReadStream(file, { highWaterMark: 1 << 18 });
  yield { name: SNAPSHOT_NAME, body: { sizeBytes: facts.sizeBytes, open }, at };
}

async function* watch(body: AsyncIterable<Uint8Array>, say: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of body) {
    say((done += chunk.length));
    yield chunk;
  }
}
