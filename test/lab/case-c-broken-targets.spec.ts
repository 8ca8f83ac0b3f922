import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenCluster } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const TARGET = { kubernetes: '1.35.4' };
/** What does not come up is given up sooner than by default; still many times what a healthy node takes. */
const SOONER = { ignorePreflightErrors: ['SystemVerification'], limits: { manifests: '3m', kubelet: '2m' } };
const APISERVER = 'registry.k8s.io/kube-apiserver:v1.35.4';

/** Three targets that cannot work, one after the other on the same cluster: each is mended as its outcome says. */
describe('a broken target', () => {
  let lab: Lab;
  let fleet: LabFleet;

  beforeAll(async () => {
    lab = await startLab({ name: 'broken', shape: 'single', version: '1.34.4', upgradableTo: ['1.35.4'] });
    await openShop(lab);
    fleet = await LabFleet.start([lab]);
  }, 900_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  async function tried(plan: string): Promise<SeenCluster> {
    const id = await fleet.rollOut(plan, TARGET, { upgrade: SOONER });
    const rollout = await fleet.untilEnded(id, 1_200_000);
    expect(rollout.state).not.toBe('finished');
    const seen = await fleet.seen(id, 'broken');
    await fleet.abort(id);
    return seen;
  }

  it('an image that no node has and nothing can pull → refused before anything is changed, the image named', async () => {
    const archive = '/var/tmp/kept-apiserver.tar';
    await lab
      .node('cp1')
      .sh(`ctr -n k8s.io images export ${archive} ${APISERVER}; ctr -n k8s.io images rm ${APISERVER}`);
    const { outcome } = await tried('image-missing');

    expect(outcome?.kind).toBe('halted');
    expect(outcome?.text).toContain('kube-apiserver:v1.35.4');
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.34.4' });
    expect(stands.images['cp1/etcd']).toBe('3.6.5-0');
    expect(stands.closed).toEqual([]);
    await lab.node('cp1').sh(`ctr -n k8s.io images import ${archive}; rm ${archive}`);
  });

  it("an argument that the new API server does not know → kubeadm's own way back recognised, what it leaves is named", async () => {
    await withBadArgument(lab);
    const { outcome } = await tried('bad-argument');

    expect(['halted', 'rolledBack']).toContain(outcome?.kind);
    expect(outcome?.text).toContain('no-such-argument');
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.34.4' });
    // kubeadm takes back the API server, not etcd: the outcome must not hide it.
    expect(stands.images['cp1/etcd']).toBe('3.6.6-0');
    await withoutBadArgument(lab);
  });

  it('a kubelet that does not start on the first worker → that worker back at its old version, the other never touched', async () => {
    // Known to 1.34, gone in 1.35: what a forgotten flag of the host looks like.
    const flag = '--pod-infra-container-image=registry.k8s.io/pause:3.10.1';
    for (const name of ['w1', 'w2']) {
      await lab.node(name).sh(`echo 'KUBELET_EXTRA_ARGS=${flag}' > /etc/default/kubelet; systemctl restart kubelet`);
    }
    await lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=120s']);
    const { outcome } = await tried('kubelet-does-not-start');

    expect(outcome?.text).toMatch(/kubelet/);
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.35.4' });
    expect([stands.kubelets['w1'], stands.kubelets['w2']]).toEqual(['1.34.4', '1.34.4']);
    expect(stands.packages).toMatchObject({ w1: '1.34.4-1.1 held', w2: '1.34.4-1.1 held' });
    await lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=120s']);
  });
});

const CONFIG = ['-n', 'kube-system', 'configmap', 'kubeadm-config'];

async function clusterConfiguration(lab: Lab): Promise<string> {
  return lab.kubectl(['get', ...CONFIG, '-o', 'jsonpath={.data.ClusterConfiguration}']);
}

async function store(lab: Lab, text: string): Promise<void> {
  const patch = JSON.stringify({ data: { ClusterConfiguration: text } });
  await lab.kubectl(['patch', ...CONFIG, '--type=merge', '-p', patch]);
}

async function withBadArgument(lab: Lab): Promise<void> {
  const before = await clusterConfiguration(lab);
  const bad = 'apiServer:\n  extraArgs:\n  - name: no-such-argument\n    value: "1"\n';
  await store(lab, before.replace(/^apiServer: \{\}\n/m, bad));
  expect(await clusterConfiguration(lab)).toContain('no-such-argument');
}

async function withoutBadArgument(lab: Lab): Promise<void> {
  await store(lab, (await clusterConfiguration(lab)).replace(/^apiServer:\n(?: .*\n)+/m, 'apiServer: {}\n'));
  expect(await clusterConfiguration(lab)).not.toContain('no-such-argument');
}
