import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

const PLAN = {
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'k135' } },
  spec: {
    ...{ target: { kubernetes: '1.35.4' }, clusters: { selector: 'env=test' }, rollback: { stageRestore: true } },
    ...{ drain: { timeout: '60s' }, startWithin: '5m', deadline: '30m' },
    verdict: { window: '60s', period: '50ms', minSoak: '100ms', allowance: { controlPlane: '10s' } },
  },
};

/** A real hub, real PostgreSQL, real gRPC, real agents; only the clusters are simulated. */
describe('ways back that persons run', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;
  let upgrade: string;
  let recovery: string;
  let before: { cluster: string; journals: string };
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    const people = { ops: 'operator', ada: 'approver', bob: 'approver', eyes: 'viewer' };
    for (const [name, role] of Object.entries(people)) {
      tokens[name] = (await hub.ask('POST', '/api/v1/api-tokens', { name, role })).body.token;
    }
    await agents.start('fra', {}, 100);
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  const ask = (who: string, method: 'GET' | 'POST', path: string, body?: unknown) =>
    hub.ask(method, `/api/v1/${path}`, body, { token: tokens[who] ?? null });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the API's JSON; each assertion says what it expects
  const orderWhere = (what: string, holds: (order: any) => boolean): Promise<any> =>
    eventually(
      what,
      async () => {
        const [order] = (await hub.ask('GET', '/api/v1/clusters/fra/orders?kind=upgrade')).body.items;
        return order && holds(order) ? order : null;
      },
      { withinMs: 120_000 },
    );

  it('rung 6 where nothing was staged, rung 5 without an etcd that could spare the node → 422 that says why', async () => {
    const restore = await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 6 });
    expect([restore.status, restore.body.errors[0].code]).toEqual([422, 'nothing_staged']);
    const replace = await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 5, node: 'cp-1' });
    expect(replace.body.errors[0]).toMatchObject({ pointer: '/node', detail: expect.stringContaining('Rung 6') });
    expect(
      (await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 5, node: 'w1' })).body.errors[0].detail,
    ).toContain('w-1');
    expect((await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 4 })).status).toBe(422);
    expect((await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 6, order: 'nope' })).status).toBe(404);
  });

  it('rung 6 after an upgrade → what it loses is named, and nobody is told what to run before two persons approved', async () => {
    const cluster = await agents.copyOf('fra', 'before');
    const { digest } = (await hub.ask('POST', '/api/v1/plans', PLAN)).body;
    expect((await hub.ask('POST', '/api/v1/rollouts', { plan: digest })).status).toBe(201);
    await orderWhere('the upgrade to run', ({ progress }) => progress?.nodesTotal > 0);
    before = { cluster, journals: await agents.copyOf('fra', 'midway') };
    const ended = await orderWhere('the upgrade to end', (order) => order.ended);
    expect([ended.outcome.kind, ended.receipts.length]).toEqual(['upgraded', 1]);
    upgrade = ended.id;
    // What a recovery names is what the agent has told by then; it tells its facts after the outcome.
    await eventually('every kubelet to be told', async () => {
      const { nodes } = (await hub.ask('GET', '/api/v1/clusters/fra')).body;
      return nodes.every(({ kubelet }: { kubelet: string }) => kubelet === '1.35.4') || null;
    });

    const asked = await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 6 });
    expect([asked.status, asked.body.errors]).toEqual([201, undefined]);
    recovery = asked.body.id;
    expect(asked.body).toMatchObject({
      ...{ rung: 6, state: 'asked', order: upgrade, version: '1.34.4', approvalsNeeded: 2, approvals: [], epoch: null },
      ...{ stages: [], takenAt: ended.receipts[0].takenAt, loses: expect.stringContaining('every write since') },
    });
    expect(asked.body.lost).toMatchObject([
      { order: upgrade, kind: 'upgrade', text: expect.stringContaining('1.35.4') },
    ]);
  });

  it('one person twice is one person, an operator none; with the second person the epoch is raised and the lines are told', async () => {
    expect((await ask('ops', 'POST', `recoveries/${recovery}/approve`, {})).status).toBe(403);
    expect((await ask('ops', 'POST', `recoveries/${recovery}/verify`, {})).status).toBe(409);
    const first = (await ask('ada', 'POST', `recoveries/${recovery.slice(0, 8)}/approve`, {})).body;
    expect(first).toMatchObject({ state: 'asked', stages: [], approvals: [{ by: 'ada' }] });
    const again = await ask('ada', 'POST', `recoveries/${recovery}/approve`, {});
    expect([again.status, again.body.title]).toEqual([409, expect.stringContaining('another person')]);
    const { body } = await ask('bob', 'POST', `recoveries/${recovery}/approve`, {});
    expect(body).toMatchObject({
      state: 'approved',
      approvals: [{ by: 'ada' }, { by: 'bob' }],
      epoch: expect.any(Number),
    });
    const script = `/var/lib/wavegate/restore/${upgrade}/restore.sh`;
    const lines = body.stages.flatMap((stage: { lines: string[] }) => stage.lines);
    expect(lines).toEqual(expect.arrayContaining([`${script} stop`, `${script} restore`, `${script} start`]));
    const workers = body.stages.find(({ title }: { title: string }) => title.includes('kubelets back'));
    expect([workers.on, workers.lines[1]]).toEqual([['w-1', 'w-2'], expect.stringContaining('packages/1.34.4/*.deb')]);
  });

  it('etcd is back in the middle of the upgrade → the agent does nothing of it again, says so, and takes newer orders', async () => {
    await agents.restore('fra', before);
    await eventually(
      'the old version to be told',
      async () => (await hub.ask('GET', '/api/v1/clusters/fra')).body.controlPlane?.includes('1.34.4') || null,
      { withinMs: 60_000 },
    );
    expect((await ask('ops', 'POST', `recoveries/${recovery}/verify`, {})).status).toBe(200);
    const seen = await eventually(
      'the agent to have looked',
      async () => {
        const { body } = await ask('eyes', 'GET', `recoveries/${recovery}`);
        return body.verification?.ended ? body : null;
      },
      { withinMs: 60_000 },
    );
    expect(seen.verification.checks).toEqual(
      expect.arrayContaining([
        { good: true, text: 'every API server runs 1.34.4 (1)' },
        { good: true, text: 'all 3 nodes are Ready' },
        { good: true, text: 'no kubelet is newer than 1.34.4' },
      ]),
    );
    expect(seen).toMatchObject({ state: 'verified', lost: [{ order: upgrade }] });
    const { nodes } = (await hub.ask('GET', '/api/v1/clusters/fra')).body;
    expect(nodes.map(({ kubelet, schedulable }: Record<string, unknown>) => [kubelet, schedulable])).toEqual(
      nodes.map(() => ['1.34.4', true]),
    );
  });

  it('rung 5 of a worker → one person; drain, delete, join with the cluster’s version; the old node is not the new one', async () => {
    const asked = (await ask('ops', 'POST', 'clusters/fra/recoveries', { rung: 5, node: 'w-2' })).body;
    expect(asked).toMatchObject({
      rung: 5,
      node: 'w-2',
      approvalsNeeded: 1,
      takenAt: null,
      lost: [],
      version: '1.34.4',
    });
    const { body } = await ask('ada', 'POST', `recoveries/${asked.id}/approve`, {});
    const lines = body.stages.flatMap((stage: { lines: string[] }) => stage.lines).join('\n');
    expect(lines).toContain('wavegate clusters drain fra w-2');
    expect(lines).toContain('kubectl delete node w-2');
    expect(lines).toContain('kubeadm=1.34.4-*');
    expect(lines).not.toContain('member remove');
    await ask('ops', 'POST', `recoveries/${asked.id}/verify`, {});
    const seen = await eventually('the agent to have looked', async () => {
      const found = (await ask('eyes', 'GET', `recoveries/${asked.id}`)).body;
      return found.verification?.ended ? found : null;
    });
    expect(seen.state).toBe('approved');
    expect(seen.verification.checks).toContainEqual({ good: false, text: 'w-2 is still the node of before' });
  });

  it('who asked and who approved is in the audit; others see the list', async () => {
    const rows = await hub.storage.audit.read({ since: 0, limit: 10_000 });
    const told = rows
      .filter(({ action }) => action.startsWith('recovery.'))
      .map(({ actor, action }) => `${actor} ${action}`);
    expect(told.slice(0, 4)).toEqual([
      'ops recovery.asked',
      'ada recovery.approved',
      'bob recovery.approved',
      'ops recovery.verifyAsked',
    ]);
    expect(await hub.storage.audit.verify()).toMatchObject({ kind: 'intact' });
    const { items } = (await ask('eyes', 'GET', 'recoveries')).body;
    expect(items.map(({ rung }: { rung: number }) => rung)).toEqual([5, 6]);
  });
});
