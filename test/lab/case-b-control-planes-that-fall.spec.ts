import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenCluster, SeenRollout } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { say } from './world/lab-log.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { OutageProbe } from './world/outage-probe.js';
import { cutPower, type PowerCut } from './world/power-cut.js';
import { QuorumWatch } from './world/quorum-watch.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const manifest = (name: string): string => `/etc/kubernetes/manifests/${name}.yaml`;

type Fall = Omit<PowerCut, 'awayMs'>;

const FALLS: readonly Fall[] = [
  { when: 'during kubeadm upgrade apply, before etcd', node: 'cp1', holds: "pgrep -xf 'kubeadm upgrade apply .*'" },
  {
    when: 'between etcd and the API server',
    node: 'cp2',
    holds: `grep -q etcd:3.6.6 ${manifest('etcd')} && grep -q apiserver:v1.34.4 ${manifest('kube-apiserver')}`,
  },
  {
    when: 'after its kubelet',
    node: 'cp3',
    holds: 'pgrep -x kubelet >/dev/null && kubelet --version | grep -q v1.35.4',
  },
];
const AWAY_MS = 20_000;

describe('an HA control plane whose nodes lose their power in the middle of their own upgrade', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let probe: OutageProbe;
  let quorum: { readonly looks: number; readonly least: number };
  let rollout: SeenRollout;
  let ended: SeenCluster;
  const fallen: string[] = [];

  beforeAll(async () => {
    lab = await startLab({ name: 'ha', shape: 'ha', version: '1.34.4', upgradableTo: ['1.35.4'] });
    const address = await openShop(lab);
    fleet = await LabFleet.start([lab]);
    probe = new OutageProbe(lab, address);
    const watch = new QuorumWatch(lab);
    let over = false;
    const falls = FALLS.map((fall) => letFall(fall, () => over));
    try {
      const ask = (time: number): Promise<string> => fleet.rollOut(`k135-${time}`, { kubernetes: '1.35.4' });
      const id = await fleet.untilTaken('ha', ask, async (asked) => {
        rollout = await fleet.untilEnded(asked, 1_500_000);
      });
      ended = await fleet.seen(id, 'ha');
    } finally {
      over = true;
      await Promise.allSettled(falls);
      quorum = await watch.end();
    }
    say(`${probe.summary()}; least members of etcd: ${quorum.least}`);
  }, 1_800_000);
  afterAll(async () => {
    probe?.end();
    await fleet?.stop();
    await lab?.stop();
  });

  async function letFall(fall: Fall, over: () => boolean): Promise<void> {
    if (await cutPower(lab, { ...fall, awayMs: AWAY_MS }, over)) fallen.push(fall.when);
  }

  it('three falls in three phases → all three happened, and the cluster is upgraded', () => {
    expect([...fallen].sort()).toEqual(FALLS.map(({ when }) => when).sort());
    expect([rollout.state, ended.outcome?.kind, ended.outcome?.text]).toEqual([
      'finished',
      'upgraded',
      expect.any(String),
    ]);
  });

  it('etcd through it all → never fewer than two of three members', () => {
    expect(quorum.looks).toBeGreaterThan(30);
    expect(quorum.least).toBeGreaterThanOrEqual(2);
  });

  it('every node → at the target, none left closed', async () => {
    const { apiServers, kubelets, closed } = await standing(lab);
    expect(new Set([...Object.values(apiServers), ...Object.values(kubelets)])).toEqual(new Set(['1.35.4']));
    expect(closed).toEqual([]);
  });
});
