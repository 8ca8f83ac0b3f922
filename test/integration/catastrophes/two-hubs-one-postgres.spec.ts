import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pause } from '../../kube/world/eventually.js';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import {
  auditProof,
  decidedTwice,
  effectsTwice,
  epochsThatFell,
  mostInFlight,
  ordersTwice,
  readHistory,
  startsBeforeTheirWave,
} from './history.js';
import { quickPlan, SOAK_MS, Stage } from './stage.js';

describe('two hub processes on one PostgreSQL', () => {
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

  it('one is killed mid-wave and comes back → the rollout ends as planned, never more in flight than allowed', async () => {
    const east = await stage.startHub('east');
    const west = await stage.startHub('west');
    // An upgrade of seconds: seen while it lasts.
    const named = (names: readonly string[]) => names.map((name) => smallCluster(name, { workers: 1, speed: 80 }));
    const hosts = [
      await stage.startHost('fleet-east', east, named(['e1', 'e2', 'e3'])),
      await stage.startHost('fleet-west', west, named(['w1', 'w2', 'w3'])),
    ];
    const rollout = await stage.startRollout(west, quickPlan({ waves: ['20%', '100%'], maxInFlight: 2 }));
    await stage.seen('a cluster of the killed hub to be at work in wave two', west, rollout, (clusters) =>
      clusters.some(({ name, wave, phase }) => wave === 2 && phase === 'upgrading' && name.startsWith('e')),
    );
    await east.kill();
    await pause(1_000);
    await east.start();

    const view = await stage.finished(west, rollout);
    expect(view).toMatchObject({ state: 'finished', size: 6, done: 6 });
    expect(view.waves.map(({ phase }) => phase)).toEqual(['passed', 'passed']);
    const seen = await stage.clustersOf(east, rollout);
    expect(seen.map(({ outcome }) => outcome?.kind)).toEqual(seen.map(() => 'upgraded'));
    const history = await readHistory(stage.storage, rollout);
    expect(mostInFlight(history)).toBe(2);
    expect(startsBeforeTheirWave(history, SOAK_MS)).toEqual([]);
    expect(decidedTwice(history)).toEqual([]);
    expect(ordersTwice(history)).toEqual([]);
    expect(epochsThatFell(history)).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
    for (const cluster of hosts.flatMap((host) => host.clusters)) expect(effectsTwice(cluster)).toEqual([]);
  });
});
