import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sha256Hex } from './canonical.js';
import { isReason, readOrder, readPlanText } from './order-problems.js';
import { orderId, type Order } from './order.js';
import { readPlan } from './plan-problems.js';

const read = readPlan({
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'autumn' },
  spec: { target: { kubernetes: '1.35.4' } },
});
if ('problems' in read) throw new Error('the plan under test is not a plan');
const { canonical, digest, plan } = read;

const parent = { kind: 'rollout', id: '7f3c' } as const;
const order: Order = {
  schema: 1,
  id: orderId(parent, 'c-1', 1, 'upgrade', 1),
  kind: 'upgrade',
  parent,
  clusterId: 'c-1',
  clusterUid: 'uid-1',
  attempt: 1,
  hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' },
  epoch: 4,
  plan: canonical,
  planDigest: digest,
  approvedRungs: [],
  startBy: 1000,
  deadline: 2000,
};

function withPlan(changed: object): Order {
  const text = JSON.stringify(changed);
  return { ...order, plan: text, planDigest: sha256Hex(text) };
}

describe('orders off the wire', () => {
  it('what the hub made is read back as it was', () => {
    expect(readOrder(JSON.parse(JSON.stringify(order)))).toEqual(order);
  });

  it('a window that nobody may write any more, of a plan of before → carried out as it was ordered', () => {
    expect(
      readOrder(withPlan({ ...plan, spec: { ...plan.spec, verdict: { ...plan.spec.verdict, window: '3d' } } })),
    ).toMatchObject({
      kind: 'upgrade',
    });
  });

  it('labels of the cluster are read; none at all means that they are not known, as from an older hub', () => {
    expect(readOrder({ ...order, labels: { env: 'lab' } })).toEqual({ ...order, labels: { env: 'lab' } });
    expect(readOrder({ ...order, labels: {} })).toEqual({ ...order, labels: {} });
    expect(readOrder(order)).not.toHaveProperty('labels');
    expect(readOrder({ ...order, labels: { env: 1 } })).toMatchObject({ code: 'order_malformed' });
  });

  it('a preflight of the objectives alone is read as such; of what else, of a newer hub, refused', () => {
    const preflight = (only: string) => ({ ...order, kind: 'preflight', args: { kind: 'preflight', only } });
    expect(readOrder(preflight('objectives'))).toMatchObject({ args: { kind: 'preflight', only: 'objectives' } });
    expect(readOrder(preflight('mood'))).toMatchObject({ code: 'order_malformed' });
  });

  it('a field that a newer hub added is left out', () => {
    expect(readOrder({ ...order, mood: 'good' })).toEqual(order);
  });

  it.each<[string, unknown, object]>([
    [
      'a newer schema',
      { schema: 2, everything: 'else is new' },
      { code: 'schema_too_new', params: { schema: 2, known: 1 } },
    ],
    ['an unknown kind', { ...order, kind: 'reboot' }, { code: 'order_unknown_kind', params: { kind: 'reboot' } }],
    ['no kind', { ...order, kind: undefined }, { code: 'order_malformed', params: { field: 'kind' } }],
    ['an id that is no name', { ...order, id: '../../etc' }, { code: 'order_malformed', params: { field: 'id' } }],
    [
      'a version nobody can read',
      { ...order, hop: { ...order.hop, to: '$(reboot)' } },
      { code: 'order_malformed', params: { field: 'hop.to' } },
    ],
    [
      'another plan than the digest names',
      { ...order, plan: canonical.replace('1.35.4', '1.35.5') },
      { code: 'plan_digest_mismatch' },
    ],
    [
      'a plan with a field of a newer release',
      withPlan({ ...plan, spec: { ...plan.spec, drain: { ...plan.spec.drain, moonPhase: 'new' } } }),
      { code: 'plan_field_unknown', params: { field: 'spec.drain.moonPhase' } },
    ],
    ['nothing', null, { code: 'order_malformed', params: { field: 'order' } }],
  ])('%s → refused, and it says why', (_, input, refusal) => {
    expect(readOrder(input)).toMatchObject(refusal);
  });

  it('whatever comes is an order or a reason, never a crash', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(order)), (value, field) => {
        for (const input of [value, { ...order, [field]: value }]) {
          const answer = readOrder(input);
          if (!isReason(answer)) expect(answer).toMatchObject({ schema: 1, planDigest: digest });
        }
      }),
    );
  });
});

describe('plans out of orders and rows', () => {
  it('the same text gives the same plan, shared and frozen', () => {
    const first = readPlanText(canonical);
    expect(first).toEqual(plan);
    expect(readPlanText(canonical)).toBe(first);
    expect(Object.isFrozen((first as typeof plan).spec.strategy.waves)).toBe(true);
  });

  it.each<[string, string, object]>([
    ['a newer version of plans', canonical.replace('wavegate.dev/v1', 'wavegate.dev/v2'), { code: 'schema_too_new' }],
    ['not JSON', '{', { code: 'order_malformed', params: { field: 'plan' } }],
    [
      'a field nobody knows',
      canonical.replace('"topology"', '"topolgy"'),
      { code: 'plan_field_unknown', params: { field: 'spec.topolgy' } },
    ],
    [
      'a plan that cannot be meant',
      canonical.replace('"maxInFlight":10', '"maxInFlight":0'),
      { code: 'order_malformed', params: { field: 'plan/spec/strategy/maxInFlight' } },
    ],
  ])('%s → a reason', (_, text, refusal) => {
    expect(readPlanText(text)).toMatchObject(refusal);
  });
});

describe('agents of another release', () => {
  const first = readFileSync(new URL('./testing/first-release-plan.txt', import.meta.url), 'utf8').trim();

  it('a plan that uses nothing new is written as the first release writes it: no added default reaches an older agent', () => {
    expect(canonical).toBe(first);
  });

  it('what the first release wrote is read', () => {
    expect(readPlanText(first)).toEqual(plan);
  });
});
