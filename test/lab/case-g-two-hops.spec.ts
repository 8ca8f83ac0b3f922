import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenCluster, SeenRollout } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

describe('1.33 → 1.34 → 1.35 as one plan', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let rollout: SeenRollout;
  let ended: SeenCluster;

  beforeAll(async () => {
    lab = await startLab({ name: 'hops', shape: 'short', version: '1.33.13', upgradableTo: ['1.34.4', '1.35.4'] });
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    await openShop(lab);
    fleet = await LabFleet.start([lab]);
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } });
    rollout = await fleet.untilEnded(id, 1_500_000);
    ended = await fleet.seen(id, 'hops');
  }, 1_800_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  it('a plan over two minors → both passes made, the cluster at the last', async () => {
    expect([rollout.state, ended.outcome?.kind]).toEqual(['finished', 'upgraded']);
    const { apiServers, kubelets, closed } = await standing(lab);
    expect({ apiServers, kubelets, closed }).toEqual({
      apiServers: { cp1: '1.35.4' },
      kubelets: { cp1: '1.35.4', w1: '1.35.4' },
      closed: [],
    });
  });

  it.each(['cp1', 'w1'])(
    '%s itself → had each minor of kubeadm and kubelet installed in turn: none was skipped',
    async (node) => {
      const journal = await lab.node(node).sh("grep -hE ' status installed (kubeadm|kubelet):' /var/log/dpkg.log");
      const installed = (name: string): readonly string[] =>
        [...journal.matchAll(new RegExp(` ${name}:\\S+ (\\d+\\.\\d+\\.\\d+)`, 'g'))].map(([, version = '']) => version);
      expect([...new Set(installed('kubeadm'))]).toEqual(['1.33.13', '1.34.4', '1.35.4']);
      expect([...new Set(installed('kubelet'))]).toEqual(['1.33.13', '1.34.4', '1.35.4']);
    },
  );

  it('the hub → two orders, one hop each, both ended well', async () => {
    const { items } = await fleet.hub.call<{ items: { hop: string; outcome: { kind: string } | null }[] }>(
      'GET',
      `/clusters/${ended.name}/orders`,
    );
    const upgrades = items.filter(({ hop }) => hop).map(({ hop, outcome }) => [hop, outcome?.kind]);
    expect(upgrades.sort()).toEqual([
      ['1.33.13 → 1.34.4', 'upgraded'],
      ['1.34.4 → 1.35.4', 'upgraded'],
    ]);
  });
});
