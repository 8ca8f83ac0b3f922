import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../kube/world/eventually.js';
import { LabFleet } from './world/lab-fleet.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const [OLD, NEW] = ['1.34.3', '1.34.4'];
const soaking = (minSoak: string): Readonly<Record<string, unknown>> => ({
  verdict: { window: '20m', period: '1s', minSoak },
});

/** Rung 3: `kubeadm upgrade apply` of an older patch, by that patch's own kubeadm, on the word of a person. */
describe('a patch of the control plane that is taken back', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let id: string;

  beforeAll(async () => {
    lab = await startLab({ name: 'patch', shape: 'short', version: OLD, upgradableTo: [NEW] });
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    fleet = await LabFleet.start([lab]);
  }, 900_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  const rollBack = (approveRungs: readonly number[]) =>
    fleet.hub.call('POST', `/rollouts/${id}/rollback`, { scope: 'cluster', cluster: 'patch', approveRungs });

  const wentBack = () =>
    fleet.untilSeen({ id, name: 'patch' }, ({ outcome }) => outcome?.kind === 'rolledBack' && outcome);

  it('a newer patch whose control plane is through → it is judged, and serves', async () => {
    id = await fleet.rollOut('soak-long', { kubernetes: NEW }, soaking('15m'));
    await eventually(
      `the API server of ${NEW}`,
      async () => (JSON.parse(await lab.kubectl(['get', '--raw', '/version'])) as Version).gitVersion === `v${NEW}`,
      { withinMs: 900_000, everyMs: 2_000 },
    );
    await fleet.untilProgress(id, 'patch', (text) => /judge|soak/i.test(text));
    await lab.kubectl(['create', 'configmap', 'written-meanwhile', '--from-literal=a=1']);
  });

  it('asked for without the approval of rung 3 → stopped, nothing goes back, and the reason says so', async () => {
    await rollBack([]);
    const { reason, outcome } = await fleet.untilSeen(
      { id, name: 'patch' },
      (seen) => seen.phase === 'done' && seen.reason.code === 'no_rung_applies' && seen,
    );
    expect([reason.params['committed'], outcome?.kind]).toEqual([NEW, 'halted']);
    expect((await standing(lab)).apiServers).toEqual({ cp1: NEW });
  });

  it('with the approval → rung 3 by the old kubeadm, nothing written meanwhile is lost, nothing stays closed', async () => {
    await rollBack([3]);
    const outcome = await wentBack();
    await fleet.abort(id);

    expect(outcome.text).toContain('rung 3');
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: OLD },
      kubelets: { cp1: OLD, w1: OLD },
      packages: { cp1: `${OLD}-1.1 held`, w1: `${OLD}-1.1 held` },
      images: {
        ...{ 'cp1/kube-scheduler': `v${OLD}`, 'cp1/kube-controller-manager': `v${OLD}`, 'kube-proxy': `v${OLD}` },
        'cp1/etcd': '3.6.5-0',
      },
      closed: [],
    });
    expect(await lab.node('cp1').sh('kubeadm version -o short')).toContain(OLD);
    const recorded = await lab.kubectl(['-n', 'kube-system', 'get', 'configmap', 'kubeadm-config', '-o', 'yaml']);
    expect(recorded).toContain(`kubernetesVersion: v${OLD}`);
    expect(await lab.kubectl(['get', 'configmap', 'written-meanwhile', '-o', 'jsonpath={.data.a}'])).toBe('1');
  });

  it('the same patch once more → rolled out to its end', async () => {
    id = await fleet.rollOut('soak-short', { kubernetes: NEW }, soaking('10s'));
    const rollout = await fleet.untilEnded(id, 1_200_000);

    expect([rollout.state, (await fleet.seen(id, 'patch')).outcome?.kind]).toEqual(['finished', 'upgraded']);
    const stands = await standing(lab);
    expect([stands.apiServers, stands.kubelets]).toEqual([{ cp1: NEW }, { cp1: NEW, w1: NEW }]);
    expect(stands.closed).toEqual([]);
  });

  it('taken back when all of it was done → the worker first, then the control plane; its own kubelet stays and is named', async () => {
    await rollBack([3]);
    const outcome = await wentBack();

    expect(outcome.text).toContain('rung 3');
    const stands = await standing(lab);
    expect([stands.apiServers, stands.kubelets]).toEqual([{ cp1: OLD }, { cp1: NEW, w1: OLD }]);
    expect(stands.closed).toEqual([]);
    expect(outcome.standing['kubelet/cp1']).toBe(NEW);
  });
});

interface Version {
  readonly gitVersion: string;
}
