import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Storage } from '@wavegate/storage';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';

let postgres: TestPostgres;
let storage: Storage;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

const LINES = 30;

async function tamper(sql: string): Promise<void> {
  await storage.dataSource.query('ALTER TABLE audit DISABLE TRIGGER audit_append_only');
  await storage.dataSource.query(sql);
}

describe('the audit, tampered with', () => {
  beforeEach(async () => {
    storage = await postgres.openStorage();
    // Written by many at once: the head's lock makes them take turns.
    const write = (index: number) =>
      storage.audit.append({
        actor: 'ada',
        action: 'test.line',
        object: 'x',
        detail: { index, text: 'a\u0000b', ratio: 0.1 },
      });
    await Promise.all(Array.from({ length: LINES }, (_, index) => write(index)));
  });

  it('nobody touched it → intact, gap-free, in the order of time', async () => {
    expect(await storage.audit.verify()).toMatchObject({ kind: 'intact', rows: LINES });
    const rows = await storage.audit.read({ since: 0, limit: 100 });
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: LINES }, (_, index) => index + 1));
    expect(rows.every((row, index) => index === 0 || row.at >= (rows[index - 1]?.at ?? 0))).toBe(true);
    await storage.close();
  });

  it('a transaction that rolls back → leaves no gap', async () => {
    await expect(
      storage.rollouts.appendCommand(
        'none',
        { kind: 'paused', by: 'ada' },
        { actor: 'ada', action: 'x', object: 'y', detail: {} },
      ),
    ).rejects.toThrow();
    await storage.audit.append({ actor: 'ada', action: 'next', object: 'x', detail: {} });
    expect(await storage.audit.verify()).toMatchObject({ kind: 'intact', rows: LINES + 1 });
    await storage.close();
  });

  it('a line is changed or deleted in passing → the database refuses', async () => {
    await expect(storage.dataSource.query(`UPDATE audit SET actor = 'eve' WHERE seq = 3`)).rejects.toThrow(
      'append-only',
    );
    await expect(storage.dataSource.query('DELETE FROM audit')).rejects.toThrow('append-only');
    await expect(storage.dataSource.query('TRUNCATE audit')).rejects.toThrow('append-only');
    await storage.close();
  });

  it.each([
    ['a line is edited', `UPDATE audit SET actor = 'eve' WHERE seq = 7`, 7, /was changed/],
    ['a detail is edited', `UPDATE audit SET detail = '{"index":99}' WHERE seq = 8`, 8, /was changed/],
    ['a line is deleted', `DELETE FROM audit WHERE seq = 9`, 9, /is missing/],
    ['the last line is cut off', `DELETE FROM audit WHERE seq = ${LINES}`, LINES, /ends at/],
    [
      'two lines swap places',
      `UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 ELSE 4 END WHERE seq IN (4, 5); UPDATE audit SET seq = 5 WHERE seq = -5`,
      4,
      /follow|changed/,
    ],
  ])('%s, the trigger switched off → broken, and where', async (_what, sql, seq, why) => {
    await tamper(sql);
    expect(await storage.audit.verify()).toEqual({ kind: 'broken', seq, why: expect.stringMatching(why) });
    await storage.close();
  });
});
