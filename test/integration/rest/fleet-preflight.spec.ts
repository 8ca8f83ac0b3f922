import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

const PLAN = {
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'k135' },
  spec: { target: { kubernetes: '1.35.4' }, clusters: { selector: 'env in (test, away)' } },
};

describe('the preflight of a whole plan', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    await agents.start('well');
    await agents.start('blocking', { preflightBlocks: { times: 99 } });
    await agents.start('busy', { drainBlocked: { node: 'w-1', forMs: null } });
    // Known, and its agent is not there.
    await hub.addCluster('away', { env: 'away' });
    await hub.storage.dataSource.query(`UPDATE sessions SET lost_told = true WHERE cluster_id = 'away'`);
    await hub.ask('POST', '/api/v1/clusters/busy/orders', { kind: 'drain', args: { node: 'w-1' } });
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  it('the preview alone → asks no agent anything', async () => {
    const { body } = await hub.ask('POST', '/api/v1/plans/preview', PLAN);
    expect(body.preflight).toBeUndefined();
    expect((await hub.ask('GET', '/api/v1/orders?kind=preflight')).body.items).toEqual([]);
  });

  it('with the preflight → findings per cluster, and why a cluster was not checked; no plan is stored', async () => {
    const { status, body } = await hub.ask('POST', '/api/v1/plans/preview?preflight=true', PLAN);
    expect([status, body.taking]).toEqual([200, 4]);
    const of = (cluster: string) => body.preflight.find((one: { cluster: string }) => one.cluster === cluster);
    expect(of('well')).toMatchObject({ state: 'checked', why: null, findings: [] });
    expect(of('blocking')).toMatchObject({ state: 'checked', findings: [{ code: 'pdb_never_allows' }] });
    expect(of('busy')).toMatchObject({ state: 'busy', why: expect.stringContaining('drain order') });
    expect(of('name-away')).toMatchObject({ state: 'offline' });
    expect((await hub.ask('GET', '/api/v1/plans')).body.items).toEqual([]);
    expect((await hub.ask('POST', '/api/v1/rollouts', { plan: 'k135' })).status).toBe(404);
    const order = (await hub.ask('GET', `/api/v1/orders/${of('well').order}`)).body;
    expect(order).toMatchObject({ kind: 'preflight', hop: '1.34.4 → 1.35.4' });
  });

  it('the drain preview → by owner, as JSON and as CSV, with the clusters that nobody looked at', async () => {
    const { body } = await hub.ask('POST', '/api/v1/plans/drain-preview', PLAN);
    expect(body).toMatchObject({ plan: 'k135', checked: 2 });
    expect(body.owners).toMatchObject([
      {
        owner: 'team-ledger',
        block: 1,
        clusters: ['blocking'],
        findings: [{ cluster: 'blocking', object: 'payments/ledger', pods: { length: 3 } }],
      },
    ]);
    const response = await fetch(`${hub.url}/api/v1/plans/drain-preview`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/csv', authorization: `Bearer ${hub.adminToken}` },
      body: JSON.stringify(PLAN),
    });
    expect(response.headers.get('content-type')).toContain('text/csv');
    const lines = (await response.text()).trimEnd().split('\r\n');
    expect(lines[0]).toBe('owner,severity,code,cluster,object,message,remedy,pod,node,pdb');
    expect(
      lines
        .slice(1)
        .map((line) => line.split(',').slice(0, 4).join(','))
        .sort(),
    ).toEqual([
      ',warn,not_checked_busy,busy',
      ',warn,not_checked_offline,name-away',
      // One row for each of its pods.
      ...Array<string>(3).fill('team-ledger,block,pdb_never_allows,blocking'),
    ]);
    const pods = lines
      .map((line) => line.split(',').slice(-3).join(','))
      .filter((cells) => cells.startsWith('payments/'));
    expect(pods).toEqual(['w-1', 'w-2', 'w-3'].map((node, n) => `payments/ledger-${n},${node},payments/ledger`));
  });

  it('a rule of the plan waives what an order finds → information that says why, and a line in the audit by that order', async () => {
    const rule = { code: 'pdb_never_allows', selector: 'env=test', set: 'waive', reason: 'CHG-20417', by: 'anna' };
    const severities = [{ ...rule, until: '2036-01-01T00:00:00Z' }];
    const waiving = { ...PLAN, spec: { ...PLAN.spec, preflight: { severities } } };
    const { status, body } = await hub.ask('POST', '/api/v1/plans/preview?preflight=true', waiving);
    const of = body.preflight?.find((one: { cluster: string }) => one.cluster === 'blocking');
    expect([status, of?.state]).toEqual([200, 'checked']);
    expect(of.findings).toMatchObject([{ code: 'pdb_never_allows', severity: 'info' }]);
    expect(of.findings[0].message).toContain('waived by anna until 2036-01-01T00:00:00Z: CHG-20417');
    const well = body.preflight.find((one: { cluster: string }) => one.cluster === 'well');
    const written = await hub.storage.dataSource.query(
      `SELECT actor, object, detail::jsonb AS detail FROM audit WHERE action = 'preflight.severityChanged'`,
    );
    const detail = {
      code: 'pdb_never_allows',
      set: 'waive',
      by: 'anna',
      reason: 'CHG-20417',
      objects: ['payments/ledger'],
    };
    expect(written).toMatchObject([{ actor: expect.stringMatching(/^agent\//), object: `order/${of.order}`, detail }]);
    // The cluster without the finding had nothing that could be waived.
    expect(well).toMatchObject({ state: 'checked', findings: [] });
  });

  it('a viewer may preview, and may not make agents look', async () => {
    const { token } = (await hub.ask('POST', '/api/v1/api-tokens', { name: 'eyes', role: 'viewer' })).body;
    expect((await hub.ask('POST', '/api/v1/plans/preview', PLAN, { token })).status).toBe(200);
    expect((await hub.ask('POST', '/api/v1/plans/preview?preflight=true', PLAN, { token })).status).toBe(403);
    expect((await hub.ask('POST', '/api/v1/plans/drain-preview', PLAN, { token })).status).toBe(403);
  });
});

describe('orders that come by themselves', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;
  const nightly = {
    name: 'drill',
    selector: 'env=test',
    rrule: 'FREQ=DAILY',
    start: '03:00',
    timeZone: 'Europe/Berlin',
  };

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    await agents.start('well');
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  it('a schedule is due → its order is carried out, the cluster shows the proof, the next run is known', async () => {
    const body = { ...nightly, kind: 'backup', args: { what: 'etcd' } };
    const made = await hub.ask('POST', '/api/v1/schedules', body);
    expect([made.status, made.body.title]).toEqual([201, undefined]);
    expect(Date.parse(made.body.nextAt)).toBeGreaterThan(Date.now());
    await hub.storage.dataSource.query('UPDATE schedules SET next_at = now_ms()');
    const order = await eventually(
      'the scheduled order to end',
      async () => {
        const [one] = (await hub.ask('GET', '/api/v1/clusters/well/orders')).body.items;
        return one?.ended ? one : null;
      },
      { withinMs: 100_000 },
    );
    expect(order).toMatchObject({ kind: 'backup', parent: { kind: 'schedule' }, outcome: { kind: 'completed' } });
    const cluster = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    expect(cluster.lastRestoreProof).toMatchObject({ backup: 'etcd', order: order.id });
    const after = (await hub.ask('GET', '/api/v1/schedules/drill')).body;
    expect(after).toMatchObject({ lastRun: { orders: 1, left: [] }, name: 'drill' });
    expect(Date.parse(after.nextAt)).toBeGreaterThan(Date.now());
  });

  it.each([
    ['a rule nobody can read', { rrule: 'sundays' }, '/rrule'],
    ['an unknown zone', { timeZone: 'Berlin' }, '/timeZone'],
    ['a time that is none', { start: '25:00' }, '/start'],
    ['a selector that does not parse', { selector: 'env in (' }, '/selector'],
    ['a drain, which names one node', { kind: 'drain', args: { node: 'w-1' } }, '/kind'],
    ['a backup of something else', { kind: 'backup', args: { what: 'disk' } }, '/args/what'],
    ['a fixed name for every run', { kind: 'backup', args: { what: 'velero', name: 'nightly' } }, '/args/name'],
  ])('%s → 422 that names the field', async (_name, change, pointer) => {
    const body = { ...nightly, name: 'other', kind: 'preflight', args: {}, ...change };
    const answer = await hub.ask('POST', '/api/v1/schedules', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('the name again → 409; deleted → gone, and its name is free', async () => {
    const body = { ...nightly, kind: 'preflight', args: {} };
    expect((await hub.ask('POST', '/api/v1/schedules', body)).status).toBe(409);
    expect((await hub.ask('DELETE', '/api/v1/schedules/drill')).status).toBe(204);
    expect((await hub.ask('GET', '/api/v1/schedules')).body.items).toEqual([]);
    expect((await hub.ask('POST', '/api/v1/schedules', body)).status).toBe(201);
  });
});
