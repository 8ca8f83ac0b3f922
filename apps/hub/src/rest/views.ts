import {
  describeOutcome,
  describeReason,
  type ClusterFacts,
  type Outcome,
  type Progress,
  type Reason,
} from '@wavegate/fleet';
import type { GateResult, Rollout, RolloutCluster, RolloutHead, WaveState } from '@wavegate/rollout';
import type { z } from 'zod';
import type * as shapes from './shapes.js';

/** Domain words → what the API shows. The only place where epoch milliseconds become ISO text and reasons become sentences. */

export function toTime(at: number): string {
  return new Date(at).toISOString();
}

export function toTimeOrNull(at: number | null): string | null {
  return at === null ? null : toTime(at);
}

export function toReasonView(reason: Reason): z.infer<typeof shapes.ReasonShape> {
  return { code: reason.code, params: { ...reason.params }, text: describeReason(reason) };
}

export function toOutcomeView(outcome: Outcome): z.infer<typeof shapes.OutcomeShape> {
  return {
    kind: outcome.kind,
    text: describeOutcome(outcome),
    reason: 'reason' in outcome ? toReasonView(outcome.reason) : null,
    rung: outcome.kind === 'rolledBack' ? outcome.rung : null,
    returned: outcome.kind === 'rolledBack' ? [...outcome.extent.returned] : [],
    stays: outcome.kind === 'rolledBack' ? [...outcome.extent.stays] : [],
    cordoned: 'cordoned' in outcome ? [...outcome.cordoned] : [],
    standing: 'standing' in outcome ? { ...outcome.standing } : {},
    fetched: 'fetched' in outcome ? (outcome.fetched ?? []).map((node) => ({ ...node })) : [],
  };
}

export function toGateView(gate: GateResult): z.infer<typeof shapes.GateShape> {
  return { gate: gate.gate, answer: gate.answer, reason: toReasonView(gate.reason), until: toTimeOrNull(gate.until) };
}

export function toWaveView(wave: WaveState): z.infer<typeof shapes.WaveShape> {
  const { index, share, size, phase, waiting, inFlight, upgraded, failures, skipped, lost, tolerated, allowed } = wave;
  const counters = { waiting, inFlight, upgraded, failures, skipped, lost, tolerated, allowed };
  return { index, share, size, phase, since: toTime(wave.since), ...counters, gates: wave.gates.map(toGateView) };
}

export function toRolloutView(head: RolloutHead): z.infer<typeof shapes.RolloutShape> {
  const sum = (count: (wave: WaveState) => number): number =>
    head.waves.reduce((total, wave) => total + count(wave), 0);
  const target = (JSON.parse(head.plan) as { spec: { target: { kubernetes: string } } }).spec.target.kubernetes;
  return {
    id: head.id,
    name: head.name,
    planDigest: head.planDigest,
    target,
    state: head.state,
    reason: toReasonView(head.reason),
    since: toTime(head.since),
    startedBy: head.startedBy,
    startedAt: toTime(head.startedAt),
    finishedAt: toTimeOrNull(head.finishedAt),
    currentWave: head.currentWave,
    maxInFlight: head.maxInFlight,
    size: sum((wave) => wave.size),
    done: sum((wave) => wave.size - wave.waiting - wave.inFlight),
    waves: head.waves.map(toWaveView),
    wakeAt: toTimeOrNull(head.wakeAt),
    asks: head.asks && toReasonView(head.asks),
  };
}

/** What else the screens show of a rollout's cluster: seen now, not decided about. */
export interface SeenNow {
  readonly facts: ClusterFacts | null;
  readonly connected: boolean;
  readonly progress: Progress | null;
}

export function toRolloutClusterView(row: RolloutCluster, seen: SeenNow): z.infer<typeof shapes.RolloutClusterShape> {
  const hop = row.hops[row.hop - 1];
  const working = row.phase === 'upgrading' || row.phase === 'rollingBack' || row.phase === 'lost';
  return {
    id: row.clusterId,
    name: row.clusterName,
    wave: row.wave,
    position: row.position,
    phase: row.phase,
    reason: toReasonView(row.reason),
    since: toTime(row.since),
    attempt: row.attempt,
    hop: hop ? `${hop.from} → ${hop.to} (${hop.index} of ${hop.of})` : '',
    versions: versionsText(seen.facts),
    connected: seen.connected,
    // The progress of an ended order says nothing about now.
    progress: working && seen.progress?.orderId === row.orderId ? toProgressView(seen.progress) : null,
    outcome: row.outcome && toOutcomeView(row.outcome),
  };
}

function toProgressView(progress: Progress): NonNullable<z.infer<typeof shapes.RolloutClusterShape>['progress']> {
  const { phase, nodesDone, nodesTotal } = progress;
  return { phase, reason: toReasonView(progress.reason), since: toTime(progress.since), nodesDone, nodesTotal };
}

/** "1.35.4 / 1.34.4 ×3, 1.35.4 ×1": control plane, then the nodes' kubelets, oldest first. */
export function versionsText(facts: ClusterFacts | null): string {
  if (!facts) return 'unknown';
  const counts = new Map<string, number>();
  for (const node of facts.nodes) counts.set(node.kubelet, (counts.get(node.kubelet) ?? 0) + 1);
  const nodes = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([version, count]) => `${version} ×${count}`);
  return `${[...new Set(facts.apiServers)].sort().join('+')} / ${nodes.join(', ')}`;
}

export function findByNameOrId(rollout: Rollout, wanted: string): RolloutCluster | undefined {
  const byId = rollout.clusters.get(wanted);
  if (byId) return byId;
  for (const row of rollout.clusters.values()) if (row.clusterName === wanted) return row;
  return undefined;
}
