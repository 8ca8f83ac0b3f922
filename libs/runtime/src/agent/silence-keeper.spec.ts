import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { Silences } from './ports.js';
import { AgentWorld } from './testing/agent-world.js';
import { sampleOrder } from './testing/sample-order.js';

const minutes = (n: number): number => n * 60_000;
const QUIET = { minSoak: '1m', silences: [{ match: { node: '$node' } }] };

/** Silences by node and the moment they were last looked after. */
class PlayedSilences implements Silences {
  readonly asked: { readonly nodes: string; readonly at: number }[] = [];
  down = false;

  constructor(private readonly world: AgentWorld) {}

  keep({ nodes }: Parameters<Silences['keep']>[0]): Promise<void> {
    this.asked.push({ nodes: nodes.join(' '), at: this.world.clock.now() });
    return this.down ? Promise.reject(new Error('alertmanager is away')) : Promise.resolve();
  }

  /** What stood one after the other. */
  stood(): string[] {
    return this.asked.map(({ nodes }) => nodes).filter((nodes, n, all) => nodes !== all[n - 1]);
  }
}

async function worldWith(verdict: object) {
  const world = new AgentWorld();
  const silences = new PlayedSilences(world);
  const start = () => world.start({ silences });
  const agent = start();
  await world.clock.run(1_000);
  const order = sampleOrder({}, { verdict });
  world.hub.order(order);
  return { world, silences, agent, start, order };
}

describe('silences while nodes are under work', () => {
  it('an upgrade → each node while it is worked on, one after the other, nothing while it is judged and after the end', async () => {
    const { world, silences } = await worldWith(QUIET);
    expect(await world.untilOutcome()).toBe(true);
    const stood = silences.stood();
    expect(stood.filter((nodes) => nodes !== '')).toEqual(expect.arrayContaining(['cp-1', 'w-1', 'w-2']));
    expect(stood.every((nodes) => nodes.split(' ').length === 1)).toBe(true);
    expect(stood.at(-1)).toBe('');
    expect(stood.indexOf('')).toBeLessThan(stood.indexOf('w-1'));
  });

  it('a node that is worked on for long → its silence is looked after every minute, before it runs out', async () => {
    const { world, silences } = await worldWith(QUIET);
    expect(await world.untilOutcome()).toBe(true);
    const pauses = silences.asked.flatMap(({ nodes, at }, n) => {
      const next = silences.asked[n + 1];
      return nodes !== '' && next ? [next.at - at] : [];
    });
    expect(silences.asked.some(({ nodes }, n) => nodes !== '' && silences.asked[n + 1]?.nodes === nodes)).toBe(true);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(minutes(1) + 15_000);
  });

  it('a plan that asks for none → nobody is asked', async () => {
    const { world, silences } = await worldWith({ minSoak: '1m' });
    expect(await world.untilOutcome()).toBe(true);
    expect(silences.asked).toEqual([]);
  });

  it('the Alertmanager is away → the upgrade goes on as if nothing were, and it is asked again', async () => {
    const { world, silences } = await worldWith(QUIET);
    silences.down = true;
    expect(await world.untilOutcome()).toBe(true);
    expect(world.hub.told('outcome')).toMatchObject([{ outcome: { kind: 'upgraded' } }]);
    expect(silences.asked.length).toBeGreaterThan(3);
  });

  it('aborted while a worker is drained → the silence ends with the order; killed there → the next process asks for the same node', async () => {
    const aborted = await worldWith(QUIET);
    await aborted.world.clock.run(minutes(60), () => aborted.world.cluster.effects.includes('drainNode/w-1'));
    const why = reason('rollout_aborted', { by: 'ann' });
    aborted.world.hub.say({ kind: 'withdraw', orderId: aborted.order.id, epoch: 1, reason: why });
    expect(await aborted.world.untilOutcome(minutes(10))).toBe(true);
    expect(aborted.silences.stood().slice(-2)).toEqual(['w-1', '']);

    const killed = await worldWith(QUIET);
    await killed.world.clock.run(minutes(60), () => killed.silences.asked.at(-1)?.nodes === 'w-1');
    killed.agent.kill();
    const before = killed.silences.asked.length;
    killed.start();
    await killed.world.clock.run(minutes(1), () => killed.silences.asked.length > before);
    expect(killed.silences.asked[before]?.nodes).toBe('w-1');
  });
});
