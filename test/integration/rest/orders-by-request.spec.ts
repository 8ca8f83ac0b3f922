import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { startTestHub, type Answer, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

/** A real hub, real PostgreSQL, real gRPC, real agents; only the clusters are simulated. */
describe('orders that a person asks for', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;
  let operator: string;

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    operator = (await hub.ask('POST', '/api/v1/api-tokens', { name: 'ops', role: 'operator' })).body.token;
    await agents.start('well');
    await agents.start('blocking', { preflightBlocks: { times: 9 } });
    await agents.start('held', { drainBlocked: { node: 'w-1', forMs: null } });
    await agents.start('ahead');
    await agents.start('silent', { failAt: { step: 'prefetchNode', node: 'w-1', times: 9 } });
    await agents.start('broken', { failAt: { step: 'backupVelero', times: 1 } });
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  const request = (cluster: string, body: unknown): Promise<Answer> =>
    hub.ask('POST', `/api/v1/clusters/${cluster}/orders`, body, { token: operator });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the API's JSON; each assertion says what it expects
  async function ended(id: string): Promise<any> {
    return eventually(
      `order ${id} to end`,
      async () => {
        const { body } = await hub.ask('GET', `/api/v1/orders/${id}`);
        return body.ended ? body : null;
      },
      { withinMs: 100_000 },
    );
  }
  async function carriedOut(cluster: string, body: unknown) {
    const asked = await request(cluster, body);
    expect([asked.status, asked.body.title]).toEqual([201, undefined]);
    return ended(asked.body.id);
  }
  const nodesOf = async (cluster: string) => (await hub.ask('GET', `/api/v1/clusters/${cluster}`)).body.nodes;

  it('preflight → completed, with the findings and whose they are; nothing on the cluster is changed', async () => {
    const order = await carriedOut('blocking', { kind: 'preflight', target: '1.35.4' });
    expect(order).toMatchObject({
      ...{ kind: 'preflight', cluster: 'blocking', state: 'done', hop: '1.34.4 → 1.35.4' },
      ...{ parent: { kind: 'request' }, outcome: { kind: 'completed' } },
    });
    expect(order.findings).toMatchObject([{ code: 'pdb_never_allows', severity: 'block', owner: 'team-ledger' }]);
    expect((await carriedOut('well', { kind: 'preflight' })).findings).toEqual([]);
  });

  it('drain → the node is empty and stays cordoned; with uncordonAfter it is opened again', async () => {
    const [, node] = (await nodesOf('well')).map((one: { name: string }) => one.name);
    const order = await carriedOut('well', { kind: 'drain', args: { node } });
    expect(order.outcome).toMatchObject({ kind: 'completed', cordoned: [node] });
    expect(order.args.nodeUid).toMatch(/^[0-9a-f]{32}$/);
    await eventually('the cordon to be told', async () =>
      (await nodesOf('well')).some(
        (one: { name: string; schedulable: boolean }) => one.name === node && !one.schedulable,
      ),
    );
    const again = await carriedOut('well', { kind: 'drain', args: { node: 'w-2', uncordonAfter: true } });
    expect(again.outcome).toMatchObject({ kind: 'completed', cordoned: [] });
  });

  it('prefetch → every node has the next version; asked again it is the same; nothing on the nodes is changed', async () => {
    const before = await nodesOf('ahead');
    const body = { kind: 'prefetch', target: '1.35.4', upgrade: { packages: 'mirror' } };
    const order = await carriedOut('ahead', body);
    expect(order).toMatchObject({
      ...{ kind: 'prefetch', hop: '1.34.4 → 1.35.4', outcome: { kind: 'completed', cordoned: [] } },
    });
    const nodes = before.map(({ name }: { name: string }) => name).sort();
    expect(order.outcome.fetched.map((one: { node: string }) => one.node)).toEqual(nodes);
    expect(order.outcome.fetched[0]).toMatchObject({ version: '1.35.4', packages: expect.stringContaining('1.35.4') });
    expect((await carriedOut('ahead', body)).outcome.fetched).toEqual(order.outcome.fetched);
    const one = await carriedOut('ahead', { ...body, args: { nodes: ['w-2'] } });
    expect(one.outcome.fetched).toMatchObject([{ node: 'w-2' }]);
    expect(await nodesOf('ahead')).toEqual(before);
  });

  it('prefetch where a repository does not answer on one node → the others have it, it is named', async () => {
    const order = await carriedOut('silent', { kind: 'prefetch', target: '1.35.4' });
    expect(order.outcome).toMatchObject({ kind: 'halted', reason: { code: 'prefetch_incomplete' } });
    expect(order.outcome.text).toContain('missing on w-1: w-1: simulated: the repository does not answer');
    expect(order.outcome.fetched.map((one: { node: string }) => one.node)).not.toContain('w-1');
  });

  it('backup of etcd → its receipt on the order and on the cluster, as the last proof of a restore', async () => {
    const order = await carriedOut('well', { kind: 'backup', args: { what: 'etcd' } });
    expect(order.receipts).toMatchObject([{ backup: 'etcd', node: 'cp-1', verified: 'restore' }]);
    const { lastBackup, lastRestoreProof } = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    expect(lastBackup).toMatchObject({ order: order.id, backup: 'etcd', at: order.receipts[0].takenAt });
    expect(lastRestoreProof).toEqual(lastBackup);
  });

  it('backup of manifests → the last backup moves on, the last proof of a restore does not', async () => {
    const before = (await hub.ask('GET', '/api/v1/clusters/well')).body.lastRestoreProof;
    const order = await carriedOut('well', { kind: 'backup', args: { what: 'manifests', namespaces: ['shop'] } });
    expect(order.receipts).toMatchObject([{ backup: 'manifests', verified: 'status' }]);
    const { lastBackup, lastRestoreProof } = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    expect(lastBackup).toMatchObject({ backup: 'manifests', order: order.id });
    expect(lastRestoreProof).toEqual(before);
  });

  it('restore, first looked at → what it would do; then done, and it counts as a proof', async () => {
    const args = { from: 'nightly', namespaceMapping: { shop: 'shop-drill' } };
    const preview = await carriedOut('well', { kind: 'restore', args: { ...args, preview: true } });
    expect(preview).toMatchObject({ receipts: [], findings: [{ code: 'would_restore', severity: 'info' }] });
    const restored = await carriedOut('well', { kind: 'restore', args });
    expect(restored.receipts).toMatchObject([{ backup: 'velero', verified: 'restore' }]);
    const { lastBackup, lastRestoreProof } = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    expect(lastRestoreProof.order).toBe(restored.id);
    expect(lastBackup.order).not.toBe(restored.id);
  });

  it('restore into a namespace that is there → done, and no proof: what was found was left', async () => {
    const before = (await hub.ask('GET', '/api/v1/clusters/well')).body.lastRestoreProof;
    const args = { from: 'nightly', namespaceMapping: { shop: 'shop' } };
    const restored = await carriedOut('well', { kind: 'restore', args });
    expect(restored.receipts).toMatchObject([{ backup: 'velero', verified: 'status' }]);
    expect((await hub.ask('GET', '/api/v1/clusters/well')).body.lastRestoreProof).toEqual(before);
  });

  it('a restore drill on the stored backup → the proof is of now, the backup is not a new one; nonsense is refused', async () => {
    const { lastBackup: before } = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    const drill = await carriedOut('well', { kind: 'backup', args: { what: 'etcd', prove: 'latest' } });
    const [receipt] = drill.receipts;
    expect(receipt.verified).toBe('restore');
    expect(Date.parse(receipt.provenAt)).toBeGreaterThan(Date.parse(receipt.takenAt));
    const { lastBackup, lastRestoreProof } = (await hub.ask('GET', '/api/v1/clusters/well')).body;
    expect(lastRestoreProof).toMatchObject({ order: drill.id, at: receipt.provenAt, backup: 'etcd' });
    expect(lastBackup).toEqual(before);
    const refused = await hub.ask('POST', '/api/v1/clusters/well/orders', {
      kind: 'backup',
      args: { what: 'manifests', prove: 'latest' },
    });
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      422,
      expect.stringContaining('prove etcd or velero'),
    ]);
  });

  it('a backup that fails, or finds nothing → halted with one reason, and no receipt', async () => {
    const broken = await carriedOut('broken', { kind: 'backup', args: { what: 'velero' } });
    expect(broken).toMatchObject({ receipts: [], outcome: { kind: 'halted', reason: { code: 'backup_failed' } } });
    const nothing = await carriedOut('broken', { kind: 'backup', args: { what: 'velero', namespaces: ['no-such'] } });
    expect(nothing.outcome.text).toContain('no-such');
    expect((await hub.ask('GET', '/api/v1/clusters/broken')).body.lastBackup).toBeNull();
  });

  it('a drain that is held up, another request meanwhile → 409 naming it; withdrawn → halted, the cordon taken back', async () => {
    const asked = await request('held', { kind: 'drain', args: { node: 'w-1' }, drain: { timeout: '10m' } });
    const blocked = await eventually(
      'the drain to be blocked',
      async () => {
        const { body } = await hub.ask('GET', `/api/v1/orders/${asked.body.id}`);
        return body.progress?.reason.code === 'drain_blocked' ? body : null;
      },
      { withinMs: 100_000 },
    );
    expect(blocked.progress.reason.params).toMatchObject({ node: 'w-1' });
    expect(blocked.progress.drains).toMatchObject([
      { node: 'w-1', waits: [{ state: 'blocked', owner: 'team-ledger' }] },
    ]);
    const busy = await request('held', { kind: 'preflight' });
    expect([busy.status, busy.type.split(';')[0]]).toEqual([409, 'application/problem+json']);
    expect(busy.body.title).toContain(asked.body.id);
    expect(busy.body.detail).toContain(`wavegate orders withdraw ${asked.body.id}`);
    const withdrawn = await hub.ask('POST', `/api/v1/orders/${asked.body.id}/withdraw`, undefined, { token: operator });
    expect(withdrawn.body).toMatchObject({ state: 'withdrawing', reason: { code: 'withdrawn_by_person' } });
    const order = await ended(asked.body.id);
    expect(order.outcome).toMatchObject({ kind: 'halted', reason: { code: 'order_stopped' }, cordoned: [] });
    expect((await carriedOut('held', { kind: 'preflight' })).outcome.kind).toBe('completed');
  });

  it.each([
    ['an unknown node', { kind: 'drain', args: { node: 'w-11' } }, '/args/node', /w-1/],
    [
      'a node that is another object',
      { kind: 'drain', args: { node: 'w-1', nodeUid: 'old' } },
      '/args/nodeUid',
      /another/,
    ],
    ['a drain without a node', { kind: 'drain', args: {} }, '/args/node', /./],
    [
      'a negative timeout',
      { kind: 'drain', args: { node: 'w-1' }, drain: { timeout: '-5m' } },
      '/drain/timeout',
      /15m|30m|4h/,
    ],
    [
      'a misspelt policy',
      { kind: 'drain', args: { node: 'w-1' }, drain: { timout: '5m' } },
      '/drain/timout',
      /timeout/,
    ],
    ['etcd by namespace', { kind: 'backup', args: { what: 'etcd', namespaces: ['a'] } }, '/args/namespaces', /velero/],
    [
      'a selector that does not parse',
      { kind: 'backup', args: { what: 'velero', selector: 'a in (' } },
      '/args/selector',
      /./,
    ],
    ['a negative retention', { kind: 'backup', args: { what: 'velero', ttlMs: -1 } }, '/args/ttlMs', /./],
    ['a restore from nothing', { kind: 'restore', args: { from: '' } }, '/args/from', /./],
    ['a target that is no version', { kind: 'preflight', target: 'newest' }, '/target', /version/],
    ['a prefetch of nothing', { kind: 'prefetch' }, '/target', /name the version/],
    ['a prefetch backwards', { kind: 'prefetch', target: '1.33.1' }, '/target', /downgrade/],
    [
      'a prefetch onto an unknown node',
      { kind: 'prefetch', target: '1.35.4', args: { nodes: ['w-1', 'w-77'] } },
      '/args/nodes/1',
      /w-1/,
    ],
    [
      'a prefetch from nowhere',
      { kind: 'prefetch', target: '1.35.4', upgrade: { packages: 'anywhere' } },
      '/upgrade/packages',
      /upstream/,
    ],
    ['an upgrade, which belongs to rollouts', { kind: 'upgrade' }, '/kind', /./],
    ['an unknown field', { kind: 'preflight', nod: 'w-1' }, '/', /nod/],
    ['a plan and policies', { kind: 'drain', args: { node: 'w-1' }, plan: 'x', drain: {} }, '/drain', /plan/],
  ])('%s → 422 that names the field, and no order', async (_name, body, pointer, words) => {
    const before = (await hub.ask('GET', '/api/v1/clusters/well/orders')).body.items.length;
    const answer = await request('well', body);
    expect([answer.status, answer.type.split(';')[0]]).toEqual([422, 'application/problem+json']);
    const errors = answer.body.errors as { pointer: string; detail: string }[];
    expect(errors.map((error) => error.pointer)).toContain(pointer);
    expect(errors.find((error) => error.pointer === pointer)?.detail).toMatch(words);
    expect((await hub.ask('GET', '/api/v1/clusters/well/orders')).body.items).toHaveLength(before);
  });

  it('a viewer → 403; an unknown cluster, order or plan → 404', async () => {
    const { token } = (await hub.ask('POST', '/api/v1/api-tokens', { name: 'eyes', role: 'viewer' })).body;
    const path = '/api/v1/clusters/well/orders';
    expect((await hub.ask('POST', path, { kind: 'preflight' }, { token })).status).toBe(403);
    expect((await request('nope', { kind: 'preflight' })).status).toBe(404);
    expect((await request('well', { kind: 'preflight', plan: 'nope' })).status).toBe(404);
    expect((await hub.ask('GET', '/api/v1/orders/nope')).status).toBe(404);
  });

  it('the same Idempotency-Key again → the same order; another request with it → 422', async () => {
    const send = async (body: unknown) => {
      const response = await fetch(`${hub.url}/api/v1/clusters/well/orders`, {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/json', authorization: `Bearer ${operator}` },
          'idempotency-key': 'nightly-7',
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as { id: string; title?: string } };
    };
    const first = await send({ kind: 'preflight' });
    const again = await send({ kind: 'preflight' });
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    expect((await send({ kind: 'backup', args: { what: 'etcd' } })).status).toBe(422);
    await ended(first.body.id);
  });

  it('a stored plan by its name → its policies; a plan made for one order is in nobody’s list', async () => {
    const plan = {
      apiVersion: 'wavegate.dev/v1',
      kind: 'UpgradePlan',
      metadata: { name: 'k135' },
      spec: { target: { kubernetes: '1.35.4' }, backup: { etcd: { verify: 'status' } } },
    };
    await hub.ask('POST', '/api/v1/plans', plan);
    const order = await carriedOut('well', { kind: 'backup', args: { what: 'etcd' }, plan: 'k135' });
    expect(order.receipts).toMatchObject([{ verified: 'status' }]);
    const names = (await hub.ask('GET', '/api/v1/plans')).body.items.map((one: { name: string }) => one.name);
    expect(names).toEqual(['k135']);
    const other = (await hub.ask('GET', '/api/v1/orders?requested=true&kind=drain&limit=1')).body.items[0];
    expect((await hub.ask('GET', `/api/v1/plans/${other.planDigest}`)).body.name).toBe('request');
  });

  it('lists → newest first, by pages, and by what is asked', async () => {
    const page = (await hub.ask('GET', '/api/v1/orders?limit=2')).body;
    expect([page.items.length, typeof page.nextCursor]).toEqual([2, 'string']);
    const next = (await hub.ask('GET', `/api/v1/orders?limit=500&cursor=${page.nextCursor}`)).body;
    const ids = [...page.items, ...next.items].map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const drains = (await hub.ask('GET', '/api/v1/clusters/held/orders?kind=drain')).body.items;
    expect(drains).toMatchObject([{ kind: 'drain', cluster: 'held' }]);
    expect((await hub.ask('GET', '/api/v1/orders?active=true')).body.items).toEqual([]);
    expect((await hub.ask('GET', '/api/v1/orders?kind=nope')).status).toBe(422);
  });

  it('every request, and who asked, is in the audit, whose chain verifies', async () => {
    const rows = await hub.storage.audit.read({ since: 0, limit: 10_000 });
    const asked = rows.filter(({ action }) => action === 'order.requested');
    expect(asked.length).toBeGreaterThan(5);
    expect(new Set(asked.map(({ actor }) => actor))).toEqual(new Set(['ops']));
    expect(await hub.storage.audit.verify()).toMatchObject({ kind: 'intact' });
  });
});
