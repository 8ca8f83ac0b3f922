import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../apps/hub/src/database/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../../apps/hub/src/database/embedded-postgres.js';

let root: string;
let own: EmbeddedPostgres;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'wavegate-databases-'));
  chmodSync(root, 0o711); // PostgreSQL runs as another user and must pass
  own = await startEmbeddedPostgres(join(root, 'own'));
});
afterEach(async () => {
  await own.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('an embedded database left running by an earlier hub', () => {
  it('the same folder → it is adopted', async () => {
    expect(own.adopted).toBe(false);
    expect(await startEmbeddedPostgres(join(root, 'own'))).toMatchObject({ adopted: true, url: own.url });
  });

  it('its number belongs to another PostgreSQL by now → that one is never taken for ours', async () => {
    const after = await startEmbeddedPostgres(join(root, 'after'));
    await after.stop();
    // As after the machine's restart: the file of the server that is gone, with a number that another one got.
    writeFileSync(join(after.dir, 'postmaster.pid'), readFileSync(join(own.dir, 'postmaster.pid')));
    // PostgreSQL itself will not start beside a file whose process lives: who is right, a person must see.
    await expect(startEmbeddedPostgres(join(root, 'after'))).rejects.toThrow(/did not start; its log is .*after/);
    expect(readFileSync(join(after.dir, 'server.log'), 'utf8')).toContain('lock file "postmaster.pid" already exists');
  });
});
