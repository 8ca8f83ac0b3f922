import { afterAll, beforeAll } from '@jest/globals';
import { describeHubStore } from '../../../libs/runtime/src/hub/testing/hub-store-contract.js';
import { describeRequestStore } from '../../../libs/runtime/src/hub/testing/request-store-contract.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { storageWorld } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

const open = async () => storageWorld(await postgres.openStorage());
describeHubStore('Postgres', open);
describeRequestStore('Postgres', open);
