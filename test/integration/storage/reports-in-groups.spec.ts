import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SessionRef, StoredReport } from '@wavegate/runtime/hub';
import type { Storage } from '@wavegate/storage';
import { sampleFacts, sampleRollout, sendOrderFor } from '../../../libs/runtime/src/hub/testing/sample-rollout.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

const FLEET = Array.from({ length: 40 }, (_, index) => `c${String(index).padStart(2, '0')}`);

let postgres: TestPostgres;
let storage: Storage;
/** One session and one open order for each cluster. */
let sessions: readonly SessionRef[];
let orders: ReadonlyMap<string, { readonly orderId: string; readonly epoch: number }>;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  storage = await postgres.openStorage();
  const at = await storage.rollouts.now();
  for (const id of FLEET) await enrol(storage, id);
  sessions = await Promise.all(FLEET.map((id) => open(id, at)));
  await storage.rollouts.create(sampleRollout('r1', FLEET, at), line('rollout.created'));
  const claim = await storage.rollouts.claim('hub-a', 60_000);
  if (!claim) throw new Error('nothing to claim');
  const { head } = await storage.rollouts.load('r1');
  const inboxDone = (await storage.rollouts.inbox('r1', 1_000)).map(({ seq }) => seq);
  const actions = FLEET.map((id) => sendOrderFor('r1', id, at));
  await storage.rollouts.commit({ claim, head, clusters: [], actions, audit: [], inboxDone });
  orders = new Map(
    (await storage.orders.outgoing(sessions)).flatMap(({ session, command }) =>
      command.kind === 'order'
        ? [[session.clusterId, { orderId: command.order.id, epoch: command.order.epoch }] as const]
        : [],
    ),
  );
});
afterEach(() => storage.close());

function line(action: string) {
  return { actor: 'ada', action, object: 'rollout/r1', detail: { rollout: 'r1' } };
}

async function open(clusterId: string, at: number): Promise<SessionRef> {
  const answer = await storage.sessions.open({
    clusterId,
    replica: 'hub-a',
    clusterUid: `uid-${clusterId}`,
    certificateSerial: `cert-${clusterId}`,
    agentVersion: '0.1.0',
    facts: sampleFacts(`uid-${clusterId}`, at),
  });
  if ('refused' in answer) throw new Error(answer.refused.code);
  return { clusterId, generation: answer.generation };
}

function accepted(clusterId: string): StoredReport {
  const order = orders.get(clusterId);
  if (!order) throw new Error(`${clusterId} has no order`);
  return { kind: 'orderAccepted', ...order };
}

async function told(): Promise<readonly string[]> {
  const rows = await storage.rollouts.inbox('r1', 1_000);
  return rows.map(({ event }) => ('clusterId' in event ? event.clusterId : event.kind)).toSorted();
}

async function transactionsDuring(act: () => Promise<unknown>): Promise<number> {
  const count = async (): Promise<number> => {
    const [row] = await storage.dataSource.query(`SELECT pg_current_xact_id()::text::int AS id`);
    return row.id as number;
  };
  const before = await count();
  await act();
  return (await count()) - before;
}

describe('reports that arrive together', () => {
  it('forty acceptances at once → all committed and confirmed, each rollout event once, in a few transactions', async () => {
    const spent = await transactionsDuring(async () => {
      const taken = await Promise.all(
        sessions.map((session) => storage.orders.take(session, accepted(session.clusterId))),
      );
      expect(taken).toEqual(FLEET.map((id) => ({ kind: 'taken', commands: [{ kind: 'confirm', ...orders.get(id) }] })));
    });
    expect(await told()).toEqual(FLEET);
    expect(spent).toBeLessThan(6);
  });

  it('one of them comes from a superseded stream → it is fenced with the newer generation, the others are taken', async () => {
    const newer = await open('c07', 1);
    const taken = await Promise.all(
      sessions.map((session) => storage.orders.take(session, accepted(session.clusterId))),
    );
    expect(taken.map(({ kind }) => kind)).toEqual(FLEET.map((id) => (id === 'c07' ? 'fenced' : 'taken')));
    expect(taken[7]).toMatchObject({ reason: { params: { generation: newer.generation } } });
    expect(await told()).toEqual(FLEET.filter((id) => id !== 'c07'));
  });

  it('one session’s row is held by another replica → the others do not wait for it; it is taken when it is free', async () => {
    const other = storage.dataSource.createQueryRunner();
    await other.startTransaction();
    await other.query(`SELECT FROM sessions WHERE cluster_id = 'c03' FOR UPDATE`);
    const reports = sessions.map((session) => storage.orders.take(session, accepted(session.clusterId)));
    await Promise.all(reports.filter((_, index) => index !== 3));
    expect(await told()).toEqual(FLEET.filter((id) => id !== 'c03'));
    await other.rollbackTransaction();
    await other.release();
    expect(await reports[3]).toMatchObject({ kind: 'taken' });
    expect(await told()).toEqual(FLEET);
  });

  it('the database refuses what one of them says → only that one fails, and leaves nothing behind', async () => {
    // A rule of the table, as a later release may have one: the value is one agent's, the refusal must be, too.
    await storage.dataSource.query(`
      ALTER TABLE orders ADD CONSTRAINT no_boom CHECK (coalesce(outcome -> 'standing' ->> 'apiserver', '') <> 'boom')`);
    await Promise.all(sessions.map((session) => storage.orders.take(session, accepted(session.clusterId))));
    const ends = await Promise.allSettled(
      sessions.map((session) => {
        const order = orders.get(session.clusterId);
        if (!order) throw new Error('no order');
        const apiserver = session.clusterId === 'c11' ? 'boom' : '1.35.4';
        return storage.orders.take(session, {
          kind: 'outcome',
          ...order,
          outcome: { kind: 'upgraded', standing: { apiserver } },
        });
      }),
    );
    expect(ends.map(({ status }) => status)).toEqual(FLEET.map((id) => (id === 'c11' ? 'rejected' : 'fulfilled')));
    const states = await storage.dataSource.query('SELECT state FROM orders ORDER BY cluster_id');
    expect(states.map(({ state }: { state: string }) => state)).toEqual(
      FLEET.map((id) => (id === 'c11' ? 'confirmed' : 'done')),
    );
  });

  it('facts and acceptances in one group, while a runner gives the same clusters new orders → nobody deadlocks', async () => {
    const rounds = Array.from({ length: 8 }, async (_, round) => {
      const reports = sessions.map((session) => {
        const { clusterId } = session;
        const facts = sampleFacts(`uid-${clusterId}`, round);
        const report: StoredReport =
          (round + Number(clusterId.slice(1))) % 2 ? { kind: 'facts', facts } : accepted(clusterId);
        return storage.orders.take(session, report);
      });
      const locking = storage.dataSource.transaction(async (manager) => {
        await manager.query('SELECT id FROM clusters ORDER BY id FOR NO KEY UPDATE');
        await manager.query('SELECT id FROM orders ORDER BY id FOR UPDATE');
      });
      return Promise.all([...reports, locking]);
    });
    await expect(Promise.all(rounds)).resolves.toHaveLength(8);
    expect(await told()).toEqual(FLEET);
  });

  it('a verdict with its evidence → read again with the rollout, as it was reported', async () => {
    const [session] = sessions;
    const order = session && orders.get(session.clusterId);
    if (!session || !order) throw new Error('no order');
    const sli = {
      name: 'checkout',
      decisive: true,
      periods: 9,
      bad: 3,
      total: 900,
      missing: 0,
      consumed: 0.01,
      burn: 0.5,
    };
    const comparison = { baselinePeriods: 60, before: 0.001, now: 0.003, overdispersion: 1.2, evidence: 4, peers: 0 };
    const verdict = {
      ...({ schema: 1, kind: 'hold', period: null, reasons: [] } as const),
      slis: [
        {
          ...sli,
          state: 'unproven',
          comparison: { ...comparison, evidenceNeeded: 100, atMost: 0.006, allowed: 0.002 },
        },
      ],
    } as const;
    const { orderId } = order;
    await storage.orders.take(session, { kind: 'verdict', orderId, phase: 'judgeCanary', verdict });
    const read = await storage.rolloutReader.verdicts('r1');
    expect(read).toEqual([
      {
        orderId,
        clusterId: session.clusterId,
        kind: 'upgrade',
        measured: [],
        attempt: 1,
        verdicts: [{ phase: 'judgeCanary', verdict }],
      },
    ]);
    expect(await storage.rolloutReader.verdicts('r1', 'somebody else')).toEqual([]);
  });
});
