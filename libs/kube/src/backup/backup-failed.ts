/**
 * Why there is no backup, or why one is not good. Each cause has its own word, because each has another cure:
 *
 * unreachable     nobody answers there            · unauthorized  the credential is refused
 * wrong_ca        the server is not who was meant · read_only     the target takes no writes
 * no_space        the disk or the quota is full   · corrupt       the bytes are not what was saved
 * wrong_key       it was encrypted to others      · not_restorable  it did not come back to life
 * invalid         asked for something that cannot be · incomplete  part of the cluster could not be read
 */
export type BackupTrouble =
  | 'unreachable'
  | 'unauthorized'
  | 'wrong_ca'
  | 'read_only'
  | 'no_space'
  | 'corrupt'
  | 'wrong_key'
  | 'not_restorable'
  | 'invalid'
  | 'incomplete';

/** One clear line for a person; nothing half-written is left behind when it is thrown. */
export class BackupFailed extends Error {
  override readonly name = 'BackupFailed';

  constructor(
    readonly trouble: BackupTrouble,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const OF_DISK: Readonly<Record<string, readonly [BackupTrouble, string]>> = {
  ENOSPC: ['no_space', 'no space is left there: free some, or choose another place'],
  EDQUOT: ['no_space', 'the disk quota is used up there: raise it, or choose another place'],
  EFBIG: ['no_space', 'a file of that size is not allowed there'],
  EROFS: ['read_only', 'that file system is mounted read-only'],
  EACCES: ['read_only', 'this user may not read or write there'],
  EPERM: ['read_only', 'this user may not read or write there'],
  ENOTDIR: ['invalid', 'part of that path is a file, not a folder'],
  ENOENT: ['invalid', 'there is no such file or folder'],
  EIO: ['corrupt', 'the disk gives input/output errors'],
};

/** A file system's refusal in words; everything else as it came. */
export function diskFailure(what: string, error: unknown): unknown {
  if (error instanceof BackupFailed) return error;
  const { code } = error as NodeJS.ErrnoException;
  const known = code ? OF_DISK[code] : undefined;
  return known ? new BackupFailed(known[0], `${what}: ${known[1]} (${code})`, { cause: error }) : error;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
