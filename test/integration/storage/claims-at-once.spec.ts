import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleRollout } from '../../../libs/runtime/src/hub/testing/sample-rollout.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('twenty replicas claim five rollouts at once → each rollout has one holder, and nobody waits', async () => {
  const storage = await postgres.openStorage();
  await enrol(storage, 'c1');
  const line = { actor: 'ada', action: 'rollout.created', object: 'x', detail: {} };
  for (const id of ['r1', 'r2', 'r3', 'r4', 'r5']) await storage.rollouts.create(sampleRollout(id, ['c1'], 1), line);
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, index) => storage.rollouts.claim(`hub-${index}`, 60_000)),
  );
  const held = claims.flatMap((claim) => (claim ? [claim.rolloutId] : []));
  expect(held.sort()).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
  await storage.close();
});

it('a rollout’s row is locked by a commit under way → a claim takes another one instead of waiting', async () => {
  const storage = await postgres.openStorage();
  await enrol(storage, 'c1');
  const line = { actor: 'ada', action: 'rollout.created', object: 'x', detail: {} };
  for (const id of ['r1', 'r2']) await storage.rollouts.create(sampleRollout(id, ['c1'], 1), line);
  const other = storage.dataSource.createQueryRunner();
  await other.startTransaction();
  await other.query(`SELECT FROM rollouts WHERE id = 'r1' FOR UPDATE`);
  const claim = await Promise.race([
    storage.rollouts.claim('hub-a', 60_000),
    sleep(30_000, 'waited' as const, { ref: false }),
  ]);
  expect(claim).toMatchObject({ rolloutId: 'r2' });
  await other.rollbackTransaction();
  await other.release();
  await storage.close();
});

it('one event in a rollout of many clusters → the bytes written do not grow with the fleet', async () => {
  const storage = await postgres.openStorage();
  const ids = Array.from({ length: 1_000 }, (_, index) => `c${index}`);
  await storage.dataSource.query(`
    INSERT INTO clusters (id, name, uid, created_by, enrolled_at)
    SELECT 'c' || n, 'n' || n, 'u' || n, 'test', 0 FROM generate_series(0, 999) n`);
  await storage.dataSource.query('INSERT INTO sessions (cluster_id) SELECT id FROM clusters');
  const written = async (id: string, fleet: readonly string[]): Promise<number> => {
    const rollout = sampleRollout(id, fleet, 1);
    await storage.rollouts.create(rollout, { actor: 'ada', action: 'x', object: 'x', detail: {} });
    const claim = await storage.rollouts.claim('hub-a', 60_000);
    if (claim?.rolloutId !== id) throw new Error('another rollout is due');
    const [first] = rollout.clusters.values();
    const rows = await storage.rollouts.inbox(id, 5_000);
    const lsn = async () =>
      (await storage.dataSource.query('SELECT pg_current_wal_insert_lsn() AS lsn'))[0].lsn as string;
    // The first writes to a page after a checkpoint carry the whole page: not what is measured here.
    await storage.dataSource.query('CHECKPOINT');
    const commit = { claim, head: rollout.head, clusters: first ? [first] : [], actions: [], audit: [] };
    await storage.rollouts.commit({ ...commit, inboxDone: [] });
    const before = await lsn();
    await storage.rollouts.commit({
      ...commit,
      claim: { ...claim, revision: 1 },
      inboxDone: rows.map(({ seq }) => seq),
    });
    const [row] = await storage.dataSource.query('SELECT pg_wal_lsn_diff($1, $2)::int AS bytes', [await lsn(), before]);
    return row.bytes;
  };
  const small = await written('r1', ids.slice(0, 10));
  const large = await written('r2', ids);
  expect(small).toBeGreaterThan(0);
  expect(large).toBeLessThan(small + 16_384);
  await storage.close();
});
