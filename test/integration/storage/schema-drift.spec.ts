import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MIGRATIONS, openStorage, schemaText } from '@wavegate/storage';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { silentLog, startTestPostgres } from '../world/embedded-postgres.js';

const golden = fileURLToPath(new URL('../../../libs/storage/schema.sql', import.meta.url));

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('the migrations, run on an empty database → the schema of schema.sql, word by word', async () => {
  const storage = await postgres.openStorage();
  const found = await schemaText(storage.dataSource);
  await storage.close();
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(golden, found);
  expect(found).toBe(await readFile(golden, 'utf8'));
});

it('three replicas migrate the same empty database at once → each migration runs once', async () => {
  const url = new URL(await postgres.createDatabase());
  const storages = await Promise.all([1, 2, 3].map(() => openStorage({ url: url.href, poolSize: 3, log: silentLog })));
  await storages[0]?.dataSource.query('DROP SCHEMA public CASCADE');
  await storages[0]?.dataSource.query('CREATE SCHEMA public');
  const ran = await Promise.all(storages.map((storage) => storage.migrate()));
  expect(ran.flat()).toEqual(MIGRATIONS.map((migration) => migration.name));
  await Promise.all(storages.map((storage) => storage.close()));
});
