import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenCluster, SeenRollout } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { standing } from './world/lab-standing.js';
import { cutPower } from './world/power-cut.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const manifest = (name: string): string => `/etc/kubernetes/manifests/${name}.yaml`;

/** Power goes when a test of the node's own shell holds, and comes back after a while; one fall after the other. */
const FALLS = [
  {
    when: 'during kubeadm upgrade apply, with nothing changed yet',
    node: 'cp1',
    holds: `pgrep -xf 'kubeadm upgrade apply .*' && grep -q etcd:3.6.5 ${manifest('etcd')}`,
  },
  {
    when: 'in the second try, between etcd and the API server',
    node: 'cp1',
    holds: `grep -q etcd:3.6.6 ${manifest('etcd')} && grep -q apiserver:v1.34.4 ${manifest('kube-apiserver')}`,
  },
  {
    when: 'as soon as its kubelet is the new one, the package manager perhaps still at work',
    node: 'w1',
    holds: 'kubelet --version | grep -q v1.35.4',
  },
] as const;
const AWAY_MS = 15_000;

describe('nodes that lose their power in the middle of their own step', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let rollout: SeenRollout;
  let ended: SeenCluster;
  const fallen: string[] = [];

  beforeAll(async () => {
    lab = await startLab({ name: 'cuts', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    // One worker alone cannot be drained: the control plane takes pods too.
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    fleet = await LabFleet.start([lab]);
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4' });
    let over = false;
    const falls = letFall(() => over);
    rollout = await fleet.untilEnded(id, 1_500_000).finally(() => (over = true));
    await falls;
    ended = await fleet.seen(id, 'cuts');
  }, 1_800_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  async function letFall(over: () => boolean): Promise<void> {
    for (const fall of FALLS) {
      if (!(await cutPower(lab, { ...fall, awayMs: AWAY_MS }, over))) return;
      fallen.push(fall.when);
    }
  }

  it('three falls → all happened, and the order ends as upgraded without a person', () => {
    expect(fallen).toEqual(FALLS.map(({ when }) => when));
    expect([rollout.state, ended.outcome?.kind, ended.outcome?.text]).toEqual([
      'finished',
      'upgraded',
      expect.any(String),
    ]);
  });

  it('every component, asked itself → at the target and held, no node left closed', async () => {
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: '1.35.4' },
      kubelets: { cp1: '1.35.4', w1: '1.35.4' },
      packages: { cp1: '1.35.4-1.1 held', w1: '1.35.4-1.1 held' },
      images: { 'cp1/etcd': '3.6.6-0', 'cp1/kube-scheduler': 'v1.35.4', coredns: 'v1.13.1', 'kube-proxy': 'v1.35.4' },
      closed: [],
    });
  });

  it('the package managers → nothing half configured; the cluster knows its own version', async () => {
    expect(await lab.node('w1').sh('dpkg --audit')).toBe('');
    expect(await lab.node('cp1').sh('dpkg --audit')).toBe('');
    const recorded = await lab.kubectl(['-n', 'kube-system', 'get', 'configmap', 'kubeadm-config', '-o', 'yaml']);
    expect(recorded).toContain('kubernetesVersion: v1.35.4');
  });
});
