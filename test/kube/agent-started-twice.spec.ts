import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { AgentProcess } from './world/agent-process.js';
import { eventually } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW, twice } from './world/fleet-world.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await FleetWorld.start([
    { name: 'mu', version: NEW, workers: 2 },
    { name: 'nu', version: NEW, workers: 2 },
  ]);
});
afterAll(() => world?.stop());

describe('an agent that is started twice with the same identity', () => {
  it('a twin in the middle of an order → one of them ends by itself with code 3, and no step happens twice', async () => {
    const member = world.member('mu');
    const { agent } = member;
    const release = member.player.holdNext('kubelet', ['w-1', 'w-2']);
    const id = await world.rollOut('twin', { clusters: { exclude: ['nu'] } });
    await world.untilProgress(id, 'mu', (seen) => seen.phase === 'nodeCanary');

    const twin = agent.twin();
    twin.start();
    try {
      // The order lasts until both are there, or one has found the other out already.
      const met = (): boolean => !agent.running || !twin.running || twin.log.some(({ msg }) => /connected/.test(msg));
      await eventually('the twin to be there', met);
      release();
      const loser = await eventually('one of the two to end', () => (!agent.running ? agent : !twin.running && twin), {
        withinMs: 180_000,
      });
      expect(loser.exitCode).toBe(3);
      await world.untilState(id, 'finished');
    } finally {
      await twin.stop();
    }

    expect((await world.seen(id, 'mu')).outcome?.kind).toBe('upgraded');
    expect(await kubelets(member)).toEqual({ 'cp-1': NEW, 'w-1': NEW, 'w-2': NEW });
    expect(await cordoned(member)).toEqual([]);
    const after = deedsOf(member);
    expect(twice(after.jobs)).toEqual([]);
    expect(after.effects.filter((effect) => effect.startsWith('kubelet/')).sort()).toEqual([
      'kubelet/cp-1',
      'kubelet/w-1',
      'kubelet/w-2',
    ]);
    expect(after.podDeletes).toEqual([]);
  });
});

const RIGHTS = join(import.meta.dirname, '../../deploy/agent/rbac-lease.yaml');
/** A lease's own time, and as much again for a machine that is busy with other tests. */
const TAKE_OVER_MS = 60_000;

describe('two agents of one cluster with a lease', () => {
  const said = (agent: AgentProcess, words: RegExp): boolean => agent.log.some(({ msg }) => words.test(msg));
  const holder = async (): Promise<string> => {
    const ask = ['get', 'lease', 'wavegate-agent', '-n', 'wavegate', '-o', 'jsonpath={.spec.holderIdentity}'];
    return (await world.member('nu').cluster.kubectl(...ask)).stdout;
  };

  it('the one that works is killed in the middle of an order → the other takes over within the lease, each step once', async () => {
    const member = world.member('nu');
    await member.agent.stop();
    expect((await member.cluster.kubectl('apply', '-f', RIGHTS)).stderr).toBe('');
    const [one, two] = ['one', 'two'].map((name) =>
      member.agent.twin(name, { WAVEGATE_LEASE: 'wavegate-agent', POD_NAME: name }),
    ) as [AgentProcess, AgentProcess];
    try {
      one.start();
      await eventually('the first to work', () => said(one, /it holds the lease/));
      two.start();
      await eventually('the second to stand by', () => said(two, /stands by/));
      const release = member.player.holdNext('kubelet', ['w-1', 'w-2']);
      const id = await world.rollOut('leased', { clusters: { exclude: ['mu'] } });
      await world.untilProgress(id, 'nu', (seen) => seen.phase === 'nodeCanary');
      expect(await holder()).toMatch(/^one_/);
      expect(said(two, /connected/)).toBe(false);

      const killedAt = Date.now();
      await one.kill();
      release();
      await eventually('the second to work', () => said(two, /it holds the lease/), { withinMs: TAKE_OVER_MS });
      // The last renewal before its end may have come late, but never later than a holder may wait for it.
      expect(Date.now() - killedAt).toBeGreaterThan(8_000);
      expect(await holder()).toMatch(/^two_/);
      await world.untilState(id, 'finished');
      expect((await world.seen(id, 'nu')).outcome?.kind).toBe('upgraded');
      expect(twice(deedsOf(member).jobs)).toEqual([]);

      // Told to go, it lets the lease go: nobody has to wait for its end.
      await two.stop();
      expect(await holder()).toBe('');
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
