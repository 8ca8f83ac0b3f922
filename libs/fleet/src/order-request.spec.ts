import { describe, expect, it } from '@jest/globals';
import type { ClusterFacts } from './cluster.js';
import type { BackupArgs } from './order-args.js';
import { isReason, readOrder } from './order-problems.js';
import {
  completeArgs,
  orderOfRequest,
  planOfRequest,
  prefetchProblems,
  requestProblems,
  type PlanOfRequest,
} from './order-request.js';

const AT = Date.UTC(2026, 10, 21);
const node = (name: string) =>
  ({ name, role: 'worker', kubelet: '1.34.4', ready: true, schedulable: true, zone: 'a', uid: `uid-${name}` }) as const;
const facts: ClusterFacts = {
  ...{ schema: 1, uid: 'uid-1', driver: 'kubeadm', apiServers: ['1.34.4'], pdbCount: 0, provider: '', observedAt: AT },
  nodes: [{ ...node('cp-1'), role: 'controlPlane' }, node('w-1'), node('w-2')],
};
const backup: BackupArgs = { kind: 'backup', what: 'velero', namespaces: [], selector: '', ttlMs: 0, name: '' };
const drain = { kind: 'drain', node: 'w-1', nodeUid: '' } as const;

function planFor(policies: Parameters<typeof planOfRequest>[1] = {}): PlanOfRequest {
  const made = planOfRequest(facts, policies);
  if ('problems' in made) throw new Error(made.problems[0]?.detail);
  return made;
}

describe('the plan of a request that names none', () => {
  it('nothing said → every default, aimed at where the cluster is', () => {
    const { plan } = planFor();
    expect(plan.metadata.name).toBe('request');
    expect(plan.spec.target.kubernetes).toBe('1.34.4');
    expect(plan.spec.drain).toMatchObject({ timeout: '15m', onTimeout: 'pause' });
  });

  it('policies → as in a plan; the same request twice has the same digest', () => {
    const policies = { drain: { timeout: '5m' }, backup: { etcd: { verify: 'status' } }, topology: 'singleNode' };
    expect(planFor(policies).plan.spec).toMatchObject({
      ...{ drain: { timeout: '5m', maxUnavailable: 1 }, topology: 'singleNode' },
      backup: { etcd: { verify: 'status', maxAge: '1h' } },
    });
    expect(planFor(policies).digest).toBe(planFor(policies).digest);
  });

  it.each([
    [
      'a negative timeout',
      { drain: { timeout: '-5m' } },
      '/drain/timeout',
      /^drain\.timeout is "-5m"; write a duration/,
    ],
    ['a misspelt field', { drain: { timout: '5m' } }, '/drain/timout', /did you mean "timeout"/],
    ['policies that are no map', { drain: 'fast' }, '/drain', /./],
    ['a topology that is none', { topology: 'huge' }, '/topology', /standard, singleNode/],
    ['a target that is no version', { target: 'newest' }, '/target', /^target is "newest"/],
  ])('%s → the field of the request, and what would be right', (_name, policies, pointer, words) => {
    const made = planOfRequest(facts, policies);
    const [problem] = 'problems' in made ? made.problems : [];
    expect([problem?.pointer, problem?.detail]).toEqual([pointer, expect.stringMatching(words)]);
  });
});

describe('what the facts show to be wrong', () => {
  it.each([
    ['an unknown node, nearly right', { ...drain, node: 'w1' }, '/args/node', /did you mean "w-1"/],
    ['an unknown node, far off', { ...drain, node: 'zeus' }, '/args/node', /there are cp-1, w-1, w-2/],
    ['a node that was replaced', { ...drain, nodeUid: 'uid-old' }, '/args/nodeUid', /another object/],
    ['etcd by namespace', { ...backup, what: 'etcd', namespaces: ['a'] }, '/args/namespaces', /velero or manifests/],
    [
      'a drill that names its backup',
      { ...backup, prove: 'latest', name: 'x' },
      '/args/name',
      /proven as it lies there/,
    ],
    ['a drill for a time', { ...backup, what: 'etcd', prove: 'latest', ttlMs: 9 }, '/args/ttlMs', /leave this out/],
    ['a drill of an export', { ...backup, what: 'manifests', prove: 'latest' }, '/args/prove', /prove etcd or velero/],
    ['a selector that does not parse', { ...backup, selector: 'a in (' }, '/args/selector', /./],
  ] as [string, Parameters<typeof requestProblems>[0], string, RegExp][])('%s', (_name, args, pointer, words) => {
    const problems = requestProblems(args, facts);
    expect(problems.map((problem) => problem.pointer)).toEqual([pointer]);
    expect(problems[0]?.detail).toMatch(words);
  });

  it('an agent of an older release that tells no UIDs → the name alone decides', () => {
    const old = { ...facts, nodes: facts.nodes.map(({ uid: _uid, ...rest }) => rest) };
    expect(requestProblems({ ...drain, nodeUid: 'whatever' }, old)).toEqual([]);
    expect(completeArgs(drain, old)).toEqual(drain);
    expect(completeArgs(drain, facts)).toEqual({ ...drain, nodeUid: 'uid-w-1' });
  });
});

describe('the order of a request', () => {
  const parent = { kind: 'request', id: 'r-1' } as const;
  const make = (args: Parameters<typeof orderOfRequest>[0]['args'], plan = planFor()) =>
    orderOfRequest({ parent, cluster: { id: 'c-1', facts }, args, plan, at: AT });

  it('its id is derived, its times are the plan’s, and every agent can read it', () => {
    for (const args of [{ kind: 'preflight' } as const, completeArgs(drain, facts), backup]) {
      const order = make(args);
      expect(order.id).toBe(make(args).id);
      expect([order.startBy - AT, order.deadline - AT]).toEqual([600_000, 12 * 3_600_000]);
      const read = readOrder({ ...order, epoch: 1 });
      expect(isReason(read)).toBe(false);
    }
    expect(make(drain).id).not.toBe(make(backup).id);
  });

  it('a preflight looks at the next hop to its target; everything else stays where it is', () => {
    const ahead = planFor({ target: '1.36.1', via: { '1.35': '1.35.4' } });
    expect(make({ kind: 'preflight' }, ahead).hop).toEqual({ index: 1, of: 2, from: '1.34.4', to: '1.35.4' });
    expect(make(drain, ahead).hop).toEqual({ index: 1, of: 1, from: '1.34.4', to: '1.34.4' });
    const noWay = planFor({ target: '1.37.0' });
    expect(make({ kind: 'preflight' }, noWay).hop).toMatchObject({ from: '1.34.4', to: '1.37.0' });
  });
});

describe('arguments as an agent reads them', () => {
  const order = {
    ...orderOfRequest({
      parent: { kind: 'request', id: 'r' },
      cluster: { id: 'c', facts },
      args: backup,
      plan: planFor(),
      at: AT,
    }),
    epoch: 1,
  };

  it.each([
    ['of another kind', { ...order, args: { kind: 'preflight' } }, 'order_malformed', 'args'],
    ['missing where they are needed', { ...order, args: undefined }, 'order_malformed', 'args'],
    ['there where none belong', { ...order, kind: 'upgrade' }, 'order_malformed', 'args'],
    ['with a negative retention', { ...order, args: { ...backup, ttlMs: -1 } }, 'order_malformed', 'args.ttlMs'],
    ['with a name that is a path', { ...order, args: { ...backup, name: '../etc' } }, 'order_malformed', 'args.name'],
    [
      'with a namespace that is none',
      { ...order, args: { ...backup, namespaces: ['a b'] } },
      'order_malformed',
      'args.namespaces.0',
    ],
    ['of a kind of a newer hub', { ...order, kind: 'teleport' }, 'order_unknown_kind', undefined],
  ])('%s → refused by name', (_name, input, code, field) => {
    expect(readOrder(input)).toMatchObject({ code, ...(field ? { params: { field } } : {}) });
  });

  it('a preflight of an older hub without any → read', () => {
    const { args: _args, ...bare } = order;
    expect(readOrder({ ...bare, kind: 'preflight' })).toMatchObject({ kind: 'preflight' });
  });

  it('with a field that only a newer hub knows → read without it', () => {
    const read = readOrder({ ...order, args: { ...backup, compress: true } });
    expect(read).toMatchObject({ args: backup });
    expect(read).not.toHaveProperty('args.compress');
  });
});

describe('what a prefetch fetches', () => {
  const parent = { kind: 'request', id: 'r-1' } as const;
  const args = { kind: 'prefetch', nodes: [] } as const;
  const via = { '1.35': '1.35.4' };

  it('two minors ahead → the next hop, and where packages come from is in its plan', () => {
    const plan = planFor({ target: '1.36.1', via, upgrade: { packages: 'mirror' } });
    expect(prefetchProblems(facts, plan.plan)).toEqual([]);
    const order = orderOfRequest({ parent, cluster: { id: 'c', facts }, args, plan, at: AT });
    expect(order.hop).toMatchObject({ index: 1, of: 2, from: '1.34.4', to: '1.35.4' });
    expect(isReason(readOrder({ ...order, epoch: 1 }))).toBe(false);
    expect(plan.plan.spec.upgrade.packages).toBe('mirror');
  });

  it.each([
    ['no target', {}, 'nothing_to_prefetch', /name the version/],
    ['an older version', { target: '1.33.1' }, 'downgrade', /downgrade/],
    ['two minors without the way', { target: '1.36.1' }, 'via_missing', /1\.35/],
  ])('%s → said at once', (_name, policies, code, words) => {
    const [problem] = prefetchProblems(facts, planFor(policies).plan);
    expect(problem).toMatchObject({ pointer: '/target', code, detail: expect.stringMatching(words) });
  });

  it('a node that is not there → the entry of the list', () => {
    const problems = requestProblems({ kind: 'prefetch', nodes: ['w-1', 'w9'] }, facts);
    expect(problems).toMatchObject([{ pointer: '/args/nodes/1', code: 'node_unknown' }]);
  });
});
