import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupName, keepNewest, readBackupName } from './backup-name.js';
import { openStore, openStoreOf } from './store/open-store.js';
import { toSharedReceipt, toTerminationMessage } from './termination-message.js';
import type { ReceiptFile } from './receipt-file.js';
import { newestBackup } from './verify-backup.js';

const settings = { endpointUrl: null, region: null };
const at = Date.UTC(2026, 10, 21, 9, 30);

function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'wavegate-store-'));
  return work(dir).finally(() => rmSync(dir, { recursive: true, force: true }));
}

describe('the name of a backup', () => {
  it('says kind, cluster, moment and form, and is read back', () => {
    const name = backupName({ kind: 'etcd', cluster: 'prod/fra 1', at, encrypted: true });
    expect(name).toBe('wavegate-etcd-prod-fra-1-20261121T093000Z.tar.age');
    expect(readBackupName(name)).toEqual({
      kind: 'etcd',
      series: 'etcd/prod-fra-1',
      moment: '20261121T093000Z',
      until: null,
    });
    expect(readBackupName(`${name}.receipt.json`)).toBeNull();
    expect(readBackupName('backup.tar.age')).toBeNull();
  });
});

describe('retention', () => {
  it('the newest of this kind and cluster stay with their receipts; everybody else’s files are not touched', () =>
    inFolder(async (dir) => {
      const names = [0, 1, 2, 3].map((days) =>
        backupName({ kind: 'etcd', cluster: 'a', at: at + days * 86_400_000, encrypted: days % 2 === 0 }),
      );
      const others = [
        'notes.txt',
        backupName({ kind: 'manifests', cluster: 'a', at: 0, encrypted: false }),
        'wavegate-etcd-ab-20200101T000000Z.tar',
      ];
      for (const name of [...names.flatMap((one) => [one, `${one}.receipt.json`]), ...others])
        writeFileSync(join(dir, name), '');
      const removed = await keepNewest(openStore(dir, settings), names[3] ?? '', { keep: 2, now: at });
      expect(removed).toEqual([names[1], names[0]]);
      const stay = names.slice(2).flatMap((one) => [one, `${one}.receipt.json`]);
      expect(readdirSync(dir).sort()).toEqual([...stay, ...others].sort());
    }));
});

describe('a backup that was asked to stay for a time', () => {
  it('bears its name and its end, and is read back', () => {
    const name = backupName({
      ...{ kind: 'manifests', cluster: 'a_b', at, encrypted: false },
      ...{ label: 'before-autumn', ttlMs: 86_400_000 },
    });
    expect(name).toBe('wavegate-manifests-a_b-20261121T093000Z_before-autumn_until-20261122T093000Z.tar.gz');
    expect(readBackupName(name)).toMatchObject({ series: 'manifests/a_b', until: '20261122T093000Z' });
    const labelled = backupName({ kind: 'etcd', cluster: 'c', at, encrypted: true, label: 'x' });
    expect(readBackupName(labelled)).toMatchObject({ series: 'etcd/c', until: null });
  });

  it('stays beyond `keep` until its end, goes after it, and takes no place of the others', () =>
    inFolder(async (dir) => {
      const day = 86_400_000;
      const taken = (days: number, ttlDays = 0): string =>
        backupName({ kind: 'etcd', cluster: 'a', at: at + days * day, encrypted: false, ttlMs: ttlDays * day });
      const [long, short, first, second] = [taken(0, 30), taken(1, 1), taken(2), taken(3)];
      for (const name of [long, short, first, second]) writeFileSync(join(dir, name), '');
      const store = openStore(dir, settings);
      expect(await keepNewest(store, second, { keep: 1, now: at + 3 * day })).toEqual([first, short]);
      expect(readdirSync(dir).sort()).toEqual([long, second].sort());
      expect(await keepNewest(store, second, { keep: null, now: at + 60 * day })).toEqual([long]);
      expect(readdirSync(dir)).toEqual([second]);
    }));
});

describe('a folder of backups', () => {
  it('bytes that stop half-way → nothing of that name, and no scrap', () =>
    inFolder(async (dir) => {
      const broken = (async function* () {
        yield Buffer.alloc(1_000_000);
        await Promise.resolve();
        throw new Error('etcd went away');
      })();
      await expect(openStore(dir, settings).write('x.tar', broken)).rejects.toThrow('etcd went away');
      expect(readdirSync(dir)).toEqual([]);
    }));

  it('the newest of a kind and cluster → the one with a receipt, whatever its name and form; none → said so', () =>
    inFolder(async (dir) => {
      const store = openStore(dir, settings);
      const newest = 'wavegate-etcd-c-20261121T093000Z_before-autumn_until-20261221T093000Z.tar.age';
      const whole = ['wavegate-etcd-c-20261120T093000Z.tar', newest, 'wavegate-etcd-c2-20261123T093000Z.tar'];
      const others = [
        'wavegate-manifests-c-20261123T093000Z.tar.gz',
        'x.tar',
        'wavegate-etcd-c-20261122T093000Z.tar.age',
      ];
      for (const name of [...whole.flatMap((one) => [one, `${one}.receipt.json`]), ...others]) {
        writeFileSync(join(dir, name), '');
      }
      expect(await newestBackup(store, 'etcd', 'c')).toBe(newest);
      await expect(newestBackup(store, 'etcd', 'nobody')).rejects.toThrow(
        /no etcd backup of cluster nobody lies in .*: take one first/,
      );
    }));

  it('places that are none → refused with what would be right', () => {
    for (const wrong of ['ftp://x', 's3://', 's3://UPPER/x', 'file:relative', ''])
      expect(() => openStore(wrong, settings)).toThrow(
        /give \/a\/folder, file:\/a\/folder, volume:\/a\/folder or s3:\/\/bucket\/prefix/,
      );
    expect(openStore('s3://bucket/a/b/', settings).where).toBe('s3://bucket/a/b');
    expect(openStore('file:///var/x', settings).where).toBe('/var/x');
    expect(openStoreOf('s3://bucket/a/x.tar', settings)).toMatchObject({
      name: 'x.tar',
      store: { where: 's3://bucket/a' },
    });
    expect(openStoreOf('s3://bucket/x.tar', settings).store.pathOf('x.tar')).toBe('s3://bucket/x.tar');
  });
});

describe('a termination message', () => {
  it('however much was checked and whoever may read it → within what Kubernetes keeps, and JSON', () => {
    const receipt: ReceiptFile = {
      schema: 1,
      kind: 'etcd',
      cluster: 'c',
      node: 'n',
      takenAt: new Date(at).toISOString(),
      object: { path: `s3://b/${'p'.repeat(500)}`, sizeBytes: 1, sha256: 'a'.repeat(64) },
      verified: 'restore',
      checks: Array.from({ length: 30 }, () => 'ü'.repeat(300)),
      encryptedTo: Array.from({ length: 40 }, () => `age1${'q'.repeat(58)}`),
    };
    const checksTo = (encryptedTo: readonly string[]) =>
      toSharedReceipt({ ...receipt, checks: ['restored'], encryptedTo }).checks;
    expect(checksTo(['age1a', 'age1b'])).toEqual(['restored']);
    expect(checksTo(['age1a'])).toEqual(['restored', expect.stringMatching(/^only one key opens it: add an offline/)]);
    for (const message of [toTerminationMessage({ receipt }), toTerminationMessage({ error: 'e'.repeat(9_000) })]) {
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4_096);
      expect(JSON.parse(message)).toHaveProperty('ok');
    }
  });
});
