import { describe, expect, it } from '@jest/globals';
import type { Finding } from '@wavegate/fleet';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder } from './testing/sample-order.js';

const PICTURE = { schema: 1, at: 1, version: '1.34.4', ready: { 'Deployment shop/web': 2 }, crashLooping: [] } as const;
const LABELS = { env: 'prod' };
const below: Finding = {
  ...{ code: 'workload_below_before', severity: 'block', object: 'shop/web', message: 'm', remedy: '', owner: '' },
  phase: 'after',
};

function worldWithPicture(): AgentWorld {
  const world = new AgentWorld();
  world.cluster.scripted['preflight/cluster'] = { kind: 'succeeded', findings: [], picture: PICTURE };
  return world;
}
const told = (world: AgentWorld, step: string) => world.driver.told.filter((one) => one.step === step);

describe('what a step is told that only the journals know', () => {
  it('an upgrade, its agent killed before the last node → the validation compares with the picture of before', async () => {
    const world = worldWithPicture();
    const agent = world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder({ labels: LABELS }));
    await world.clock.run(3_600_000, () => told(world, 'upgradeKubelet/w-1').length > 0);
    agent.kill();
    world.start();
    expect(await world.untilOutcome()).toBe(true);
    const [validation] = told(world, 'validate/cluster');
    expect(validation?.context).toMatchObject({ before: PICTURE, order: { labels: LABELS } });
    // The upgrade's own snapshot was restored for proof.
    expect(validation?.context.receiptAt).toEqual(expect.any(Number));
    expect(told(world, 'preflight/cluster')[0]?.context).toMatchObject({ before: null, receiptAt: null });
  });

  it('the validation blocks for good → halted by name, the findings are told beside those of before', async () => {
    const world = worldWithPicture();
    for (let run = 1; run < 30; run++) {
      const name = `validate/cluster${run > 1 ? `/${run}` : ''}`;
      world.cluster.scripted[name] = { kind: 'succeeded', findings: [below] };
    }
    world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    expect(await world.untilOutcome()).toBe(true);
    expect(world.hub.told('outcome')).toMatchObject([
      { outcome: { kind: 'halted', reason: { code: 'validation_failed', params: { object: 'shop/web' } } } },
    ]);
    expect(world.hub.told('findings').at(-1)).toMatchObject({ findings: [below] });
  });

  it('an agent away for longer than a drain may take → the drain is carried on from its first begin, not called late', async () => {
    const world = new AgentWorld();
    const agent = world.start();
    await world.clock.run(1_000);
    const args = { kind: 'drain', node: 'w-1', nodeUid: '' } as const;
    world.hub.order(sampleOrder({ kind: 'drain', parent: { kind: 'request', id: 'r' }, args }));
    await world.clock.run(60_000, () => told(world, 'drainNode/w-1').length > 0);
    agent.kill();
    await world.clock.run(3 * 3_600_000);
    world.start();
    expect(await world.untilOutcome()).toBe(true);
    expect(world.hub.told('outcome')).toMatchObject([{ outcome: { kind: 'completed' } }]);
    const [first, second] = told(world, 'drainNode/w-1').map(({ context }) => context.begunAt);
    expect(first).toEqual(expect.any(Number));
    expect(second).toBe(first);
  });
});
