import { createReadStream } from 'node:fs';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { BackupFailed, diskFailure } from '../backup-failed.js';
import type { BackupStore, StoredObject } from './backup-store.js';
import { CountedBytes } from './counted-bytes.js';
import { isOnNetwork } from './network-folder.js';

const PARTIAL = '.wavegate-partial-';
/** Left by a run that was killed: nobody writes one file for a day. */
const STALE_MS = 86_400_000;

/** A folder: of the host, or of a volume that is mounted there. Written aside, synced, renamed: a name is a whole file. */
export class FolderStore implements BackupStore {
  readonly where: string;

  /** `volume`: whoever names the folder knows that a volume is mounted there; a block device looks like any other disk. */
  constructor(
    folder: string,
    private readonly volume = false,
  ) {
    this.where = isAbsolute(folder) ? folder : resolve(folder);
  }

  get remote(): boolean {
    return this.volume || isOnNetwork(this.where);
  }

  pathOf(name: string): string {
    return join(this.where, name);
  }

  async probe(): Promise<void> {
    try {
      await mkdir(this.where, { recursive: true, mode: 0o700 });
      // Rights may say yes where a read-only mount says no: only a file that was written shows it.
      const trial = join(this.where, `${PARTIAL}probe-${process.pid}`);
      await access(this.where, constants.W_OK);
      await (await open(trial, 'w', 0o600)).close();
      await rm(trial, { force: true });
    } catch (error) {
      throw diskFailure(`the backup folder ${this.where}`, error);
    }
    await this.removeStale();
  }

  async write(name: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const path = this.pathOf(name);
    const partial = join(this.where, `${PARTIAL}${process.pid}-${name}`);
    const counted = new CountedBytes();
    try {
      await writeWhole(partial, counted.through(body));
      await counted.mustComeBack(path, createReadStream(partial));
      await rename(partial, path);
      await syncFolder(this.where);
    } catch (error) {
      await rm(partial, { force: true });
      throw diskFailure(`writing ${path}`, error);
    }
    return { path, sizeBytes: counted.sizeBytes, sha256: counted.sha256 };
  }

  async read(name: string): Promise<Readable> {
    const path = this.pathOf(name);
    const found = await stat(path).catch(() => null);
    if (!found?.isFile()) throw new BackupFailed('invalid', `${path}: there is no such file`);
    return createReadStream(path, { highWaterMark: 1 << 18 });
  }

  async list(): Promise<readonly string[]> {
    try {
      return (await readdir(this.where)).filter((name) => !name.startsWith('.')).sort();
    } catch (error) {
      throw diskFailure(`listing ${this.where}`, error);
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.pathOf(name), { force: true });
  }

  private async removeStale(): Promise<void> {
    for (const name of await readdir(this.where)) {
      if (!name.startsWith(PARTIAL)) continue;
      const path = join(this.where, name);
      const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? Date.now());
      if (age > STALE_MS) await rm(path, { force: true });
    }
  }
}

async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The name itself is on the disk only after its folder was synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
