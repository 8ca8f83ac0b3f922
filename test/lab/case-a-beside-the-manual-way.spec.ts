import { afterAll, describe, expect, it } from '@jest/globals';
import { LabFleet } from './world/lab-fleet.js';
import { say } from './world/lab-log.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { upgradeByHand } from './world/manual-upgrade.js';
import { OutageProbe } from './world/outage-probe.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

interface Cost {
  readonly apiS: number;
  readonly appS: number;
}

const open: { stop(): Promise<void> }[] = [];
const costs = new Map<string, Cost>();

async function raised(name: string): Promise<{ readonly lab: Lab; readonly probe: OutageProbe }> {
  const lab = await startLab({ name, shape: 'single', version: '1.34.4', upgradableTo: ['1.35.4'] });
  open.push(lab);
  const probe = new OutageProbe(lab, await openShop(lab));
  // Also where the case fails before it counts: an open probe keeps the run from ending.
  open.push({ stop: async () => probe.end() });
  return { lab, probe };
}

function counted(who: string, probe: OutageProbe): void {
  probe.end();
  say(`${who}: ${probe.summary()}`);
  costs.set(who, { apiS: probe.seconds('api'), appS: probe.seconds('app') });
}

async function closeAll(): Promise<void> {
  for (const each of open.splice(0).reverse()) await each.stop();
}

/** One after the other: two clusters at once would slow each other down and be compared unfairly. */
describe('one upgrade by the agent, and one by the documented procedure, on clusters of the same shape', () => {
  afterAll(closeAll);

  it('by the agent → every node at the target', async () => {
    const { lab, probe } = await raised('byagent');
    const fleet = await LabFleet.start([lab]);
    open.push(fleet);
    const id = await fleet.rollOut('k135', { kubernetes: '1.35.4' });
    const rollout = await fleet.untilEnded(id, 1_200_000);
    counted('agent', probe);
    expect([rollout.state, (await fleet.seen(id, 'byagent')).outcome?.kind]).toEqual(['finished', 'upgraded']);
    const { kubelets, closed } = await standing(lab);
    expect({ kubelets, closed }).toEqual({ kubelets: { cp1: '1.35.4', w1: '1.35.4', w2: '1.35.4' }, closed: [] });
    await closeAll();
  });

  it('by hand → the same end', async () => {
    const { lab, probe } = await raised('byhand');
    await upgradeByHand(lab, '1.35.4');
    counted('by hand', probe);
    const { kubelets, closed } = await standing(lab);
    expect({ kubelets, closed }).toEqual({ kubelets: { cp1: '1.35.4', w1: '1.35.4', w2: '1.35.4' }, closed: [] });
  });

  it('the clients of both → the agent costs the shop within 2 s, the API within half again and 30 s, of what the procedure costs', () => {
    const [agent, hand] = [costs.get('agent'), costs.get('by hand')];
    if (!agent || !hand) throw new Error('one of the two upgrades did not come to its end');
    // Both restart the same single control plane, on a machine whose other work is not the same twice: bounds, no ranking.
    expect(agent.appS).toBeLessThanOrEqual(hand.appS + 2);
    expect(agent.apiS).toBeLessThanOrEqual(hand.apiS * 1.5 + 30);
  });
});
