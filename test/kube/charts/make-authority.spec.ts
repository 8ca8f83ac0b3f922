import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAuthorityFiles } from '../../../apps/hub/src/agents/authority-files.js';
import { startCluster } from '../world/real-cluster.js';
import type { RealCluster } from '../world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from '../world/run-folder.js';
import { rendered } from './rendered.js';

const ROOT = join(import.meta.dirname, '../../..');
const SECRET = 'wavegate-hub-authority';
let dir: string;
let cluster: RealCluster;

beforeAll(async () => {
  dir = makeRunFolder();
  cluster = await startCluster({ name: 'authority', version: '1.35.4', dir, nodes: [] });
  await cluster.kubectl('create', 'namespace', 'wavegate-hub');
  // The account and the rights of the chart's own hook.
  const hub = await rendered('hub', ['--set=agents.gateway=h:1,agents.enrolment=h:2,database.existingSecret.name=x']);
  for (const object of hub.filter(({ kind }) => ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind))) {
    const file = join(cluster.dir, `${object.kind}.json`);
    writeFileSync(file, JSON.stringify(object));
    const made = await cluster.kubectl('create', '-f', file);
    if (made.code !== 0) throw new Error(made.stderr);
  }
  const token = await cluster.kubectl('create', 'token', 'wavegate-hub-make-authority', '-n', 'wavegate-hub');
  mkdirSync(join(cluster.dir, 'account'));
  writeFileSync(join(cluster.dir, 'account', 'token'), token.stdout.trim(), { mode: 0o600 });
  copyFileSync(cluster.caFile, join(cluster.dir, 'account', 'ca.crt'));
});

afterAll(async () => {
  await cluster?.stop();
  removeRunFolder(dir);
});

/** The hook's program as it lies in the image: beside the compiled hub. */
function makeAuthority(): { readonly code: number; readonly said: string } {
  const program = join(ROOT, 'deploy/images/hub/programs/make-authority.mjs');
  const compiled = join(ROOT, 'apps/hub/dist/agents/authority-files.js');
  if (!existsSync(compiled)) throw new Error(`${compiled} is missing: run \`make build\` first`);
  const { hostname, port } = new URL(cluster.url);
  const where = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, NAMESPACE: 'wavegate-hub', SECRET };
  const env = { ...where, ACCOUNT: join(cluster.dir, 'account'), AUTHORITY_MODULE: compiled };
  const ran = spawnSync(process.execPath, [program], { env, encoding: 'utf8' });
  return { code: ran.status ?? -1, said: ran.stdout + ran.stderr };
}

async function secret(name: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await cluster.kubectl('get', 'secret', name, '-n', 'wavegate-hub', '-o', 'jsonpath={.data}');
  return JSON.parse(stdout || '{}') as Record<string, string>;
}

describe('the hub’s certificate authority in Kubernetes', () => {
  it('made once by the hook’s own account; a hub reads it; the root’s key lies apart', async () => {
    expect(makeAuthority()).toMatchObject({ code: 0, said: expect.stringMatching(/^made the authority of this hub/) });
    const shared = await secret(SECRET);
    expect(Object.keys(shared).sort()).toEqual(['intermediate.crt', 'intermediate.key', 'root.crt']);
    expect(Object.keys(await secret(`${SECRET}-root`))).toEqual(['root.key']);

    const mounted = join(cluster.dir, 'ca');
    mkdirSync(mounted);
    for (const [name, text] of Object.entries(shared)) writeFileSync(join(mounted, name), Buffer.from(text, 'base64'));
    const read = await openAuthorityFiles(mounted, Date.now());
    expect(read.intermediateKeyPem).toMatch(/PRIVATE KEY/);
  });

  it('asked again → left as it is, since every agent has pinned it', async () => {
    const before = await secret(SECRET);
    expect(makeAuthority()).toMatchObject({ code: 0, said: expect.stringMatching(/left as it is/) });
    expect(await secret(SECRET)).toEqual(before);
  });

  it('the shared part lost, the root’s key there → refused, with what to do', async () => {
    await cluster.kubectl('delete', 'secret', SECRET, '-n', 'wavegate-hub');
    const { code, said } = makeAuthority();
    expect(code).toBe(1);
    expect(said).toMatch(/restore that one from your backup, or delete both/);
  });
});
