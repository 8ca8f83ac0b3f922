import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder, START, TO } from './testing/sample-order.js';

const minutes = (count: number): number => count * 60_000;

describe('one order of one agent', () => {
  it('order, confirmation, upgrade → the outcome arrives, the journal is done and reported', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    expect(await world.untilOutcome()).toBe(true);
    await world.clock.run(1_000);
    expect(world.hub.told('outcome')).toMatchObject([{ epoch: 1, outcome: { kind: 'upgraded' } }]);
    expect(world.hub.told('verdict').map((report) => 'phase' in report && report.phase)).toEqual(
      expect.arrayContaining(['judgeControlPlane', 'judgeCanary', 'judgeFinal']),
    );
    const [stored] = await world.journals.list();
    expect(stored?.journal).toMatchObject({ state: 'done', reported: true });
    expect(world.cluster.nodes.every(({ kubelet, cordoned }) => kubelet === TO && !cordoned)).toBe(true);
  });

  it('the agent is killed after any one of its journal writes → the same effects, each once, and the outcome', async () => {
    const quick = { verdict: { minSoak: '1m' } };
    const calm = new AgentWorld();
    let writes = 0;
    calm.start({}, () => (writes += 1));
    await calm.clock.run(1_000);
    calm.hub.order(sampleOrder({}, quick));
    await calm.untilOutcome();
    expect(writes).toBeGreaterThan(30);
    for (let fatal = 1; fatal <= writes - 1; fatal++) {
      const world = new AgentWorld();
      let written = 0;
      world.start({}, (kill) => ++written === fatal && kill());
      await world.clock.run(1_000);
      world.hub.order(sampleOrder({}, quick));
      await world.clock.run(24 * 3_600_000, () => written === fatal);
      await world.clock.run(5_000);
      world.start();
      await world.clock.run(1_000);
      world.hub.order(sampleOrder({}, quick));
      expect(await world.untilOutcome()).toBe(true);
      expect({ fatal, effects: world.cluster.effects }).toEqual({ fatal, effects: calm.cluster.effects });
      // Told once too often is harmless, told differently is not.
      const outcomes = world.hub.told('outcome').map((report) => 'outcome' in report && report.outcome.kind);
      expect(new Set(outcomes)).toEqual(new Set(['upgraded']));
    }
  }, 60_000);

  it('the hub goes away after the start → the order is finished, the outcome told when it is back', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(minutes(2));
    world.hub.away = 'unreachable';
    world.hub.hangUp();
    await world.clock.run(minutes(120));
    expect(world.cluster.nodes.every(({ kubelet }) => kubelet === TO)).toBe(true);
    expect(world.hub.told('outcome')).toEqual([]);
    world.hub.away = null;
    expect(await world.untilOutcome(minutes(1))).toBe(true);
  });

  it('the outcome is not acknowledged → it is told again until it is, also by the next process', async () => {
    const world = new AgentWorld();
    const agent = world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder({}, { verdict: { minSoak: '1m' } }));
    await world.clock.run(minutes(5));
    world.hub.deaf = true;
    await world.clock.run(minutes(60));
    expect((await world.journals.list())[0]?.journal).toMatchObject({ state: 'done', reported: false });
    agent.kill();
    world.hub.deaf = false;
    world.start();
    expect(await world.untilOutcome(minutes(2))).toBe(true);
    await world.clock.run(1_000);
    expect((await world.journals.list())[0]?.journal).toMatchObject({ reported: true });
  });

  it('the cluster API is down for ten minutes mid-order → the order waits by name and goes on', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(minutes(4));
    world.cluster.down = true;
    await world.clock.run(minutes(10));
    const shown = world.hub.told('progress').at(-1);
    expect(shown).toMatchObject({ progress: { reason: { code: 'api_unreachable' } } });
    world.cluster.down = false;
    expect(await world.untilOutcome()).toBe(true);
    expect(world.hub.told('outcome')).toMatchObject([{ outcome: { kind: 'upgraded' } }]);
    expect(new Set(world.cluster.effects).size).toBe(world.cluster.effects.length);
  });

  it('withdrawn while a worker is drained → no further node, the drained one is let go, halted', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    const order = sampleOrder();
    world.hub.order(order);
    await world.clock.run(minutes(60), () => world.cluster.effects.includes('drainNode/w-1'));
    world.hub.say({ kind: 'withdraw', orderId: order.id, epoch: 1, reason: reason('rollout_aborted', { by: 'ann' }) });
    expect(await world.untilOutcome(minutes(10))).toBe(true);
    expect(world.hub.told('orderWithdrawn')).toMatchObject([{ started: true }]);
    expect(world.hub.told('outcome')).toMatchObject([
      { outcome: { kind: 'halted', reason: { code: 'aborted_mid_order' }, cordoned: [] } },
    ]);
    expect(world.cluster.effects.some((effect) => effect.endsWith('/w-2'))).toBe(false);
  });

  it('two agents share the journals → the slower one stops with TwinAgent, each step has one effect', async () => {
    const world = new AgentWorld();
    const first = world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(minutes(1));
    const second = world.start();
    expect(await world.untilOutcome()).toBe(true);
    expect([first.ended, second.ended].map((ended) => ended?.name)).toContain('TwinAgent');
    expect(new Set(world.cluster.effects).size).toBe(world.cluster.effects.length);
  });

  it('cancelled mid-drain → resolves with the step open in the journal, and a new agent finishes it', async () => {
    const world = new AgentWorld();
    const agent = world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    await world.clock.run(minutes(60), () => world.cluster.effects.includes('uncordonNode/cp-1'));
    await world.clock.run(minutes(2));
    agent.stop();
    await world.clock.run(1_000);
    expect(agent.ended).toBeNull();
    world.start();
    expect(await world.untilOutcome()).toBe(true);
  });

  it('nothing of it needs the wall clock: time began where the test put it', () => {
    expect(new AgentWorld().clock.now()).toBe(START);
  });
});
