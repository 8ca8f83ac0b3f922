import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Storage } from '@wavegate/storage';
import { sampleRollout } from '../../../libs/runtime/src/hub/testing/sample-rollout.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

let postgres: TestPostgres;
let storage: Storage;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  storage = await postgres.openStorage();
  await enrol(storage, 'c1');
});
afterEach(() => storage.close());

/** A rollout with its `started` row and three commands; done and finished so long ago, or not (null). */
async function rollout(id: string, doneAgoMs: number | null, finishedAgoMs: number | null): Promise<void> {
  const line = { actor: 'ada', action: 'rollout.paused', object: `rollout/${id}`, detail: {} };
  await storage.rollouts.create(sampleRollout(id, ['c1'], 1), line);
  for (let n = 0; n < 3; n += 1) await storage.rollouts.appendCommand(id, { kind: 'paused', by: 'ada' }, line);
  await storage.dataSource.query('UPDATE inbox SET done_at = now_ms() - $2::bigint WHERE rollout_id = $1', [
    id,
    doneAgoMs,
  ]);
  await storage.dataSource.query('UPDATE rollouts SET finished_at = now_ms() - $2::bigint WHERE id = $1', [
    id,
    finishedAgoMs,
  ]);
}

async function rowsLeft(): Promise<Readonly<Record<string, number>>> {
  const rows = await storage.dataSource.query(
    'SELECT rollout_id AS id, count(*)::int AS n FROM inbox GROUP BY 1 ORDER BY 1',
  );
  return Object.fromEntries(rows.map(({ id, n }: { id: string; n: number }) => [id, n]));
}

it('inbox rows seen a week ago, of rollouts that ended then → gone; all others stay', async () => {
  await rollout('ended-long-ago', WEEK_MS + HOUR_MS, WEEK_MS + HOUR_MS);
  await rollout('ended-yesterday', WEEK_MS + HOUR_MS, 24 * HOUR_MS);
  await rollout('runs-for-weeks', WEEK_MS + HOUR_MS, null);
  await rollout('told-after-its-end', HOUR_MS, WEEK_MS + HOUR_MS);
  await rollout('never-seen', null, WEEK_MS + HOUR_MS);
  // The sixth row of the ended one came late and nobody has looked at it: it must be looked at, not forgotten.
  const line = { actor: 'ada', action: 'rollout.paused', object: 'x', detail: {} };
  await storage.rollouts.appendCommand('ended-long-ago', { kind: 'resumed', by: 'ada', allow: 0 }, line);
  const audited = await storage.audit.head();
  expect(await storage.oldRows.prune()).toMatchObject({ inboxRows: 4, more: false });
  expect(await rowsLeft()).toEqual({
    'ended-long-ago': 1,
    'ended-yesterday': 4,
    'never-seen': 4,
    'runs-for-weeks': 4,
    'told-after-its-end': 4,
  });
  expect((await storage.rollouts.inbox('ended-long-ago', 10)).map(({ event }) => event.kind)).toEqual(['resumed']);
  expect([await storage.audit.head(), (await storage.audit.verify()).kind]).toEqual([audited, 'intact']);
});

it('more than a batch → one batch at a time, the oldest first, and it says that there are more', async () => {
  await rollout('r1', WEEK_MS * 2, WEEK_MS * 2);
  await rollout('r2', WEEK_MS * 2, WEEK_MS * 2);
  expect(await storage.oldRows.prune(3)).toMatchObject({ inboxRows: 3, more: true });
  expect(await rowsLeft()).toEqual({ r1: 1, r2: 4 });
  expect(await storage.oldRows.prune(3)).toMatchObject({ inboxRows: 3, more: true });
  expect(await storage.oldRows.prune(3)).toMatchObject({ inboxRows: 2, more: false });
  expect(await rowsLeft()).toEqual({});
});

it('idempotency keys older than a day → gone; younger ones still repeat their answer', async () => {
  for (const key of ['old', 'young', 'dead', 'working']) await storage.idempotency.begin(key, `request ${key}`);
  for (const key of ['old', 'young']) await storage.idempotency.finish(key, { id: key });
  const age = (keys: readonly string[], ms: number) =>
    storage.dataSource.query('UPDATE idempotency_keys SET at = at - $2::bigint WHERE key = ANY($1)', [keys, ms]);
  await age(['old', 'dead'], 25 * HOUR_MS);
  await age(['young'], 23 * HOUR_MS);
  expect(await storage.oldRows.prune()).toEqual({ inboxRows: 0, idempotencyKeys: 2, more: false });
  const keys = await storage.dataSource.query('SELECT key FROM idempotency_keys ORDER BY key');
  expect(keys).toEqual([{ key: 'working' }, { key: 'young' }]);
  expect(await storage.idempotency.begin('young', 'request young')).toEqual({
    kind: 'repeat',
    response: { id: 'young' },
  });
  expect(await storage.idempotency.begin('old', 'another request')).toEqual({ kind: 'begin' });
});

it('two replicas prune at once → each row is deleted once, and neither waits nor fails', async () => {
  for (const id of ['r1', 'r2', 'r3', 'r4']) await rollout(id, WEEK_MS * 2, WEEK_MS * 2);
  const pruned = await Promise.all(Array.from({ length: 4 }, () => storage.oldRows.prune()));
  expect(pruned.reduce((sum, { inboxRows }) => sum + inboxRows, 0)).toBe(16);
  expect(await rowsLeft()).toEqual({});
});
