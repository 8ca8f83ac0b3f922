import type { BackupStore } from './store/backup-store.js';

export type BackupKind = 'etcd' | 'manifests';

/** What the ends of our files say: `.age` is encrypted, the receipt lies beside its backup. */
export const RECEIPT_END = '.receipt.json';

const NAME =
  /^wavegate-(etcd|manifests)-(.+?)-(\d{8}T\d{6}Z)(?:_([a-z0-9][-a-z0-9]*))?(?:_until-(\d{8}T\d{6}Z))?\.tar(\.gz)?(\.age)?$/;

/** What an order may ask of one backup, beside the retention of the place. */
export interface BackupKeeping {
  /** Its own name, which its file bears; lower-case letters, digits and dashes. */
  readonly label?: string;
  /** It stays for so long, whatever else is taken, and goes with the first backup after that; 0 or absent: as the others. */
  readonly ttlMs?: number;
}

/**
 * `wavegate-etcd-prod-fra-1-20261121T093000Z.tar.age`: kind, cluster, moment (UTC), form; before the form the order's
 * own name and how long it stays, where it was asked for: `…Z_before-autumn_until-20261221T093000Z.tar.age`.
 */
export function backupName(
  of: {
    readonly kind: BackupKind;
    readonly cluster: string;
    readonly at: number;
    readonly encrypted: boolean;
  } & BackupKeeping,
): string {
  const cluster = of.cluster.replace(/[^A-Za-z0-9._-]+/g, '-') || 'cluster';
  const form = of.kind === 'manifests' ? '.tar.gz' : '.tar';
  const label = of.label ? `_${of.label}` : '';
  const until = of.ttlMs ? `_until-${momentOf(of.at + of.ttlMs)}` : '';
  return `wavegate-${of.kind}-${cluster}-${momentOf(of.at)}${label}${until}${form}${of.encrypted ? '.age' : ''}`;
}

const momentOf = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');

export interface BackupNameRead {
  readonly kind: BackupKind;
  readonly series: string;
  readonly moment: string;
  /** Until when it stays; null: as the retention of its place says. */
  readonly until: string | null;
}

/** Null: not a name of ours, so no business of ours. */
export function readBackupName(name: string): BackupNameRead | null {
  const [, kind, cluster, moment = '', , until = null] = NAME.exec(name) ?? [];
  return kind ? { kind: kind as BackupKind, series: `${kind}/${cluster}`, moment, until } : null;
}

export interface Retention {
  /** How many of the newest stay, of those that were not asked to stay until a moment; null: all. */
  readonly keep: number | null;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * Removes the older ones of the same kind and cluster as `newest`: beyond the newest `keep`, and those whose own time is
 * over; never `newest` itself, and never files of others. The receipt goes first: without it a file is no backup,
 * whereas a receipt without its file would be a lie.
 */
export async function keepNewest(store: BackupStore, newest: string, { keep, now }: Retention): Promise<string[]> {
  const series = readBackupName(newest)?.series;
  const ours = (await store.list())
    .flatMap((name) => {
      const read = readBackupName(name);
      return read?.series === series && read ? [{ name, ...read }] : [];
    })
    .sort((a, b) => (a.moment < b.moment ? 1 : -1));
  const beyond = ours.filter(({ until }) => until === null).slice(keep ?? ours.length);
  const over = ours.filter(({ until }) => until !== null && until <= momentOf(now));
  const old = ours.filter((one) => one.name !== newest && (beyond.includes(one) || over.includes(one)));
  for (const { name } of old) {
    await store.remove(`${name}${RECEIPT_END}`);
    await store.remove(name);
  }
  return old.map(({ name }) => name);
}
