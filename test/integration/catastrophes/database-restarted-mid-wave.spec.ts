import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openStorage, type Storage } from '@wavegate/storage';
import { eventually, pause } from '../../kube/world/eventually.js';
import { smallCluster } from '../world/agent-host.js';
import { silentLog } from '../world/embedded-postgres.js';
import { DatabaseDoor } from './database-door.js';
import { auditProof, decidedTwice, effectsTwice, epochsThatFell, ordersTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

describe('the database is restarted in the middle of a wave', () => {
  let database: DatabaseDoor;
  let stage: Stage;

  beforeEach(async () => {
    database = await DatabaseDoor.start();
    const storage: Storage = await openStorage({ url: database.url, poolSize: 2, log: silentLog });
    await storage.migrate();
    await storage.close();
    stage = await Stage.open(database.url);
  });
  afterEach(async () => {
    await stage.close();
    await database.close();
  });

  it('once tidily, once by a crash → the hub lives on, the rollout ends, nothing twice, no gap', async () => {
    const hub = await stage.startHub('hub');
    // An upgrade of seconds: seen while it lasts.
    const specs = ['a', 'b', 'c', 'd'].map((name) => smallCluster(name, { workers: 1, speed: 80 }));
    const host = await stage.startHost('fleet', hub, specs);
    const rollout = await stage.startRollout(hub, quickPlan({ waves: ['25%', '100%'] }));
    for (const [how, wave] of [
      ['fast', 1],
      ['immediate', 2],
    ] as const) {
      await stage.seen(`a cluster to be at work in wave ${wave}`, hub, rollout, (clusters) =>
        clusters.some((cluster) => cluster.wave === wave && cluster.phase === 'upgrading'),
      );
      await database.end(how);
      await pause(1_000);
      expect((await fetch(`${hub.url}/livez`)).status).toBe(200);
      await eventually('the hub to say it', async () => (await fetch(`${hub.url}/readyz`)).status === 503);
      await database.startAgain();
      await eventually('the hub to be ready again', async () => (await fetch(`${hub.url}/readyz`)).status === 200);
    }

    expect(await stage.finished(hub, rollout)).toMatchObject({ state: 'finished', done: 4 });
    // It was the same process all the time.
    expect(hub.log.split('"msg":"ready"')).toHaveLength(2);
    const seen = await stage.clustersOf(hub, rollout);
    expect(seen.map(({ outcome }) => outcome?.kind)).toEqual(seen.map(() => 'upgraded'));
    const history = await readHistory(stage.storage, rollout);
    expect(decidedTwice(history)).toEqual([]);
    expect(ordersTwice(history)).toEqual([]);
    expect(epochsThatFell(history)).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
    for (const cluster of host.clusters) expect(effectsTwice(cluster)).toEqual([]);
  });
});
