import { createReadStream } from 'node:fs';
import { BackupFailed } from '../backup-failed.js';
import { stepOf, type SayProgress } from '../backup-progress.js';
import type { SnapshotFacts } from '../receipt-file.js';
import { readBoltFile, type BoltContent } from './bolt-file.js';
import type { EtcdClient } from './etcd-client.js';
import type { EtcdPrograms } from './host-programs.js';
import { mustHaveKeys, readEncryptionKeys, type EncryptionKeys } from './encryption-keys.js';
import { TrailerCheck } from './save-snapshot.js';
import { proveByApiServer, type ReadBack } from './scratch-api-server.js';
import { withScratchEtcd, type ScratchEtcd } from './scratch-etcd.js';
import { formsText, formText, type StoredForm } from './stored-forms.js';

export interface ProofMeans {
  readonly verify: 'status' | 'restore';
  /** Null: there are none on this machine. */
  readonly programs: EtcdPrograms | null;
  /** A kube-apiserver to boot on the restored etcd; null: not asked for. */
  readonly apiServer: string | null;
  readonly encryptionConfig: string | null;
  readonly scratch: string;
  readonly prefix: string;
  /** The etcd it was taken from, while it is at hand. */
  readonly live: EtcdClient | null;
  readonly say: SayProgress;
}

export interface SnapshotProof {
  readonly facts: Omit<SnapshotFacts, 'etcdVersion'>;
  readonly verified: 'restore' | 'status';
  readonly checks: readonly string[];
}

const number = (value: number): string => value.toLocaleString('en-US');

/** Everything that can be found out about a snapshot on this machine, cheapest first. Throws BackupFailed at the first lie. */
export async function proveSnapshot(file: string, means: ProofMeans): Promise<SnapshotProof> {
  means.say(stepOf('checking its hash and every page'));
  const { sizeBytes, sha256 } = await trailerOf(file);
  const content = readBoltFile(file, means.prefix);
  const { revision, totalKeys, prefixKeys } = content;
  const facts = { sha256, sizeBytes, revision, totalKeys, registryKeys: prefixKeys, prefix: means.prefix };
  const checks = [
    `the SHA-256 that etcd appended agrees (${number(sizeBytes)} bytes)`,
    `every page of the database was read: revision ${number(revision)}, ${number(totalKeys)} keys`,
  ];
  if (means.live) checks.push(await compareWithLive(means.live, facts));
  // Whatever the flags of the API server say: what lies in etcd tells whether somebody needs a key to read it.
  const keys = means.encryptionConfig ? await readEncryptionKeys(means.encryptionConfig) : null;
  const named = mustHaveKeys(content.encrypted, keys);
  if (named) checks.push(named);
  if (means.verify === 'status') return { facts, verified: 'status', checks };
  const { programs } = means;
  if (!programs) {
    const missing = 'not restored for proof: no etcd and etcdutl on this machine (name their folder by --etcd-bin)';
    return { facts, verified: 'status', checks: [...checks, missing] };
  }
  means.say(stepOf('restoring it into a scratch etcd'));
  const from = { snapshot: file, programs, scratch: means.scratch };
  const proof = await withScratchEtcd(from, (etcd) => questionRestored(etcd, { facts, content, keys }, means));
  return { facts, verified: proof.verified, checks: [...checks, ...proof.checks] };
}

async function trailerOf(file: string): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  const check = new TrailerCheck();
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) check.update(chunk as Buffer);
  return check.finish(`the snapshot ${file}`);
}

type Counted = Pick<SnapshotFacts, 'revision' | 'registryKeys' | 'prefix'>;

/** gRPC's OUT_OF_RANGE: etcd has compacted that revision away. */
const COMPACTED = 11;

async function compareWithLive(live: EtcdClient, { revision, registryKeys, prefix }: Counted): Promise<string> {
  try {
    const { count } = await live.count(prefix, revision);
    if (count === registryKeys)
      return `the live etcd had the same ${number(count)} keys under ${prefix} at that revision`;
    const words = `${number(registryKeys)} keys under ${prefix}, but the live etcd had ${number(count)} at its revision`;
    throw new BackupFailed('corrupt', `the snapshot holds ${words} ${revision}`);
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: number } };
    if (cause?.code === COMPACTED) return 'not compared with the live etcd: that revision was compacted meanwhile';
    throw error;
  }
}

interface Seen {
  readonly facts: Counted;
  readonly content: BoltContent;
  readonly keys: EncryptionKeys | null;
}

async function questionRestored(
  etcd: ScratchEtcd,
  { facts, content, keys }: Seen,
  means: ProofMeans,
): Promise<Pick<SnapshotProof, 'verified' | 'checks'>> {
  const { version } = await etcd.client.status();
  const { revision, count } = await etcd.client.count(facts.prefix);
  if (revision !== facts.revision || count !== facts.registryKeys) {
    const words = `came back at revision ${revision} with ${count} keys under ${facts.prefix}`;
    throw new BackupFailed('not_restorable', `it ${words}, but had ${facts.revision} and ${facts.registryKeys}`);
  }
  const same = `restored into a scratch etcd ${version}: same revision, same ${number(count)} keys under ${facts.prefix}`;
  const { apiServer: program, encryptionConfig, scratch, prefix } = means;
  const { encrypted, plainSecret } = content;
  const why = whyNotRead(program, keys);
  if (why !== null || program === null) {
    // A restore whose Secrets nobody has read is no proof that they can be read.
    if (encrypted.length === 0) return { verified: 'restore', checks: [same] };
    return { verified: 'status', checks: [same, `${NOT_PROVEN}${unread(encrypted)}: ${why}`] };
  }
  means.say(stepOf('booting an API server on it'));
  const boot = { program, etcd, encryptionConfig, scratch, prefix };
  const read = await proveByApiServer(boot, { encrypted, plainSecret });
  const left = encrypted.filter(({ sample }) => !read.some(({ key }) => key === sample));
  const checks = [same, `an API server booted on it; ${readText(read)}`];
  if (left.length === 0) return { verified: 'restore', checks };
  const strange = 'none of those is a Secret, a ConfigMap or a custom resource';
  return { verified: 'status', checks: [...checks, `${NOT_PROVEN}${unread(left)}: ${strange}`] };
}

/** Begins the sentence of a receipt that says why its level is not `restore`, though it was restored. */
export const NOT_PROVEN = 'not proven by a restore: ';

function whyNotRead(program: string | null, keys: EncryptionKeys | null): string | null {
  const [plugin] = keys?.plugins ?? [];
  if (plugin !== undefined) return `the KMS plugin ${plugin} is not within reach of the proof`;
  return program === null ? 'name a kube-apiserver by --apiserver-bin' : null;
}

const unread = (forms: readonly StoredForm[]): string =>
  `nothing was read back of what is encrypted at rest (${formsText(forms)})`;

function readText(read: readonly ReadBack[]): string {
  const [only] = read;
  if (!only) return 'it holds no Secret to read';
  if (read.length === 1) return `a Secret was read back${only.form ? ', encrypted at rest' : ''}`;
  const each = read.map(({ key, form }) => `${key} (${form ? formText(form) : 'in plain'})`);
  return `read back, one of each key: ${each.join(', ')}`;
}
