import { afterEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../../apps/hub/src/database/embedded-postgres.js';
import { freePorts } from '../../kube/world/free-ports.js';

const dir = mkdtempSync(join(tmpdir(), 'wavegate-database-'));
chmodSync(dir, 0o711); // PostgreSQL runs as another user and must pass
let other: Server;
afterEach(() => {
  other.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('the embedded database, whose port somebody else takes before it binds', () => {
  it('another port is tried, and the database answers there', async () => {
    other = await new Promise<Server>((ready) => {
      const server = createServer().listen(0, '127.0.0.1', () => ready(server));
    });
    const taken = (other.address() as AddressInfo).port;
    const [free = 0] = await freePorts(1);
    const ports = [taken, free];
    const database = await startEmbeddedPostgres(dir, () => Promise.resolve(ports.shift() ?? 0));
    try {
      expect(new URL(database.url).port).toBe(String(free));
      const client = new pg.Client(database.url);
      await client.connect();
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      await client.end();
    } finally {
      await database.stop();
    }
  });
});
