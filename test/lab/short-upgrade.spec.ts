import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenCluster, SeenRollout } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { say } from './world/lab-log.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { OutageProbe } from './world/outage-probe.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

describe('one control plane and one worker, upgraded by the agent', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let probe: OutageProbe;
  let rollout: SeenRollout;
  let ended: SeenCluster;

  beforeAll(async () => {
    lab = await startLab({ name: 'short', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    // One worker alone cannot be drained: the control plane takes pods too, as on small clusters.
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    const address = await openShop(lab);
    fleet = await LabFleet.start([lab]);
    probe = new OutageProbe(lab, address);
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4' });
    rollout = await fleet.untilEnded(id, 1_200_000);
    ended = await fleet.seen(id, 'short');
    say(probe.summary());
  }, 1_500_000);
  afterAll(async () => {
    probe?.end();
    await fleet?.stop();
    await lab?.stop();
  });

  it('a plan for the next minor → finished, the cluster upgraded', () => {
    expect({ state: rollout.state, outcome: ended.outcome?.kind, text: ended.outcome?.text }).toEqual({
      state: 'finished',
      outcome: 'upgraded',
      text: expect.any(String),
    });
  });

  it('every component, asked itself → at the target, and no node is left closed', async () => {
    expect(await standing(lab)).toEqual({
      apiServers: { cp1: '1.35.4' },
      kubelets: { cp1: '1.35.4', w1: '1.35.4' },
      packages: { cp1: '1.35.4-1.1 held', w1: '1.35.4-1.1 held' },
      images: {
        'cp1/etcd': '3.6.6-0',
        'cp1/kube-controller-manager': 'v1.35.4',
        'cp1/kube-scheduler': 'v1.35.4',
        coredns: 'v1.13.1',
        'kube-proxy': 'v1.35.4',
      },
      closed: [],
    });
  });

  it('a shop under a budget of one → answered through it all; the API was away as a single control plane must be', () => {
    expect(probe.looks('app')).toBeGreaterThan(200);
    expect(probe.seconds('app')).toBeLessThan(10);
    expect(probe.seconds('api')).toBeGreaterThan(0);
  });
});
