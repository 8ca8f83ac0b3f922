import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure } from './backup-failed.js';

/** A folder of this user only, for as long as the work takes: plain bytes of a cluster lie in it. */
export async function inScratch<T>(parent: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(parent, 'wavegate-backup-')).catch((error: unknown) => {
    throw diskFailure(`the scratch folder ${parent}`, error);
  });
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
