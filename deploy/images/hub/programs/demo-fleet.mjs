// For docker-compose.yml: join tokens for simulated clusters, straight from the hub's database, in fleet files for
// `wavegate-agent simulate`.
//   DATABASE_URL, WAVEGATE_DATA_DIR: the hub's. CLUSTERS: names. FOLDER: where the files go. GATEWAY, ENROLMENT: the hub's.
//   SPEED: how much faster than life.
import { X509Certificate, createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { specOf } from '@wavegate/simulator';
import { openStorage } from '@wavegate/storage';

const { DATABASE_URL, WAVEGATE_DATA_DIR = '/data', CLUSTERS = 'demo-1 demo-2', FOLDER = '/demo' } = process.env;
const { GATEWAY = 'hub:8443', ENROLMENT = 'hub:8444', SPEED = '20' } = process.env;
const silent = { info: () => undefined, warn: console.error, error: console.error };

const root = new X509Certificate(readFileSync(join(WAVEGATE_DATA_DIR, 'ca', 'root.crt')));
const caSha256 = createHash('sha256').update(root.raw).digest('hex');
const storage = await openStorage({ url: DATABASE_URL, log: silent });

async function fleetOf(name, index) {
  const file = join(FOLDER, `${name}.json`);
  if (existsSync(file)) return;
  const labels = { env: index === 0 ? 'dev' : 'prod' };
  const wish = { clusterName: name, labels, approve: true, ttlMs: 3_600_000, by: 'docker-compose' };
  const { token } = await storage.joinTokens.create(wish);
  const spec = specOf({ seed: 'compose', speed: Number(SPEED) }, name, { labels, faults: {}, version: '1.34.4' });
  const stateDir = join(FOLDER, name);
  mkdirSync(stateDir, { recursive: true });
  const fleet = {
    hub: { gateway: GATEWAY, enrolment: ENROLMENT, caSha256 },
    stateDir,
    clusters: [{ spec, join: token }],
  };
  writeFileSync(file, JSON.stringify(fleet));
  console.log(`${name} may join`);
}

await Promise.all(CLUSTERS.split(/\s+/).filter(Boolean).map(fleetOf));
await storage.close();
