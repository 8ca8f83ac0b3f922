import path from 'node:path';
import type { HubLog } from '@wavegate/runtime/hub';
import { openStorage, type Storage } from '@wavegate/storage';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../database/embedded-postgres.js';
import type { HubConfig } from './config.js';

export interface HubDatabase {
  readonly storage: Storage;
  /** Null where the hub was given a PostgreSQL of your own. */
  readonly embedded: EmbeddedPostgres | null;
}

/** `opened` gets what must be closed if the start fails later. */
export async function openDatabase(
  config: HubConfig,
  log: HubLog,
  opened: (() => Promise<void>)[],
): Promise<HubDatabase> {
  const embedded =
    config.databaseUrl === null ? await startEmbeddedPostgres(path.join(config.dataDir, 'postgres')) : null;
  // One that was found running may belong to a hub that lives: it is not ours to stop.
  if (embedded && !embedded.adopted) opened.push(() => embedded.stop());
  const storage = await openStorage({ url: config.databaseUrl ?? embedded?.url ?? '', log });
  opened.push(() => storage.close());
  return { storage, embedded };
}
