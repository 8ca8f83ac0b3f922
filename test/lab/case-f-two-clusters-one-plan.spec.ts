import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeenRollout } from '../kube/world/fleet-world.js';
import { LabFleet } from './world/lab-fleet.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

describe('two clusters under one plan, the first of which cannot be upgraded', () => {
  const labs: Lab[] = [];
  let fleet: LabFleet;
  let rollout: SeenRollout;
  let first: string;
  let second: string;

  beforeAll(async () => {
    for (const name of ['left', 'right']) {
      labs.push(await startLab({ name, shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] }));
    }
    fleet = await LabFleet.start(labs);
    // Which of the two is first is the plan's to say, by its stable order: both are broken alike.
    for (const lab of labs) await lab.node('cp1').sh('ctr -n k8s.io images rm registry.k8s.io/kube-apiserver:v1.35.4');
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4' }, { strategy: { waves: ['50%', '100%'] } });
    rollout = await fleet.untilEnded(id, 900_000);
    const seen = await fleet.clusters(id);
    first = seen.find(({ wave }) => wave === 1)?.name ?? '';
    second = seen.find(({ wave }) => wave === 2)?.name ?? '';
  }, 1_500_000);
  afterAll(async () => {
    await fleet?.stop();
    for (const lab of labs) await lab.stop();
  });

  it('the first fails → the rollout is blocked, with the budget of its wave as the reason', async () => {
    expect([first, second].sort()).toEqual(['left', 'right']);
    expect(rollout.state).toBe('blocked');
    expect(rollout.reason.code).toBe('budget_exceeded');
  });

  it('the second → untouched: no Job was ever made there, every version as it was', async () => {
    const lab = labs.find(({ name }) => name === second);
    if (!lab) throw new Error(`no lab ${second}`);
    expect(await lab.kubectl(['-n', 'wavegate-nodes', 'get', 'jobs', '-o', 'name'])).toBe('');
    const stands = await standing(lab);
    expect(stands.apiServers).toEqual({ cp1: '1.34.4' });
    expect(stands.kubelets).toEqual({ cp1: '1.34.4', w1: '1.34.4' });
    expect(stands.closed).toEqual([]);
  });
});
