import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder, TO } from './testing/sample-order.js';

describe('the session with the hub', () => {
  it('no hub → tries again with growing pauses that never exceed 30 s', async () => {
    const world = new AgentWorld();
    world.hub.away = 'unreachable';
    world.start();
    await world.clock.run(10_000);
    expect(world.hub.attempts).toBeGreaterThanOrEqual(4);
    const early = world.hub.attempts;
    await world.clock.run(600_000);
    // Half of 30 s each, with this jitter.
    expect(world.hub.attempts - early).toBeGreaterThanOrEqual(38);
    expect(world.hub.attempts - early).toBeLessThanOrEqual(42);
  });

  it('facts change → told once, and not again while they stay', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    expect(world.hub.told('facts')).toEqual([]);
    world.cluster.change('w-1', { kubelet: TO });
    for (let i = 0; i < 5; i++) world.driver.changed();
    await world.clock.run(5_000);
    world.driver.changed();
    await world.clock.run(400_000);
    expect(world.hub.told('facts')).toHaveLength(1);
  });

  it('the cluster API is away when the stream breaks → connects with the last known facts', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    world.cluster.down = true;
    world.hub.hangUp();
    await world.clock.run(5_000);
    expect(world.hub.connected).toBe(true);
    expect(world.hub.hellos).toHaveLength(2);
  });

  it('told of a newer generation → stays away for 15 s and says so, each further time twice as long, up to 5 min', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    for (const [time, pause] of [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000].entries()) {
      world.hub.say({ kind: 'goAway', reason: reason('newer_generation', { generation: 9 }), retryAfterMs: 0 });
      world.hub.hangUp();
      await world.clock.run(pause - 1_000);
      expect(world.hub.hellos).toHaveLength(time + 1);
      // The jitter on top is that of any reconnect: at most 30 s.
      await world.clock.run(31_000);
      expect(world.hub.hellos).toHaveLength(time + 2);
    }
    expect(world.errors.join()).toContain('another agent of this cluster');
  });

  it('a twin that threw this one out and then ended → this one is back within the minute', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    world.hub.say({ kind: 'goAway', reason: reason('newer_generation', { generation: 9 }), retryAfterMs: 0 });
    world.hub.hangUp();
    await world.clock.run(46_000);
    expect(world.hub.connected).toBe(true);
  });

  it('asked to come back later → not before', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    world.hub.say({ kind: 'goAway', reason: reason('hub_draining', { retryAfterMs: 20_000 }), retryAfterMs: 20_000 });
    world.hub.hangUp();
    await world.clock.run(19_000);
    expect(world.hub.hellos).toHaveLength(1);
    await world.clock.run(5_000);
    expect(world.hub.hellos).toHaveLength(2);
  });

  it('a new certificate is in use → the stream is changed for one that carries it', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(5_000);
    world.hub.renewalDue = true;
    await world.clock.run(65_000);
    expect(world.hub.renewals).toBe(1);
    expect(world.hub.hellos).toHaveLength(2);
  });

  it('progress is told at most once a second', async () => {
    const world = new AgentWorld();
    world.start();
    await world.clock.run(1_000);
    world.hub.order(sampleOrder());
    const begun = world.clock.now();
    await world.untilOutcome();
    const seconds = (world.clock.now() - begun) / 1_000;
    expect(world.hub.told('progress').length).toBeGreaterThan(10);
    expect(world.hub.told('progress').length).toBeLessThanOrEqual(seconds + 1);
  });

  it('cancelled → both loops end and nothing is left waiting', async () => {
    const world = new AgentWorld();
    const agent = world.start();
    await world.clock.run(5_000);
    agent.stop();
    await world.clock.run(1_000);
    expect(agent.ended).toBeNull();
    expect(world.hub.connected).toBe(false);
  });
});
