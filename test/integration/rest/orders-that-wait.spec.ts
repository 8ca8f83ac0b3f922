import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

const PLAN = {
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'k135' } },
  spec: { target: { kubernetes: '1.35.4' }, clusters: { selector: 'env=test' } },
};

/** Nobody waits without knowing for what: a real hub, PostgreSQL and agents; only the clusters are simulated. */
describe('orders that wait', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;
  let request: string;

  beforeAll(async () => {
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    await agents.start('held', { drainBlocked: { node: 'w-1', forMs: null } });
    const drain = { kind: 'drain', args: { node: 'w-1' }, drain: { timeout: '4h' } };
    request = (await hub.ask('POST', '/api/v1/clusters/held/orders', drain)).body.id;
    await eventually('the drain to be blocked', async () => {
      const { body } = await hub.ask('GET', `/api/v1/orders/${request}`);
      return body.progress?.reason.code === 'drain_blocked';
    });
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
  });

  it('an order of a rollout comes while a request runs → the order and explain name the request', async () => {
    await hub.ask('POST', '/api/v1/plans', PLAN);
    const rollout = (await hub.ask('POST', '/api/v1/rollouts', { plan: 'k135' })).body.id;
    const order = await eventually('the order of the rollout', async () => {
      const { items } = (await hub.ask('GET', '/api/v1/orders?kind=upgrade')).body;
      return items[0] ?? null;
    });
    expect(order).toMatchObject({
      ...{ state: 'open', cluster: 'held', parent: { kind: 'rollout', id: rollout } },
      waits: { code: 'waiting_for_order', params: { order: request, kind: 'drain' } },
    });
    const { next } = (await hub.ask('GET', `/api/v1/rollouts/${rollout}/explain?cluster=held`)).body;
    expect(next).toContain(`wavegate orders get ${request.slice(0, 8)}`);
    expect((await hub.ask('GET', `/api/v1/orders/${request}`)).body.waits).toBeNull();
  });

  it('the agent of a running request falls silent → the order says since when it is waited for', async () => {
    await agents.stop();
    await eventually('the agent to be taken for silent', async () => {
      await hub.storage.sessions.expire(1);
      return (await hub.ask('GET', `/api/v1/orders/${request}`)).body.waits !== null;
    });
    const { waits, state } = (await hub.ask('GET', `/api/v1/orders/${request}`)).body;
    expect(state).toBe('confirmed');
    expect(waits).toMatchObject({ code: 'agent_lost', params: { since: expect.any(Number) } });
  });
});
