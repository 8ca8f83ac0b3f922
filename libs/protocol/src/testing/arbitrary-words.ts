import {
  ORDER_KINDS,
  REASON_CODES,
  UPGRADE_PHASES,
  type AgentReport,
  type ClusterFacts,
  type Finding,
  type HubCommand,
  type Order,
  type Outcome,
  type Reason,
  type ReasonCode,
  type Rung,
  type SliEvidence,
  type Verdict,
} from '@wavegate/fleet';
import fc from 'fast-check';

/** Generated words of the fleet: whatever the types allow, odd strings and borders of numbers included. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const count = fc.nat({ max: 2 ** 32 - 1 });
const at = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const number = fc.double({ noNaN: true });
const standing = fc.dictionary(name.filter(notProto), text).map(plain);

function notProto(key: string): boolean {
  return key !== '__proto__';
}
/** fast-check's dictionaries may have a null prototype; the wire's never have. */
function plain<T>(dictionary: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(dictionary));
}

export const reasons: fc.Arbitrary<Reason> = fc.record({
  code: fc.constantFrom(...(Object.keys(REASON_CODES) as ReasonCode[])),
  params: fc.dictionary(name.filter(notProto), fc.oneof(text, number), { maxKeys: 5 }).map(plain),
});

export const facts: fc.Arbitrary<ClusterFacts> = fc.record({
  schema: fc.constant(1 as const),
  uid: name,
  driver: fc.constantFrom('kubeadm' as const, 'simulated' as const, 'none' as const),
  apiServers: fc.array(text, { maxLength: 3 }),
  nodes: fc.array(
    fc.record({
      name,
      role: fc.constantFrom('controlPlane' as const, 'worker' as const),
      kubelet: text,
      ready: fc.boolean(),
      schedulable: fc.boolean(),
      zone: text,
    }),
    { maxLength: 5 },
  ),
  pdbCount: count,
  provider: text,
  observedAt: at,
});

export const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('upgraded' as const), standing }),
  fc.record({
    kind: fc.constant('rolledBack' as const),
    rung: fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Rung>,
    extent: fc.record({ returned: fc.array(text), stays: fc.array(text) }),
    reason: reasons,
    standing,
  }),
  fc.record({ kind: fc.constant('halted' as const), reason: reasons, standing, cordoned: fc.array(text) }),
  fc.record({ kind: fc.constant('skipped' as const), reason: reasons }),
);

const slis: fc.Arbitrary<SliEvidence> = fc.record({
  name: text,
  decisive: fc.boolean(),
  periods: count,
  bad: number,
  total: number,
  missing: count,
  consumed: number,
  burn: number,
  state: fc.constantFrom('good' as const, 'burning' as const, 'noData' as const, 'tooFew' as const),
});

export const verdicts: fc.Arbitrary<Verdict> = fc.record({
  schema: fc.constant(1 as const),
  kind: fc.constantFrom('promote' as const, 'hold' as const, 'rollback' as const, 'inconclusive' as const),
  period: fc.option(fc.integer({ min: 1, max: 1000 })),
  reasons: fc.array(reasons, { maxLength: 3 }),
  slis: fc.array(slis, { maxLength: 3 }),
});

const findings: fc.Arbitrary<Finding> = fc.record({
  code: name,
  severity: fc.constantFrom('block' as const, 'warn' as const, 'info' as const),
  object: text,
  message: text,
  remedy: text,
  owner: text,
});

const phase = fc.constantFrom(...UPGRADE_PHASES);

export const reports: fc.Arbitrary<AgentReport> = fc.oneof(
  fc.record({ kind: fc.constant('facts' as const), facts }),
  fc.record({ kind: fc.constant('orderAccepted' as const), orderId: name, epoch: at }),
  fc.record({ kind: fc.constant('orderRefused' as const), orderId: name, reason: reasons }),
  fc.record({ kind: fc.constant('orderWithdrawn' as const), orderId: name, started: fc.boolean() }),
  fc.record({
    kind: fc.constant('progress' as const),
    progress: fc.record({ orderId: name, phase, reason: reasons, since: at, nodesDone: count, nodesTotal: count }),
  }),
  fc.record({ kind: fc.constant('findings' as const), orderId: name, findings: fc.array(findings, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('verdict' as const), orderId: name, phase, verdict: verdicts }),
  fc.record({ kind: fc.constant('outcome' as const), orderId: name, epoch: at, outcome: outcomes }),
);

export const orders: fc.Arbitrary<Order> = fc.record({
  schema: fc.constant(1 as const),
  id: name,
  kind: fc.constantFrom(...ORDER_KINDS),
  parent: fc.record({ kind: fc.constantFrom('rollout' as const, 'schedule' as const, 'request' as const), id: text }),
  clusterId: text,
  clusterUid: text,
  attempt: count,
  hop: fc.record({ index: count, of: count, from: text, to: text }),
  epoch: at,
  plan: fc.string({ unit: 'grapheme', maxLength: 200 }),
  planDigest: text,
  approvedRungs: fc.array(count, { maxLength: 7 }),
  startBy: at,
  deadline: at,
});

export const commands: fc.Arbitrary<HubCommand> = fc.oneof(
  fc.record({ kind: fc.constant('order' as const), order: orders }),
  fc.record({ kind: fc.constant('confirm' as const), orderId: name, epoch: at }),
  fc.record({ kind: fc.constant('withdraw' as const), orderId: name, epoch: at, reason: reasons }),
  fc.record({ kind: fc.constant('goAway' as const), reason: reasons, retryAfterMs: count }),
);
