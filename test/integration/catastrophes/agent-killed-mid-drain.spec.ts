import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, pause } from '../../kube/world/eventually.js';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof, effectsTwice, ordersTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

describe('the agent is killed in the middle of a drain', () => {
  let postgres: TestPostgres;
  let stage: Stage;

  beforeEach(async () => {
    postgres = await startTestPostgres();
    stage = await Stage.open(await postgres.createDatabase());
  });
  afterEach(async () => {
    await stage.close();
    await postgres.stop();
  });

  it('a PDB blocks, the process dies and comes back → it adopts what it finds, no step has two effects', async () => {
    const hub = await stage.startHub('hub');
    const blocked = smallCluster('blocked', { podsPerWorker: 4 });
    const faults = { drainBlocked: { node: 'w-1', forMs: null } };
    const host = await stage.startHost('fleet', hub, [{ ...blocked, faults }]);
    const rollout = await stage.startRollout(hub, quickPlan({ waves: ['100%'] }));
    await stage.seen('the drain to be blocked', hub, rollout, ([cluster]) => {
      return cluster?.progress?.reason.code === 'drain_blocked';
    });
    await host.kill();
    const before = host.cluster('blocked');
    await pause(500);
    // Dead, it does nothing: evictions are the agent's own.
    expect(host.cluster('blocked').effects).toEqual(before.effects);
    host.start();
    await eventually('the agent to be back', () => host.generations('blocked').length >= 2);
    host.inflict('blocked', { drainBlocked: { node: 'w-1', forMs: 0 } });

    const { state } = await stage.finished(hub, rollout);
    expect(state).toBe('finished');
    const [seen] = await stage.clustersOf(hub, rollout);
    expect(seen?.outcome?.kind).toBe('upgraded');
    const after = host.cluster('blocked');
    const cordons = ({ effects }: typeof after) =>
      effects.filter(({ effect, node }) => effect === 'cordon' && node === 'w-1');
    expect(cordons(before)).toHaveLength(1);
    expect(cordons(after)).toEqual(cordons(before));
    expect(after.effects.slice(0, before.effects.length)).toEqual(before.effects);
    expect(effectsTwice(after)).toEqual([]);
    expect(after.nodes.map(({ kubelet, cordoned }) => [kubelet, cordoned])).toEqual(
      after.nodes.map(() => ['1.35.4', false]),
    );
    const history = await readHistory(stage.storage, rollout);
    expect(history.orders).toMatchObject([{ attempt: 1, state: 'done' }]);
    expect(ordersTwice(history)).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
  });
});
