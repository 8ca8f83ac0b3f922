import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, pause } from '../../kube/world/eventually.js';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof, decidedTwice, effectsTwice, epochsThatFell, ordersTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

/** The lease of the hubs under test is 2 s (world/hub-process.ts). */
const TWICE_THE_LEASE_MS = 4_000;

interface Lease {
  readonly lease_owner: string;
  readonly lease_epoch: number;
}

describe('a hub sleeps longer than its lease', () => {
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

  async function lease(rollout: string): Promise<Lease> {
    const rows = (await stage.storage.dataSource.query('SELECT * FROM rollouts WHERE id = $1', [rollout])) as Lease[];
    return rows[0] as Lease;
  }

  it('stopped between deciding and saving, awake after another took over → fenced, nothing decided twice', async () => {
    // The decision after the first order: it would be saved over what the other replica decides meanwhile.
    const sleeper = await stage.startHub('sleeper', 'runner.beforeCommit:3:pause');
    const hosts = [
      await stage.startHost(
        'fleet-1',
        sleeper,
        ['a', 'b'].map((name) => smallCluster(name)),
      ),
    ];
    // It may fall asleep while it answers this: the rollout is stored by then.
    const asked = stage.startRollout(sleeper, quickPlan({ maxInFlight: 3 })).catch(() => undefined);
    await eventually('the sleeper to fall asleep', () => sleeper.paused, { everyMs: 10 });
    const [{ id: rollout }] = (await stage.storage.dataSource.query('SELECT id FROM rollouts')) as [{ id: string }];
    expect(await lease(rollout)).toMatchObject({ lease_owner: sleeper.replica });
    const before = await lease(rollout);

    const other = await stage.startHub('other');
    await eventually('the other to take the lease', async () => {
      return (await lease(rollout)).lease_owner === other.replica;
    });
    await pause(TWICE_THE_LEASE_MS);
    sleeper.signal('SIGCONT');
    await asked;

    await eventually('the sleeper to be told', () => sleeper.log.includes('fenced: another replica went on'));
    expect((await lease(rollout)).lease_epoch).toBeGreaterThan(before.lease_epoch);
    expect((await stage.finished(other, rollout)).state).toBe('finished');
    const seen = await stage.clustersOf(other, rollout);
    expect(seen.map(({ outcome }) => outcome?.kind)).toEqual(['upgraded', 'upgraded']);
    const history = await readHistory(stage.storage, rollout);
    expect(decidedTwice(history)).toEqual([]);
    expect(ordersTwice(history)).toEqual([]);
    expect(epochsThatFell(history)).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
    for (const cluster of hosts.flatMap((host) => host.clusters)) expect(effectsTwice(cluster)).toEqual([]);
  });
});
