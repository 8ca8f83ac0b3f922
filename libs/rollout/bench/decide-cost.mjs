// What one event costs `decide`, and how many rows it changes, at several fleet sizes. Build first; then
//   node libs/rollout/bench/decide-cost.mjs [clusters …]
import { performance } from 'node:perf_hooks';
import { canonicalText, PlanSchema, sha256Hex } from '@wavegate/fleet';
import { decide, IndexedClusters, plan, startRollout } from '../dist/index.js';

const AT = 1_772_438_400_000;
const sizes = process.argv.slice(2).map(Number);

function fleet(count) {
  return Array.from({ length: count }, (_, i) => {
    const facts = { schema: 1, uid: `u${i}`, driver: 'simulated', apiServers: ['1.34.4'], pdbCount: 0, provider: '' };
    const nodes = [{ name: 'n-1', role: 'controlPlane', kubelet: '1.34.4', ready: true, schedulable: true, zone: '' }];
    const labels = { env: ['dev', 'staging', 'prod'][i % 3], region: `r${i % 5}` };
    return { id: `c-${i}`, name: `c-${i}`, labels, connected: true, facts: { ...facts, nodes, observedAt: AT } };
  });
}

const gates = {
  soak: { default: '30m', 'env=prod': '2h' },
  windows: [{ rrule: 'FREQ=DAILY', start: '09:00', duration: '6h', timeZone: 'Europe/Berlin', selector: 'env=prod' }],
};
const checked = PlanSchema.parse({
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'cost' },
  spec: { target: { kubernetes: '1.35.4' }, strategy: { rings: ['env=dev', 'env=staging', 'env=prod'] }, gates },
});

/** A whole rollout without faults: every order begins and ends a minute later; each event is timed by itself. */
function run(count) {
  const canonical = canonicalText(checked);
  const digest = sha256Hex(canonical);
  const planStart = performance.now();
  const planned = plan(checked, fleet(count), AT);
  const planMs = performance.now() - planStart;
  const first = startRollout({ id: 'r', name: 'r', plan: checked, canonical, digest, planned, by: 'ada', at: AT });
  const clusters = new IndexedClusters(first.head.plan, first.clusters.values());
  let rollout = { head: first.head, clusters };
  const [costs, rows] = [[], []];
  const queue = [{ kind: 'started' }];
  let at = AT;
  while (rollout.head.finishedAt === null) {
    const event = queue.shift() ?? { kind: 'woke' };
    at = event.kind === 'woke' ? Math.max(at, rollout.head.wakeAt ?? at + 60_000) : at + 1000;
    const from = performance.now();
    const decision = decide(rollout, { ...event, at });
    costs.push(performance.now() - from);
    rows.push(decision.clusters.length);
    rollout = { head: decision.head, clusters };
    for (const row of decision.clusters) clusters.set(row.clusterId, row);
    for (const action of decision.actions) queue.push(...answers(action));
  }
  costs.sort((a, b) => a - b);
  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const figure = (ms) => `${ms.toFixed(3)} ms`;
  return {
    clusters: count,
    events: costs.length,
    mean: figure(mean(costs)),
    p50: figure(costs[Math.floor(costs.length * 0.5)]),
    p99: figure(costs[Math.floor(costs.length * 0.99)]),
    max: figure(costs.at(-1)),
    rowsPerEvent: mean(rows).toFixed(2),
    mostRows: Math.max(...rows),
    plan: figure(planMs),
  };
}

function answers(action) {
  if (action.kind === 'judgeWave') {
    return [
      {
        kind: 'waveJudged',
        wave: action.wave,
        verdict: { schema: 1, kind: 'promote', period: 1, reasons: [], slis: [] },
      },
    ];
  }
  if (action.kind !== 'sendOrder') return [];
  const { clusterId, orderId } = action;
  return [
    { kind: 'orderStarted', clusterId, orderId },
    { kind: 'clusterEnded', clusterId, orderId, outcome: { kind: 'upgraded', standing: {} } },
  ];
}

for (const size of sizes.length > 0 ? sizes : [100, 1000, 5000]) {
  console.log(JSON.stringify(run(size)));
}
