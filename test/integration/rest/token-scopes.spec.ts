import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestHub, type Answer, type TestHub } from '../world/running-hub.js';

const TARGET = { kubernetes: '1.35.4' };

let hub: TestHub;
/** Tokens by name; `dev` and `devAdmin` reach the development clusters only. */
let tokens: Readonly<Record<'dev' | 'devAdmin' | 'devPlanner', string>>;
let rollout: string;

const plan = (name: string, selector: string) => ({
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name },
  spec: { target: TARGET, clusters: { selector }, strategy: { waves: ['50%', '100%'] } },
});

beforeAll(async () => {
  hub = await startTestHub();
  for (const id of ['dev-1', 'dev-2']) await hub.addCluster(id, { env: 'dev' });
  for (const id of ['prod-1', 'prod-2']) await hub.addCluster(id, { env: 'prod' });
  const make = async (role: string): Promise<string> => {
    const wanted = { name: `dev ${role}`, role, scope: 'env=dev' };
    const { body } = await hub.ask('POST', '/api/v1/api-tokens', wanted);
    expect(body).toMatchObject({ role, scope: 'env=dev' });
    return body.token as string;
  };
  tokens = { dev: await make('operator'), devAdmin: await make('admin'), devPlanner: await make('planner') };
  for (const name of ['all', 'dev-only']) {
    const stored = await hub.ask('POST', '/api/v1/plans', plan(name, name === 'all' ? 'env in (dev,prod)' : 'env=dev'));
    expect([name, stored.status, stored.body]).toEqual([name, 201, expect.anything()]);
  }
}, 180_000);
afterAll(() => hub?.stop());

const as = (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  hub.ask(method, `/api/v1${path}`, body, { token });
const expectOutside = (answer: Answer): void => {
  expect([answer.status, answer.body.type, answer.body.detail]).toEqual([
    403,
    expect.stringMatching(/out-of-scope$/),
    expect.stringContaining('"env=dev"'),
  ]);
};

describe('a token with a scope', () => {
  it('lists and gets the clusters of its scope; the others are not there', async () => {
    const list = await as(tokens.dev, 'GET', '/clusters');
    expect(list.body.items.map(({ name }: { name: string }) => name)).toEqual(['name-dev-1', 'name-dev-2']);
    expect((await as(tokens.dev, 'GET', '/clusters/dev-1')).status).toBe(200);
    expect((await as(tokens.dev, 'GET', '/clusters/prod-1')).status).toBe(404);
    const wide = await as(tokens.dev, 'GET', `/clusters?labelSelector=${encodeURIComponent('env in (dev,prod)')}`);
    expect(wide.body.items).toHaveLength(2);
  });

  it('an admin’s verbs on a cluster outside → 403 that names the scope, and nothing is changed', async () => {
    const before = (await hub.storage.audit.head()).seq;
    expectOutside(await as(tokens.devAdmin, 'PATCH', '/clusters/prod-1/labels', { labels: { team: 'x' } }));
    expectOutside(await as(tokens.devAdmin, 'POST', '/clusters/prod-1/revoke'));
    expectOutside(await as(tokens.devAdmin, 'POST', '/clusters/prod-1/approve'));
    expectOutside(await as(tokens.devAdmin, 'DELETE', '/clusters/prod-1'));
    expect((await hub.storage.audit.head()).seq).toBe(before);
    expect((await as(tokens.devAdmin, 'PATCH', '/clusters/dev-1/labels', { labels: { team: 'x' } })).status).toBe(200);
  });

  it('moving a cluster out of the scope, or letting one in outside of it → 403', async () => {
    expectOutside(await as(tokens.devAdmin, 'PATCH', '/clusters/dev-1/labels', { labels: { env: 'prod' } }));
    expectOutside(await as(tokens.devAdmin, 'POST', '/join-tokens', { cluster: 'new-1', labels: { env: 'prod' } }));
    const inside = await as(tokens.devAdmin, 'POST', '/join-tokens', { cluster: 'new-1', labels: { env: 'dev' } });
    expect(inside.status).toBe(201);
  });

  it('what concerns all: making, listing and revoking tokens, the stream of events → 403, also for an admin', async () => {
    expectOutside(await as(tokens.devAdmin, 'POST', '/api-tokens', { name: 'way out', role: 'admin' }));
    expectOutside(await as(tokens.devAdmin, 'GET', '/tokens'));
    expectOutside(await as(tokens.devAdmin, 'DELETE', '/tokens/abc'));
    expectOutside(await as(tokens.devAdmin, 'GET', '/events/stream'));
    expectOutside(await as(tokens.devAdmin, 'GET', '/events'));
  });

  it('a plan that takes clusters outside → neither previewed nor started; one inside → both', async () => {
    expectOutside(await as(tokens.dev, 'POST', '/plans/preview', plan('all', 'env in (dev,prod)')));
    expectOutside(await as(tokens.dev, 'POST', '/rollouts', { plan: 'all' }));
    expect((await as(tokens.devPlanner, 'POST', '/plans/preview', plan('mine', 'env=dev'))).status).toBe(200);
    expect((await as(tokens.devPlanner, 'POST', '/plans', plan('mine', 'env=dev'))).status).toBe(201);
    expect((await hub.ask('GET', '/api/v1/rollouts')).body.items).toEqual([]);
  });

  it('a rollout over all clusters → its own part is seen; commands to the whole and to others are refused', async () => {
    const started = await hub.ask('POST', '/api/v1/rollouts', { plan: 'all' });
    rollout = started.body.id;
    expect([started.status, (await as(tokens.dev, 'GET', '/rollouts')).body.items.length]).toEqual([201, 1]);
    const rows = (await as(tokens.dev, 'GET', `/rollouts/${rollout}/clusters`)).body.items;
    expect(rows.map(({ name }: { name: string }) => name).sort()).toEqual(['name-dev-1', 'name-dev-2']);
    const explain = (cluster: string) => as(tokens.dev, 'GET', `/rollouts/${rollout}/explain?cluster=${cluster}`);
    expect([(await explain('name-dev-1')).status, (await explain('name-prod-1')).status]).toEqual([200, 404]);
    for (const verb of ['pause', 'abort']) expectOutside(await as(tokens.dev, 'POST', `/rollouts/${rollout}/${verb}`));
    expectOutside(await as(tokens.dev, 'POST', `/rollouts/${rollout}/skip`, { cluster: 'name-prod-2' }));
    expectOutside(
      await as(tokens.dev, 'POST', `/rollouts/${rollout}/rollback`, { scope: 'rollout', approveRungs: [] }),
    );
    expectOutside(await as(tokens.dev, 'GET', `/events?object=rollout/${rollout}`));
    expect((await hub.ask('GET', `/api/v1/rollouts/${rollout}`)).body.state).not.toBe('aborted');
  });

  it('a rollout without a cluster of the scope → not there', async () => {
    await hub.ask('POST', `/api/v1/rollouts/${rollout}/abort`);
    const { body } = await hub.ask('POST', '/api/v1/api-tokens', { name: 'lab', role: 'operator', scope: 'env=lab' });
    expect((await as(body.token, 'GET', '/rollouts')).body.items).toEqual([]);
    expect((await as(body.token, 'GET', `/rollouts/${rollout}`)).status).toBe(404);
    expect((await as(body.token, 'POST', `/rollouts/${rollout}/pause`)).status).toBe(404);
  });
});

describe('a rollout that lies in the scope whole', () => {
  it('is started, seen, paused and aborted with that token, and its events are read', async () => {
    const started = await as(tokens.dev, 'POST', '/rollouts', { plan: 'dev-only' });
    expect([started.status, started.body.startedBy]).toEqual([201, 'dev operator']);
    const { id } = started.body;
    expect((await as(tokens.dev, 'POST', `/rollouts/${id}/pause`)).body.rollout.state).toBe('paused');
    expect((await as(tokens.dev, 'POST', `/rollouts/${id}/abort`)).status).toBe(200);
    const events = await as(tokens.dev, 'GET', `/events?object=rollout/${id}`);
    expect(events.body.items.map(({ action }: { action: string }) => action)).toContain('command.paused');
  });
});

describe('API tokens', () => {
  it('a scope that cannot be read → 422 that says where, and no token', async () => {
    const answer = await hub.ask('POST', '/api/v1/api-tokens', { name: 'x', role: 'viewer', scope: 'env in (' });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, 'scope']);
  });

  it('list → who, what, how far, last used; no secret and no hash', async () => {
    const { body } = await hub.ask('GET', '/api/v1/tokens');
    const own = body.items.find(({ name }: { name: string }) => name === 'dev operator');
    expect(own).toMatchObject({ role: 'operator', scope: 'env=dev', createdBy: 'first-admin', revokedAt: null });
    expect(own.lastUsedAt).toEqual(expect.any(String));
    const text = JSON.stringify(body);
    expect([text.includes('secret'), text.includes(tokens.dev.split('.')[1] ?? '')]).toEqual([false, false]);
  });

  it('revoked → the next request with it is refused; again → 204; unknown → 404; audited once', async () => {
    const id = tokens.devPlanner.split('.')[0] ?? '';
    expect((await as(tokens.devPlanner, 'GET', '/clusters')).status).toBe(200);
    const revoke = async (token: string) => (await hub.ask('DELETE', `/api/v1/tokens/${token}`)).status;
    expect([await revoke(id), await revoke(id), await revoke('nobody')]).toEqual([204, 204, 404]);
    expect((await as(tokens.devPlanner, 'GET', '/clusters')).status).toBe(401);
    const lines = await hub.storage.audit.read({ since: 0, limit: 500 });
    expect(lines.filter(({ action }) => action === 'apiToken.revoked').map(({ object }) => object)).toEqual([
      `apiToken/${id}`,
    ]);
  });

  it('the last admin token without a scope → 409, it stays good', async () => {
    const id = hub.adminToken.split('.')[0];
    const answer = await hub.ask('DELETE', `/api/v1/tokens/${id}`);
    expect([answer.status, answer.body.type]).toEqual([409, expect.stringMatching(/last-admin-token$/)]);
    expect((await hub.ask('GET', '/api/v1/tokens')).status).toBe(200);
  });
});
