import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

const plan = (name: string, selector: string, more: object = {}) => ({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name } },
  spec: {
    ...{ target: { kubernetes: '1.35.4' }, clusters: { selector } },
    verdict: { objectives: ['checkout-availability'] },
    ...more,
  },
});

/** Real agents over real gRPC; what they answer about their objectives is played by their simulated clusters. */
describe('a rollout whose objectives cannot be measured', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    // Blocked by something else as well: that is for its own order's preflight to say.
    await agents.start('well', { preflightBlocks: { times: 99 } });
    await agents.start('unmeasured', { objectivesRefused: { times: 99 } });
    // Known, and its agent is not there.
    await hub.addCluster('away', { part: 'c' });
    await hub.storage.dataSource.query(`UPDATE sessions SET lost_told = true WHERE cluster_id = 'away'`);
    for (const [name, labels] of Object.entries({ well: { part: 'a' }, unmeasured: { part: 'b' } })) {
      await hub.ask('PATCH', `/api/v1/clusters/${name}/labels`, { labels });
    }
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  const store = async (...written: Parameters<typeof plan>): Promise<string> => {
    const stored = await hub.ask('POST', '/api/v1/plans', plan(...written));
    expect([stored.status, stored.body.errors]).toEqual([201, undefined]);
    return written[0];
  };
  const start = (name: string, more: object = {}) => hub.ask('POST', '/api/v1/rollouts', { plan: name, ...more });
  const rollouts = async () => (await hub.ask('GET', '/api/v1/rollouts')).body.items.length;

  it('one of them cannot → 422 with cluster, objective, query, answer and remedy; nothing is stored', async () => {
    const { status, type, body } = await start(await store('all', 'env=test'));
    expect([status, type]).toEqual([422, expect.stringContaining('problem+json')]);
    expect(body.type).toContain('objectives-not-measurable');
    expect(body.title).toContain('1 of 2 clusters');
    expect(body.errors).toEqual([
      {
        pointer: '/spec/verdict/objectives/0',
        code: 'objective_query_refused',
        detail: expect.stringMatching(/^unmeasured: checkout-availability: sum\(increase\(.*3 series.*; write sum/),
      },
    ]);
    expect(await rollouts()).toBe(0);
    // Looked at the objectives alone: not at what blocks the drains of the other.
    const orders = (await hub.ask('GET', '/api/v1/orders?kind=preflight')).body.items;
    expect(
      orders.flatMap(({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code)),
    ).toEqual(['objective_query_refused']);
  });

  it('waived by the plan → started, as any finding of a preflight', async () => {
    const rule = { code: 'objective_query_refused', selector: 'part=b', set: 'waive', reason: 'CHG-1', by: 'anna' };
    const preflight = { severities: [{ ...rule, until: '2036-01-01T00:00:00Z' }] };
    const { status, body } = await start(await store('waived', 'part=b', { preflight }));
    expect([status, body.objectives]).toEqual([201, expect.objectContaining({ state: 'checked', checked: 1 })]);
    await end(body.id);
  });

  it('the same Idempotency-Key after the mend → started; once more → the same rollout', async () => {
    await store('mended', 'part=b');
    const send = async () => {
      const response = await fetch(`${hub.url}/api/v1/rollouts`, {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/json', authorization: `Bearer ${hub.adminToken}` },
          'idempotency-key': 'tuesday',
        },
        body: JSON.stringify({ plan: 'mended' }),
      });
      return { status: response.status, id: ((await response.json()) as { id?: string }).id };
    };
    expect((await send()).status).toBe(422);
    // The newest plan of that name measures by nothing that cannot be answered.
    await store('mended', 'part=b', { verdict: { objectives: [] } });
    const [first, again] = [await send(), await send()];
    expect([first.status, again]).toEqual([201, first]);
    await end(first.id ?? '');
  });

  it('all that are there can, one is away → started, and who was not asked is named', async () => {
    const { status, body } = await start(await store('some', 'part in (a, c)'));
    expect([status, body.title]).toEqual([201, undefined]);
    expect(body.objectives).toMatchObject({
      ...{ state: 'checked', checked: 1, notChecked: [{ cluster: 'name-away', why: 'no agent is connected' }] },
    });
    await end(body.id);
  });

  it('a person says so, with a reason → nobody is asked, and the audit has the reason', async () => {
    const without = await start('all', { objectives: 'unchecked' });
    expect([without.status, without.body.errors?.[0]?.pointer]).toEqual([422, '/reason']);
    expect((await start('all', { reason: 'CHG-2' })).status).toBe(422);
    const asked = async () => (await hub.ask('GET', '/api/v1/orders?kind=preflight')).body.items.length;
    const before = await asked();
    const { status, body } = await start('all', { objectives: 'unchecked', reason: 'CHG-2' });
    expect([status, body.objectives, await asked()]).toEqual([
      ...[201, expect.objectContaining({ state: 'unchecked', reason: 'CHG-2' }), before],
    ]);
    const [written] = await hub.storage.dataSource.query(
      `SELECT detail::jsonb AS detail FROM audit WHERE action = 'rollout.created' AND object = 'rollout/${body.id}'`,
    );
    expect(written.detail.objectives).toEqual({ unchecked: 'CHG-2' });
    await end(body.id);
  });

  /** Ended, so that its clusters are free for the next. */
  async function end(id: string): Promise<void> {
    await hub.ask('POST', `/api/v1/rollouts/${id}/abort`);
    await eventually(`rollout ${id} to end`, async () => {
      return (await hub.ask('GET', `/api/v1/rollouts/${id}`)).body.finishedAt !== null;
    });
  }
});
