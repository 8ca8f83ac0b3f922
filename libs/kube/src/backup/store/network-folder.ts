import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** File systems whose bytes lie on another machine: `f_type` of statfs(2), as `linux/magic.h` and their own sources have it. */
const NETWORK: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2 and 3
  0x517b, // SMB
  0x00c36400, // Ceph
  0x01021997, // 9P
  0x47504653, // GPFS
  0x0bd00bd0, // Lustre
  0x19830326, // BeeGFS
  0x5346414f, // AFS
  0x65735546, // FUSE: s3fs, GlusterFS, sshfs and so on
]);

/** Of the folder, or of the nearest above it that is there. A folder that cannot be asked is of this host, as far as is known. */
export function isOnNetwork(folder: string, typeOf: (path: string) => number = fileSystemOf): boolean {
  for (let path = folder; ; path = dirname(path)) {
    try {
      // Kept in 64 bits by some kernels, with the sign of 32 bits by others.
      return NETWORK.has(typeOf(path) >>> 0);
    } catch {
      if (path === dirname(path)) return false;
    }
  }
}

const fileSystemOf = (path: string): number => statfsSync(path).type;
