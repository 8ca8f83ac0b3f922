import { afterAll, beforeAll } from '@jest/globals';
import { describeHubStore } from '../../../libs/runtime/src/hub/testing/hub-store-contract.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { storageWorld } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

describeHubStore('Postgres', async () => storageWorld(await postgres.openStorage()));
