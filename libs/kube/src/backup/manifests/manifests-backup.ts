import type { KubeConfig } from '@kubernetes/client-node';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { checkRecipients, seal } from '../archive/seal.js';
import { toTar, type TarPart } from '../archive/tarball.js';
import { BackupFailed } from '../backup-failed.js';
import { backupName, keepNewest, type BackupKeeping } from '../backup-name.js';
import { stepOf, type SayProgress } from '../backup-progress.js';
import type { BackupTaken } from '../etcd/etcd-backup.js';
import { writeReceipt, type ReceiptFile } from '../receipt-file.js';
import type { BackupStore } from '../store/backup-store.js';
import { ApiStream, apiFailure } from './api-stream.js';
import type { ApiObject } from './derived-object.js';
import { mustHaveNamespaces, mustHoldObjects } from './asked-objects.js';
import { discoverKinds } from './discover-kinds.js';
import { exportObjects, type ExportFilter } from './export-objects.js';
import { inApplyOrder, isDerivedKind, nameOf, type ApiKind } from './kinds.js';
import { toYaml } from './to-yaml.js';

/** The last file of an archive: every file in the order in which an empty cluster takes them. */
export const APPLY_ORDER = 'apply-order.txt';

export interface ManifestsAsked extends ExportFilter {
  readonly cluster: string;
  readonly config: KubeConfig;
  readonly store: BackupStore;
  readonly recipients: readonly string[];
  readonly plaintext: boolean;
  readonly includeSecrets: boolean;
  /** Kinds to leave out: `deployments.apps`, `*.example.com`. */
  readonly skip: readonly string[];
  readonly keep: number | null;
  readonly keeping?: BackupKeeping;
}

/** Every object that a person or a controller of theirs has put into the cluster, as YAML. Changes nothing. */
export async function takeManifestsBackup(asked: ManifestsAsked, say: SayProgress): Promise<BackupTaken> {
  await refuseUnsafe(asked);
  try {
    const api = new ApiStream(asked.config);
    await mustHaveNamespaces(api, asked.namespaces);
    say(stepOf('asking which kinds there are'));
    const kinds = inApplyOrder(await discoverKinds(api, leavesOut(asked)));
    say(stepOf('looking at the target'));
    await asked.store.probe();
    return await exportAll(asked, { api, kinds, say });
  } catch (error) {
    throw apiFailure(error);
  }
}

async function refuseUnsafe({ recipients, plaintext, store, includeSecrets }: ManifestsAsked): Promise<void> {
  await checkRecipients(recipients);
  if (recipients.length > 0) return;
  if (includeSecrets) {
    throw new BackupFailed('invalid', '--include-secrets needs --recipient age1…: Secrets are never written in plain');
  }
  if (plaintext || !store.remote) return;
  const cure = 'name who may read it by --recipient age1…, or say --plaintext';
  throw new BackupFailed('invalid', `it would go to ${store.where} unencrypted: ${cure}`);
}

function leavesOut({ skip, includeSecrets }: ManifestsAsked): (kind: ApiKind) => boolean {
  return (kind) =>
    isDerivedKind(kind) ||
    (!includeSecrets && kind.group === '' && kind.resource === 'secrets') ||
    skip.includes(nameOf(kind)) ||
    skip.includes(`*.${kind.group}`);
}

interface Source {
  readonly api: ApiStream;
  readonly kinds: readonly ApiKind[];
  readonly say: SayProgress;
}

/** Grows while the archive is written. */
class Counts {
  objects = 0;
  readonly byKind: Record<string, number> = {};
  readonly leftOut: Record<string, number> = {};
  readonly files: string[] = [];

  wrote(kind: ApiKind, file: string): void {
    this.objects += 1;
    this.files.push(file);
    this.byKind[nameOf(kind)] = (this.byKind[nameOf(kind)] ?? 0) + 1;
  }

  left(why: string): void {
    this.leftOut[why] = (this.leftOut[why] ?? 0) + 1;
  }
}

async function exportAll(asked: ManifestsAsked, source: Source): Promise<BackupTaken> {
  const { store, recipients, cluster } = asked;
  const takenAt = Date.now();
  const encrypted = recipients.length > 0;
  const name = backupName({ kind: 'manifests', cluster, at: takenAt, encrypted, ...asked.keeping });
  const counts = new Counts();
  const tar = gzip(toTar(partsOf(asked, source, { counts, at: takenAt })));
  const object = await store.write(name, encrypted ? await seal(tar, recipients) : tar);
  const { objects, byKind, leftOut } = counts;
  const receipt: ReceiptFile = {
    schema: 1,
    kind: 'manifests',
    cluster,
    node: '',
    takenAt: new Date(takenAt).toISOString(),
    object,
    verified: 'status',
    checks: checksOf(counts, asked.includeSecrets),
    encryptedTo: recipients,
    export: { objects, byKind, leftOut, secrets: asked.includeSecrets },
  };
  await writeReceipt(store, name, receipt);
  const removed = await keepNewest(store, name, { keep: asked.keep, now: takenAt });
  return { receipt, removed };
}

function checksOf({ objects, byKind, leftOut }: Counts, secrets: boolean): readonly string[] {
  const number = (value: number): string => value.toLocaleString('en-US');
  const left = Object.entries(leftOut).map(([why, count]) => `${number(count)} ${why}`);
  return [
    `${number(objects)} objects of ${Object.keys(byKind).length} kinds were listed to their end and written`,
    'the stored bytes were read back and are those that were written',
    ...(left.length > 0 ? [`left out: ${left.join(', ')}`] : []),
    secrets ? 'Secrets are in it, encrypted with the rest' : 'Secrets are not in it (--include-secrets)',
  ];
}

async function* partsOf(
  asked: ManifestsAsked,
  { api, kinds, say }: Source,
  { counts, at }: { readonly counts: Counts; readonly at: number },
): AsyncGenerator<TarPart> {
  for (const kind of kinds) {
    for await (const { object, leftOut } of exportObjects(api, kind, asked)) {
      if (object === null) {
        counts.left(leftOut);
        continue;
      }
      const name = fileOf(kind, object);
      counts.wrote(kind, name);
      say({ step: `exporting ${nameOf(kind)}`, done: counts.objects, total: null, unit: 'objects' });
      yield { name, body: Buffer.from(toYaml(object)), at };
    }
  }
  const { objects, byKind, leftOut } = counts;
  // Thrown while it is written, so that nothing of it keeps its name.
  mustHoldObjects(byKind, asked);
  const about = { schema: 1, kind: 'manifests', cluster: asked.cluster, objects, byKind, leftOut };
  yield { name: 'wavegate-backup.json', body: Buffer.from(`${JSON.stringify(about, null, 2)}\n`), at };
  yield { name: APPLY_ORDER, body: Buffer.from(`${counts.files.join('\n')}\n`), at };
}

/** `namespaces/shop/deployments.apps/cart.yaml`, `cluster/namespaces/shop.yaml`. Colons, as in RBAC names, are no file's letters everywhere. */
function fileOf(kind: ApiKind, { metadata: { name, namespace } }: ApiObject): string {
  const file = `${nameOf(kind)}/${name.replace(/[^A-Za-z0-9._-]/g, (letter) => encodeURIComponent(letter))}.yaml`;
  return namespace ? `namespaces/${namespace}/${file}` : `cluster/${file}`;
}

async function* gzip(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const packer = createGzip({ level: 6 });
  const packed = pipeline(Readable.from(body), packer).catch((error: unknown) => packer.destroy(error as Error));
  yield* packer as AsyncIterable<Uint8Array>;
  await packed;
}
