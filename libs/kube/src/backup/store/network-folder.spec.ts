import { describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOnNetwork } from './network-folder.js';
import { openStore } from './open-store.js';

const here = { endpointUrl: null, region: null };

describe('what leaves the host', () => {
  it.each([
    ['NFS', 0x6969, true],
    ['CIFS, as a kernel of 32 bits says it', 0xff534d42 | 0, true],
    ['FUSE', 0x65735546, true],
    ['ext4', 0xef53, false],
    ['tmpfs', 0x01021994, false],
  ])('a folder on %s → %#x is %s', (_name, type, expected) => {
    expect(isOnNetwork('/backups', () => type)).toBe(expected);
  });

  it('a folder that is not there yet → the mount above it decides', () => {
    const typeOf = (path: string): number => {
      if (path === '/mnt/nas') return 0x6969;
      throw new Error('ENOENT');
    };
    expect(isOnNetwork('/mnt/nas/a/b', typeOf)).toBe(true);
    expect(isOnNetwork('/srv/a/b', typeOf)).toBe(false);
  });

  it('a folder of this host → stays; the same named as a volume → leaves', () => {
    const folder = join(tmpdir(), 'wavegate-not-there');
    expect(openStore(folder, here)).toMatchObject({ remote: false, where: folder });
    expect(openStore(`volume:${folder}`, here)).toMatchObject({ remote: true, where: folder });
    expect(() => openStore('volume:relative', here)).toThrow(/no place for backups/);
  });
});
