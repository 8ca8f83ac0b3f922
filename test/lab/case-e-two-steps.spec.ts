import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../kube/world/eventually.js';
import { LabFleet } from './world/lab-fleet.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const TARGET = { kubernetes: '1.35.4' };
const twoSteps = (minSoak: string): Readonly<Record<string, unknown>> => ({
  upgrade: { ignorePreflightErrors: ['SystemVerification'], controlPlane: { twoStep: true } },
  verdict: { window: '20m', period: '1s', minSoak },
});

interface ServerVersion {
  readonly gitVersion: string;
  readonly emulationMinor?: string;
}

describe('an upgrade in two steps', () => {
  let lab: Lab;
  let fleet: LabFleet;

  beforeAll(async () => {
    lab = await startLab({ name: 'steps', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    fleet = await LabFleet.start([lab]);
  }, 900_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  const serverVersion = async (): Promise<ServerVersion> =>
    JSON.parse(await lab.kubectl(['get', '--raw', '/version'])) as ServerVersion;

  it('new binaries that emulate the old minor, and a person who wants them gone → the old ones serve, nothing is lost', async () => {
    const id = await fleet.rollOut('soak-long', TARGET, twoSteps('15m'));
    const emulating = await eventually(
      'an API server of 1.35 that emulates 1.34',
      async () => {
        const version = await serverVersion();
        return version.gitVersion === 'v1.35.4' && version.emulationMinor === '34' && version;
      },
      { withinMs: 900_000, everyMs: 2_000 },
    );
    expect(emulating).toMatchObject({ gitVersion: 'v1.35.4', emulationMinor: '34' });
    await fleet.untilProgress(id, 'steps', (text) => /judge|settle|soak/i.test(text));
    await lab.kubectl(['create', 'configmap', 'written-meanwhile', '--from-literal=a=1']);

    await fleet.hub.call('POST', `/rollouts/${id}/rollback`, { scope: 'cluster', cluster: 'steps', approveRungs: [4] });
    const outcome = await eventually(
      'the way back to end',
      async () => {
        const { outcome: found } = await fleet.seen(id, 'steps');
        return found?.kind === 'rolledBack' && found;
      },
      { withinMs: 900_000, everyMs: 1_000 },
    );

    await fleet.abort(id);

    expect(outcome.text).toContain('rung 4');
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.34.4' });
    expect(stands.kubelets).toEqual({ cp1: '1.34.4', w1: '1.34.4' });
    // No rung takes etcd back: the ladder says so, and here it is seen.
    expect(stands.images['cp1/etcd']).toBe('3.6.6-0');
    expect(stands.closed).toEqual([]);
    expect(await lab.kubectl(['get', 'configmap', 'written-meanwhile', '-o', 'jsonpath={.data.a}'])).toBe('1');
  });

  it('the same plan with a soak that ends → the emulation is lifted with the commit, every node at the target', async () => {
    const id = await fleet.rollOut('soak-short', TARGET, twoSteps('20s'));
    const rollout = await fleet.untilEnded(id, 1_500_000);

    expect([rollout.state, (await fleet.seen(id, 'steps')).outcome?.kind]).toEqual(['finished', 'upgraded']);
    expect((await serverVersion()).emulationMinor ?? '35').toBe('35');
    const stands = await standing(lab);
    expect(stands.kubelets).toEqual({ cp1: '1.35.4', w1: '1.35.4' });
    expect(stands.images['kube-proxy']).toBe('v1.35.4');
  });
});
