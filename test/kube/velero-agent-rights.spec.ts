import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CancelSource } from '@wavegate/runtime/agent';
import { join } from 'node:path';
import { backupVelero, veleroMeans } from '../../libs/kube/src/backup/velero/index.js';
import type { VeleroMeans } from '../../libs/kube/src/backup/velero/index.js';
import { openKube } from '../../libs/kube/src/kube-access.js';
import { eventually, pause } from './world/eventually.js';
import { startCluster } from './world/real-cluster.js';
import type { RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';
import { canaryNamespace } from './world/velero-canary.js';
import { VeleroWorld } from './world/velero-world.js';

const VERSION = '1.34.4';
const AGENT = 'system:serviceaccount:wavegate:wavegate-agent';
const DEPLOY = join(import.meta.dirname, '../../deploy/agent');

let dir: string;
let cluster: RealCluster;
let means: VeleroMeans;
let kubeconfig: string;

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = [{ name: 'cp-1', role: 'controlPlane' as const, kubelet: VERSION, zone: 'a' }];
  cluster = await startCluster({ name: 'rights', version: VERSION, dir, nodes });
  await canaryNamespace(cluster, 'shop');
  await VeleroWorld.start(cluster);
  kubeconfig = await cluster.identity(AGENT, []);
  const clock = { now: () => Date.now(), sleep: (ms: number) => pause(ms) };
  means = veleroMeans(openKube({ kubeconfig }), clock);
});

afterAll(async () => {
  await cluster?.stop();
  removeRunFolder(dir);
});

const backup = (name: string, by = means) =>
  backupVelero(
    by,
    { name, namespaces: ['shop'], selector: '', ttlMs: 3_600_000, attempt: 1, canary: 'shop' },
    { report: () => undefined, cancel: new CancelSource() },
  );

async function grant(file: string): Promise<void> {
  const { code, stderr } = await cluster.kubectl('apply', '-f', join(DEPLOY, file));
  if (code !== 0) throw new Error(stderr);
}

describe("the agent's own rights for Velero", () => {
  it('none granted → a refusal that names what is missing', async () => {
    // A refusal is believed after half a minute; here that takes a second.
    const clock = { now: () => Date.now() * 30, sleep: (ms: number) => pause(ms / 30) };

    const result = await backup('early', { ...means, clock });

    expect(result).toMatchObject({ kind: 'failed', reason: { code: 'backup_failed' } });
    expect(JSON.stringify(result)).toMatch(/refused GET .*backupstoragelocations → 403: .*cannot list resource/);
  });

  it('those of rbac-velero.yaml and rbac-velero-proof.yaml → backup and proof; Secrets are named as not proven', async () => {
    await cluster.kubectl('create', 'namespace', 'wavegate');
    await grant('rbac-velero.yaml');
    await grant('rbac-velero-proof.yaml');
    // A policy takes a moment until it is in force.
    await eventually('the policy to be in force', async () => {
      const asAgent = await cluster.kubectl(
        '--kubeconfig',
        kubeconfig,
        'create',
        'namespace',
        'mine',
        '--dry-run=server',
      );
      return asAgent.stderr.includes('the agent may create namespaces for proofs only');
    });

    const result = await backup('proven');

    expect(result).toMatchObject({ kind: 'succeeded', receipt: { verified: 'restore' } });
    const checks = result.kind === 'succeeded' ? (result.receipt?.checks ?? []).join('\n') : '';
    expect(checks).toContain('not proven: secrets: no right to list them');
    expect(checks).not.toContain('could not be removed');
    expect((await cluster.api.list('/api/v1/namespaces')).map(({ metadata }) => metadata.name)).not.toContainEqual(
      expect.stringContaining('wavegate-proof-'),
    );
  });

  it('another namespace, also one that only borrows the name → the policy keeps the agent from deleting it', async () => {
    await cluster.kubectl('create', 'namespace', 'wavegate-proof-theirs');
    const remove = (name: string) =>
      cluster.kubectl('--kubeconfig', kubeconfig, 'delete', 'namespace', name, '--wait=false');

    expect((await remove('shop')).stderr).toContain('namespaces of its own proofs only');
    expect((await remove('wavegate-proof-theirs')).stderr).toContain('namespaces of its own proofs only');
  });
});
