import {
  ORDER_KINDS,
  REASON_CODES,
  UPGRADE_PHASES,
  type AgentReport,
  type ClusterFacts,
  type DrainProgress,
  type Finding,
  type HubCommand,
  type Order,
  type OrderArgs,
  type Outcome,
  type Reason,
  type ReasonCode,
  type Receipt,
  type Rung,
  type GaugeEvidence,
  type SliComparison,
  type SliEvidence,
  type Verdict,
} from '@wavegate/fleet';
import { arbitrarySamples } from './arbitrary-samples.js';
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
    fc.record(
      {
        ...{ name, kubelet: text, ready: fc.boolean(), schedulable: fc.boolean(), zone: text, uid: name },
        reserved: fc.constant(true as const),
        role: fc.constantFrom('controlPlane' as const, 'worker' as const),
      },
      { requiredKeys: ['name', 'role', 'kubelet', 'ready', 'schedulable', 'zone'] },
    ),
    { maxLength: 5 },
  ),
  pdbCount: count,
  provider: text,
  observedAt: at,
});

const RECEIPT = ['node', 'path', 'sha256', 'revision', 'totalKeys', 'sizeBytes', 'takenAt', 'verified'] as const;
const receipts: fc.Arbitrary<Receipt> = fc.record(
  {
    ...{ node: text, path: text, sha256: text, revision: at, totalKeys: at, sizeBytes: at, takenAt: at },
    backup: fc.constantFrom('etcd' as const, 'velero' as const, 'manifests' as const),
    verified: fc.constantFrom('restore' as const, 'status' as const),
    checks: fc.array(text, { minLength: 1, maxLength: 3 }),
    encryptedTo: fc.array(text, { minLength: 1, maxLength: 2 }),
    provenAt: at.filter((moment) => moment > 0),
  },
  { requiredKeys: [...RECEIPT] },
);

const fetched = fc.array(fc.record({ node: name, version: text, packages: text, images: count, freeMib: at }), {
  minLength: 1,
  maxLength: 2,
});

export const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('upgraded' as const), standing }),
  fc.record(
    {
      kind: fc.constant('rolledBack' as const),
      rung: fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Rung>,
      extent: fc.record({ returned: fc.array(text), stays: fc.array(text) }),
      ...{ reason: reasons, standing, judged: reasons },
    },
    { requiredKeys: ['kind', 'rung', 'extent', 'reason', 'standing'] },
  ),
  fc.record(
    {
      ...{ kind: fc.constant('halted' as const), reason: reasons, standing, cordoned: fc.array(text) },
      fetched,
    },
    { requiredKeys: ['kind', 'reason', 'standing', 'cordoned'] },
  ),
  fc.record({ kind: fc.constant('skipped' as const), reason: reasons }),
  fc.record(
    {
      ...{ kind: fc.constant('completed' as const), standing, cordoned: fc.array(text), fetched },
      receipts: fc.array(receipts, { maxLength: 2 }),
    },
    { requiredKeys: ['kind', 'standing', 'cordoned', 'receipts'] },
  ),
);

const compared = {
  ...{ baselinePeriods: count, before: number, now: number, overdispersion: number, evidence: number },
  ...{ evidenceNeeded: number, atMost: number, allowed: number, peers: count },
};
const comparisons: fc.Arbitrary<SliComparison> = fc.oneof(
  fc.record(compared),
  fc.record({ ...compared, week: fc.record({ weeks: fc.constantFrom(1, 2), rise: number }) }),
);

const slis: fc.Arbitrary<SliEvidence> = fc.record(
  {
    name: text,
    decisive: fc.boolean(),
    periods: count,
    bad: number,
    total: number,
    missing: count,
    consumed: number,
    burn: number,
    state: fc.constantFrom('good' as const, 'burning' as const, 'noData' as const, 'tooFew' as const),
    comparison: comparisons,
    queries: fc.record({ bad: text, total: text }),
    causes: fc.dictionary(name, number, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: ['name', 'decisive', 'periods', 'bad', 'total', 'missing', 'consumed', 'burn', 'state'] },
);

const gauges: fc.Arbitrary<GaugeEvidence> = fc.record(
  {
    ...{ name: text, before: number, now: number, p: number, effect: number, query: text },
    state: fc.constantFrom('same' as const, 'higher' as const, 'lower' as const, 'tooFew' as const),
  },
  { requiredKeys: ['name', 'before', 'now', 'p', 'effect', 'state'] },
);

export const verdicts: fc.Arbitrary<Verdict> = fc.record(
  {
    schema: fc.constant(1 as const),
    kind: fc.constantFrom('promote' as const, 'hold' as const, 'rollback' as const, 'inconclusive' as const),
    period: fc.option(fc.integer({ min: 1, max: 1000 })),
    reasons: fc.array(reasons, { maxLength: 3 }),
    slis: fc.array(slis, { maxLength: 3 }),
    gauges: fc.array(gauges, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['schema', 'kind', 'period', 'reasons', 'slis'] },
);

const findings: fc.Arbitrary<Finding> = fc.record(
  {
    code: name,
    severity: fc.constantFrom('block' as const, 'warn' as const, 'info' as const),
    object: text,
    message: text,
    remedy: text,
    owner: text,
    phase: fc.constant('after' as const),
    pods: fc.array(fc.record({ pod: name, node: name, pdb: text }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['code', 'severity', 'object', 'message', 'remedy', 'owner'] },
);

const phase = fc.constantFrom(...UPGRADE_PHASES);
const samples = arbitrarySamples({ name, text, at, count, reasons });

const drains: fc.Arbitrary<DrainProgress> = fc.record({
  node: name,
  counts: fc.record({ kept: count, queued: count, evicting: count, blocked: count, terminating: count, gone: count }),
  waits: fc.array(
    fc.record({
      ...{ pod: name, pdb: text, detail: text, owner: text, since: at },
      state: fc.constantFrom('blocked' as const, 'terminating' as const, 'evicting' as const),
    }),
    { maxLength: 3 },
  ),
});

export const reports: fc.Arbitrary<AgentReport> = fc.oneof(
  fc.record({ kind: fc.constant('facts' as const), facts }),
  fc.record({ kind: fc.constant('orderAccepted' as const), orderId: name, epoch: at }),
  fc.record({ kind: fc.constant('orderRefused' as const), orderId: name, reason: reasons }),
  fc.record({ kind: fc.constant('orderWithdrawn' as const), orderId: name, started: fc.boolean() }),
  fc.record({
    kind: fc.constant('progress' as const),
    progress: fc.record(
      {
        ...{ orderId: name, phase, reason: reasons, since: at, nodesDone: count, nodesTotal: count },
        drains: fc.array(drains, { minLength: 1, maxLength: 2 }),
        samples: samples.judged,
      },
      { requiredKeys: ['orderId', 'phase', 'reason', 'since', 'nodesDone', 'nodesTotal'] },
    ),
  }),
  fc.record({ kind: fc.constant('findings' as const), orderId: name, findings: fc.array(findings, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('receipt' as const), orderId: name, receipt: receipts }),
  fc.record(
    { kind: fc.constant('verdict' as const), orderId: name, phase, verdict: verdicts, samples: samples.judged },
    { requiredKeys: ['kind', 'orderId', 'phase', 'verdict'] },
  ),
  fc.record({ kind: fc.constant('samples' as const), samples: samples.measured }),
  fc.record({ kind: fc.constant('outcome' as const), orderId: name, epoch: at, outcome: outcomes }),
);

const args: fc.Arbitrary<OrderArgs> = fc.oneof(
  fc.record(
    { kind: fc.constant('preflight' as const), only: fc.constant('objectives' as const) },
    { requiredKeys: ['kind'] },
  ),
  fc.record(
    { kind: fc.constant('drain' as const), node: text, nodeUid: text, uncordonAfter: fc.constant(true) },
    { requiredKeys: ['kind', 'node', 'nodeUid'] },
  ),
  fc.record(
    {
      ...{ kind: fc.constant('backup' as const), selector: text, ttlMs: at, name: text },
      what: fc.constantFrom('etcd' as const, 'velero' as const, 'manifests' as const),
      namespaces: fc.array(text, { maxLength: 3 }),
      prove: fc.constant('latest' as const),
    },
    { requiredKeys: ['kind', 'selector', 'ttlMs', 'name', 'what', 'namespaces'] },
  ),
  fc.record({
    ...{ kind: fc.constant('restore' as const), from: text, preview: fc.boolean() },
    namespaceMapping: fc.dictionary(name.filter(notProto), text, { maxKeys: 3 }).map(plain),
  }),
  fc.record({ kind: fc.constant('prefetch' as const), nodes: fc.array(text, { maxLength: 3 }) }),
);

const orderWords = {
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
  args,
  labels: fc.dictionary(name.filter(notProto), text, { maxKeys: 3 }).map(plain),
};
const { args: _args, labels: _labels, ...alwaysThere } = orderWords;
const requiredWords = Object.keys(alwaysThere) as (keyof typeof alwaysThere)[];
export const orders: fc.Arbitrary<Order> = fc.record(orderWords, { requiredKeys: requiredWords });

export const commands: fc.Arbitrary<HubCommand> = fc.oneof(
  fc.record({ kind: fc.constant('order' as const), order: orders }),
  fc.record({ kind: fc.constant('confirm' as const), orderId: name, epoch: at }),
  fc.record({ kind: fc.constant('withdraw' as const), orderId: name, epoch: at, reason: reasons }),
  fc.record({ kind: fc.constant('measure' as const), request: samples.request }),
  fc.record({ kind: fc.constant('controls' as const), controls: samples.controls }),
  fc.record({ kind: fc.constant('goAway' as const), reason: reasons, retryAfterMs: count }),
);
