import { reason, type Reason } from '@wavegate/fleet';
import { approvalGate } from './gates/approval.js';
import { budgetGate } from './gates/budget.js';
import { CalendarLook } from './gates/calendar.js';
import { soakGate, waveSoakMs } from './gates/soak.js';
import { IndexedClusters } from './indexed-clusters.js';
import { viewOf, type PlanView } from './plan-view.js';
import type { GateResult, Rollout, RolloutCluster, WaveState } from './rollout.js';
import { rollbackHold } from './rollback.js';
import { ownHold, slotReason } from './start-hold.js';
import { isPendingRollback } from './cluster-standing.js';

/** What moves a cluster next. */
export type Next =
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'person'; readonly reason: Reason }
  | { readonly kind: 'agent'; readonly orderId: string; readonly since: number }
  /** Other clusters of the rollout come first: of its wave, of an earlier wave, or of an earlier ring. */
  | { readonly kind: 'clusters'; readonly waves: readonly number[] }
  | { readonly kind: 'nothing' };

export interface Explanation {
  readonly clusterId: string;
  /** Why the cluster stands as it stands, at `at`; fresher than the row's own reason. */
  readonly sentenceReason: Reason;
  readonly since: number;
  readonly gates: readonly GateResult[];
  readonly next: Next;
}

/** The question people really ask: why does this cluster not move, and what would move it? Null for a stranger. */
export function explain(rollout: Rollout, clusterId: string, at: number): Explanation | null {
  const row = rollout.clusters.get(clusterId);
  if (!row) return null;
  const gates = clusterGates(rollout, row, at);
  const why = reasonNow(rollout, row, at);
  return { clusterId, sentenceReason: why, since: row.since, gates, next: nextOf(rollout, row, why, gates) };
}

/**
 * The reason of a row as it is now. `decide` writes reasons only to clusters next in line (bytes per event must not
 * grow with the fleet); every list that shows waiting clusters asks here. For one cluster: one pass over the rows at
 * most, for a list give the same `look`.
 */
export function reasonNow(rollout: Rollout, row: RolloutCluster, at: number, look = lookAt(rollout, at)): Reason {
  const { head } = rollout;
  if (row.phase !== 'waiting' || row.outcome !== null) return rollbackReason(row, look);
  if (head.state !== 'running') return head.reason;
  const wave = head.waves[row.wave - 1];
  if (!wave || wave.openedAt === null) return waveReason(head.waves, head.currentWave, wave);
  const world = { view: look.view, at, wave: (index: number) => head.waves[index - 1] };
  const hold = ownHold(world, row, look);
  return hold?.reason ?? slotReason(look.view, head);
}

/** What is said of a row that does not wait for its start; a rollback that was asked for may wait for its window. */
function rollbackReason(row: RolloutCluster, { view, calendar }: Look): Reason {
  const hold = isPendingRollback(row) ? rollbackHold(view, calendar, row.labels) : null;
  return hold?.reason ?? row.reason;
}

export interface Look {
  readonly view: PlanView;
  readonly calendar: CalendarLook;
  readonly barrier: number;
}

/** What `reasonNow` needs to know of the whole rollout: taken once for a list. */
export function lookAt(rollout: Rollout, at: number): Look {
  const view = viewOf(rollout.head.plan);
  return { view, calendar: new CalendarLook(view, at), barrier: lowestRing(rollout.clusters) };
}

/** A plain pass: to build an index for one question would cost more. */
function lowestRing(rows: Rollout['clusters']): number {
  if (rows instanceof IndexedClusters) return rows.index.barrier;
  let lowest = Infinity;
  for (const { ring, phase } of rows.values()) if (ring !== null && phase !== 'done' && ring < lowest) lowest = ring;
  return lowest;
}

/** The wave next in line says what its gates say; a later one just waits for its turn. */
function waveReason(waves: readonly WaveState[], current: number, wave: WaveState | undefined): Reason {
  const index = wave?.index ?? current;
  const gating = waves[current - 1];
  const closing = index === current + 1 && gating?.phase === 'soaking';
  const shut = index === current || closing ? gating?.gates.find(({ answer }) => answer !== 'pass') : undefined;
  return shut?.reason ?? reason('waiting_for_wave', { wave: Math.max(current, index - 1) });
}

/** The gates that stand before this cluster's start, all of them. Soak and verdict are those of the wave before. */
function clusterGates({ head, clusters }: Rollout, row: RolloutCluster, at: number): GateResult[] {
  const view = viewOf(head.plan);
  const { window, freeze } = new CalendarLook(view, at).of(row.labels);
  const wave = head.waves[row.wave - 1];
  const before = head.waves[row.wave - 2];
  const found = [budgetGate(head.waves), window, freeze];
  if (wave) found.push(wave.openedAt === null ? approvalGate(view, head.waves, wave) : passed('approval'));
  if (before) {
    const verdict = before.gates.find(({ gate }) => gate === 'verdict');
    found.push(soakGate(before, waveSoakMs(view, clusters.values(), before.index), at), verdict ?? passed('verdict'));
  }
  return found;
}

function passed(gate: GateResult['gate']): GateResult {
  return { gate, answer: 'pass', reason: reason('gate_not_asked'), until: null };
}

function nextOf(rollout: Rollout, row: RolloutCluster, why: Reason, gates: readonly GateResult[]): Next {
  if (row.phase === 'done') return { kind: 'nothing' };
  if (row.phase === 'lost') return { kind: 'person', reason: row.reason };
  if (row.phase !== 'waiting' && row.orderId !== null) return { kind: 'agent', orderId: row.orderId, since: row.since };
  return nextStart(rollout, row, why, gates);
}

function nextStart({ head }: Rollout, row: RolloutCluster, why: Reason, gates: readonly GateResult[]): Next {
  if (head.state === 'aborted') return { kind: 'nothing' };
  if (head.state !== 'running') return { kind: 'person', reason: head.reason };
  const gate = gates.find(({ answer, reason: said }) => answer !== 'pass' && said.code === why.code);
  if (gate) return gate.until === null ? { kind: 'person', reason: gate.reason } : { kind: 'wake', at: gate.until };
  const until = why.params['until'];
  if (why.code === 'offline_waiting' && typeof until === 'number') return { kind: 'wake', at: until };
  const waves = head.waves.filter((wave) => wave.index <= row.wave && wave.phase !== 'passed');
  return { kind: 'clusters', waves: waves.map(({ index }) => index) };
}
