import { basename, dirname, isAbsolute } from 'node:path';
import { BackupFailed } from '../backup-failed.js';
import type { BackupStore } from './backup-store.js';
import { FolderStore } from './folder-store.js';
import { S3Store } from './s3-store.js';

export interface StoreSettings {
  /** For s3:// of another maker than Amazon. */
  readonly endpointUrl: string | null;
  readonly region: string | null;
}

/**
 * `/a/folder`, `file:/a/folder`, `volume:/a/folder` (a volume is mounted there: it leaves the host as an object store
 * does) or `s3://bucket/prefix`. Throws BackupFailed `invalid` for anything else.
 */
export function openStore(target: string, { endpointUrl, region }: StoreSettings): BackupStore {
  const s3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(target);
  if (s3) {
    const prefix = (s3[2] ?? '').replace(/^\/+|\/+$/g, '');
    return new S3Store({ bucket: s3[1] ?? '', prefix, endpointUrl, region: region ?? 'us-east-1' });
  }
  const folder = folderOf(target);
  if (folder) return folder;
  const forms = '/a/folder, file:/a/folder, volume:/a/folder or s3://bucket/prefix';
  throw new BackupFailed('invalid', `"${target}" is no place for backups: give ${forms}`);
}

/** A relative path is one of the working folder; with a word before it, it must say where it lies. */
function folderOf(target: string): FolderStore | null {
  const [, scheme, path = ''] = /^(?:([A-Za-z0-9]+):(?:\/\/)?)?(.*)$/s.exec(target) ?? [];
  if (scheme === undefined) return path === '' ? null : new FolderStore(path);
  if (!['file', 'volume'].includes(scheme) || !isAbsolute(path)) return null;
  return new FolderStore(path, scheme === 'volume');
}

/** The store that a file or an s3:// object lies in, and its name there. */
export function openStoreOf(path: string, settings: StoreSettings): { store: BackupStore; name: string } {
  const name = basename(path);
  if (name === '') throw new BackupFailed('invalid', `"${path}" names no file`);
  return { store: openStore(dirname(path).replace(/^s3:\/(?!\/)/, 's3://'), settings), name };
}
