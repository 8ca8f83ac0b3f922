import type { ClusterFacts } from '@wavegate/fleet';
import { canonicalText, orderId, reason, sha256Hex } from '@wavegate/fleet';
import type { Rollout, RolloutAction, RolloutCluster, RolloutHead } from '@wavegate/rollout';

/** A rollout as rows, for tests of those who keep rows: small, valid, and nothing about it decides. */
export function sampleRollout(id: string, clusterIds: readonly string[], at: number): Rollout {
  const plan = canonicalText({ name: `plan of ${id}` });
  const head: RolloutHead = {
    schema: 1,
    id,
    name: `k135-${id}`,
    planDigest: sha256Hex(plan),
    plan,
    state: 'running',
    reason: reason('gate_passed'),
    since: at,
    startedBy: 'ada',
    startedAt: at,
    finishedAt: null,
    at,
    currentWave: 1,
    maxInFlight: 10,
    waves: [],
    wakeAt: null,
    asks: null,
  };
  const clusters = clusterIds.map(
    (clusterId, position) => [clusterId, sampleCluster(clusterId, position, at)] as const,
  );
  return { head, clusters: new Map(clusters) };
}

export function sampleCluster(clusterId: string, position: number, at: number): RolloutCluster {
  return {
    clusterId,
    clusterName: `name-${clusterId}`,
    clusterUid: `uid-${clusterId}`,
    labels: { env: 'dev' },
    wave: 1,
    position,
    ring: null,
    hops: [{ index: 1, of: 1, from: '1.34.4', to: '1.35.4' }],
    phase: 'waiting',
    reason: reason('waiting_for_wave', { wave: 1 }),
    since: at,
    attempt: 1,
    hop: 1,
    orderId: null,
    offlineSince: at,
    outcome: null,
    nodes: 3,
  };
}

export function sampleFacts(uid: string, at: number): ClusterFacts {
  return {
    schema: 1,
    uid,
    driver: 'simulated',
    apiServers: ['1.34.4'],
    nodes: [],
    pdbCount: 0,
    provider: '',
    observedAt: at,
  };
}

export function sendOrderFor(rolloutId: string, clusterId: string, at: number, attempt = 1): SendOrder {
  return {
    kind: 'sendOrder',
    orderId: orderId({ kind: 'rollout', id: rolloutId }, clusterId, attempt, 'upgrade', 1),
    orderKind: 'upgrade',
    clusterId,
    clusterUid: `uid-${clusterId}`,
    attempt,
    hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' },
    approvedRungs: [],
    startBy: at + 600_000,
    deadline: at + 3_600_000,
  };
}

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;
