import { openDatabase } from './hub-database.js';
import type { HubConfig } from './config.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * A new admin token for whoever can read this hub's database anyway: the way back in when the first one was lost. Works
 * beside a running hub and without one; the audit names where the token came from.
 */
export async function makeAdminToken(config: HubConfig): Promise<string> {
  const opened: (() => Promise<void>)[] = [];
  try {
    const { storage } = await openDatabase(config, SILENT, opened);
    await storage.migrate();
    const name = `console-${new Date().toISOString().slice(0, 16)}`;
    return (await storage.apiTokens.create({ name, role: 'admin', scope: '', by: 'wavegate-hub admin-token' })).token;
  } finally {
    for (const close of opened.reverse()) await close();
  }
}
