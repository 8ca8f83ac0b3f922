import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../kube/world/eventually.js';
import { LabFleet } from './world/lab-fleet.js';
import type { LabNode } from './world/lab-node.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const BACK = ['--allow-downgrades', '--allow-change-held-packages'];

/** Rung 6: everything was laid on the host before the first change; two persons run it, nothing of the cluster is asked. */
describe('an upgraded cluster whose etcd is restored to before the upgrade', () => {
  let lab: Lab;
  let fleet: LabFleet;

  beforeAll(async () => {
    lab = await startLab({ name: 'restored', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    await lab.kubectl(['create', 'configmap', 'before', '--from-literal=a=1']);
    fleet = await LabFleet.start([lab]);
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4' }, { rollback: { stageRestore: true } });
    const rollout = await fleet.untilEnded(id, 1_200_000);
    expect([rollout.state, (await fleet.seen(id, 'restored')).outcome?.kind]).toEqual(['finished', 'upgraded']);
    await lab.kubectl(['create', 'configmap', 'after', '--from-literal=a=1']);
  }, 1_500_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  it('the staged script run as it says → the old control plane serves what the snapshot held, and nothing later', async () => {
    const host = lab.node('cp1');
    const folder = (await host.sh('ls -d /var/lib/wavegate/restore/*/')).trim();
    expect(await host.sh(`ls ${folder}`)).toMatch(
      /etcdutl[\s\S]*manifests[\s\S]*packages[\s\S]*restore\.sh[\s\S]*snapshot\.db/,
    );
    for (const verb of ['stop', 'restore', 'start']) await host.sh(`${folder}/restore.sh ${verb}`);
    await packagesBack(host, `${folder}/packages`);
    await packagesBack(lab.node('w1'), '/var/lib/wavegate/packages/1.34.4');

    await eventually('the restored API server', () => lab.kubectl(['get', '--raw', '/readyz']), {
      withinMs: 300_000,
      everyMs: 1_000,
    });
    await lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s']);
    expect(await lab.kubectl(['get', 'configmap', 'before', '-o', 'jsonpath={.data.a}'])).toBe('1');
    await expect(lab.kubectl(['get', 'configmap', 'after'])).rejects.toThrow(/not found/);
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.34.4' });
    expect(stands.kubelets).toEqual({ cp1: '1.34.4', w1: '1.34.4' });
  });

  it('the restored cluster → runs new pods', async () => {
    await lab.kubectl(['create', 'deployment', 'later', '--image=lab.wavegate.invalid/app:1', '--replicas=2']);
    await lab.kubectl(['rollout', 'status', 'deployment/later', '--timeout=180s']);
  });

  it('the agent, whose journal was rewound with everything else → takes a newer plan and carries it out', async () => {
    const id = await fleet.rollOut('again', { kubernetes: '1.35.4' });
    const rollout = await fleet.untilEnded(id, 1_200_000);

    expect([rollout.state, (await fleet.seen(id, 'restored')).outcome?.kind]).toEqual(['finished', 'upgraded']);
    expect((await standing(lab)).kubelets).toEqual({ cp1: '1.35.4', w1: '1.35.4' });
  });
});

/** As the script's last line tells a person to. */
async function packagesBack(node: LabNode, folder: string): Promise<void> {
  await node.sh(`export DEBIAN_FRONTEND=noninteractive; apt-get install -y -q ${BACK.join(' ')} ${folder}/*.deb
systemctl daemon-reload; systemctl restart kubelet`);
}
