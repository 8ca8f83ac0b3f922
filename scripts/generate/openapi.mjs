// node scripts/generate/openapi.mjs FOLDER: writes the hub's openapi.json there, made from the compiled code. No
// database, no port: the desks stand empty, since describing a route calls none of them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRestApp, openApiDocument } from '../../apps/hub/dist/rest/rest-app.js';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('openapi: name the folder to write to');

const desks = {
  clusters: {},
  access: {},
  orders: {},
  schedules: {},
  plans: {},
  rollouts: {},
  events: {},
  readiness: {},
  metrics: {},
};
const app = await makeRestApp({
  desks,
  tokens: { verify: async () => null },
  log: { error: console.error },
  observe: () => {},
});
await app.init();
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'openapi.json'), `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
await app.close();
