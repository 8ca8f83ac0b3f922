import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestHub, type TestHub } from '../world/running-hub.js';

describe('bad input is refused by field, value and what would be right; nothing is stored', () => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startTestHub();
    await hub.addCluster('c1', { env: 'dev' });
    await hub.addCluster('c2', { env: 'prod' }, { apiServers: ['1.33.8'] });
  });
  afterAll(() => hub?.stop());

  const plan = (spec: object) => ({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'k135' },
    spec: { target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } }, ...spec },
  });

  const bad: [name: string, body: unknown, pointer: string, code: RegExp][] = [
    ['an unknown field', plan({ stratgy: {} }), '/spec/stratgy', /unknown_field/],
    ['a wrong type', plan({ strategy: { rings: 7 } }), '/spec/strategy/rings', /wrong_type/],
    [
      'waves that do not grow',
      plan({ strategy: { waves: ['5%', '50%', '25%', '100%'] } }),
      '/spec/strategy/waves',
      /waves_not_increasing/,
    ],
    [
      'waves that do not end at 100 %',
      plan({ strategy: { waves: ['5%', '50%'] } }),
      '/spec/strategy/waves',
      /100|waves/,
    ],
    ['a maxInFlight of 0', plan({ strategy: { maxInFlight: 0 } }), '/spec/strategy/maxInFlight', /./],
    ['an unknown label key', plan({ clusters: { selector: 'enviroment=prod' } }), '/spec/clusters/selector', /label/],
    [
      'an empty selection',
      plan({ clusters: { selector: 'env=staging' } }),
      '/spec/clusters/selector',
      /empty|selection/,
    ],
    ['a downgrade', plan({ target: { kubernetes: '1.33.1' } }), '/spec/target/kubernetes', /downgrade/],
    ['a version skip without via', plan({ target: { kubernetes: '1.35.4' } }), '/spec/target/via', /via/],
  ];

  it.each(bad)('%s → 422 that names the field', async (_name, body, pointer, code) => {
    const answer = await hub.ask('POST', '/api/v1/plans', body);
    expect(answer.status).toBe(422);
    expect(answer.type).toContain('application/problem+json');
    const errors = answer.body.errors as { pointer: string; code: string; detail: string }[];
    expect(errors.map((error) => error.pointer)).toContain(pointer);
    const error = errors.find((one) => one.pointer === pointer);
    expect(error?.code).toMatch(code);
    expect(error?.detail.length).toBeGreaterThan(10);
    expect((await hub.ask('GET', '/api/v1/plans')).body.items).toEqual([]);
  });

  it('YAML that does not parse → the line and column', async () => {
    const answer = await hub.ask('POST', '/api/v1/plans/validate', 'spec: [1, 2\nmetadata: {', {
      type: 'application/yaml',
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].detail).toMatch(/line \d+, column \d+/);
  });

  it('a body that is not JSON → 400 as a problem', async () => {
    const answer = await hub.ask('POST', '/api/v1/join-tokens', '{"cluster":');
    expect([answer.status, answer.type]).toEqual([400, 'application/problem+json; charset=utf-8']);
  });

  it('a join token for a cluster that has joined → 409 that says what to do', async () => {
    const answer = await hub.ask('POST', '/api/v1/join-tokens', { cluster: 'name-c1' });
    expect(answer.status).toBe(409);
    expect(answer.body.detail).toContain('another name');
  });

  it('a join token of two hours → 422 that names minutes', async () => {
    const answer = await hub.ask('POST', '/api/v1/join-tokens', { cluster: 'c9', minutes: 120 });
    expect(answer.body.errors[0].pointer).toBe('/minutes');
  });

  it('a cursor that is not ours, and a selector that does not parse → 422', async () => {
    for (const query of ['cursor=zzz', 'labelSelector=env%20in%20(']) {
      expect((await hub.ask('GET', `/api/v1/clusters?${query}`)).status).toBe(422);
    }
  });

  it('an unknown rollout, plan or cluster → 404 with the name that was asked for', async () => {
    for (const path of ['/api/v1/rollouts/nope', '/api/v1/plans/nope', '/api/v1/clusters/nope']) {
      const answer = await hub.ask('GET', path);
      expect(answer.status).toBe(404);
      expect(answer.body.title).toContain('nope');
    }
  });
});
