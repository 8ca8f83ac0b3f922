import { freezeState, windowState, type Plan } from '@wavegate/fleet';
import { soakMsOf, viewOfPlan, approvalsNeeded, type PlanView } from './plan-view.js';
import type { Planned, PlannedCluster } from './plan.js';
import type { PlannedWave } from './waves.js';

/**
 * What a hop costs, roughly, on kubeadm clusters: measured figures replace these once a fleet has a history. They are
 * for the preview only; no decision reads them.
 */
export const ESTIMATE = {
  /** Preflight, backup with a checked restore, control plane. */
  perHopMs: 20 * 60_000,
  /** Drain and upgrade one worker. */
  perNodeMs: 6 * 60_000,
} as const;

export interface WaveEstimate {
  readonly index: number;
  readonly share: string;
  readonly clusters: number;
  readonly nodes: number;
  readonly hops: { readonly least: number; readonly most: number };
  /** Epoch ms; null where a window never opens again. Approvals and verdicts are taken to come at once. */
  readonly startsAt: number | null;
  /** End of the last cluster, before the soak. */
  readonly endsAt: number | null;
  readonly soakMs: number;
  readonly approvals: number;
  readonly windows: boolean;
}

/** One cluster's duration, from its nodes and hops. Judging is counted: the agent keeps its slot meanwhile. */
export function clusterMs({ hops, nodes }: PlannedCluster, judgeMs: number): number {
  return hops.length * (ESTIMATE.perHopMs + nodes * ESTIMATE.perNodeMs + judgeMs);
}

/**
 * When each wave would begin and end if all went well: clusters in their order over `maxInFlight` slots, each start
 * moved to its next opening, rings as barriers, then the soak. A cluster whose window closes while it runs is let
 * finish, as in a real rollout.
 */
export function estimate(plan: Plan, planned: Planned, maxInFlight: number, at: number): WaveEstimate[] {
  const view = viewOfPlan(plan);
  const byId = new Map(planned.taking.map((cluster) => [cluster.clusterId, cluster]));
  let ready: number | null = at;
  let shareBefore: string | null = null;
  return planned.waves.map((wave) => {
    const clusters = wave.clusterIds.map((id) => byId.get(id)).filter((cluster) => cluster !== undefined);
    const { startsAt, endsAt } = runWave(view, clusters, maxInFlight, ready);
    const soakMs = Math.max(0, ...clusters.map(({ labels }) => soakMsOf(view, labels)));
    ready = endsAt === null ? null : endsAt + soakMs;
    const approvals = approvalsNeeded(view, wave.share, shareBefore);
    shareBefore = wave.share;
    return {
      ...figures(wave, clusters),
      startsAt,
      endsAt,
      soakMs,
      approvals,
      windows: view.spec.gates.windows.length > 0,
    };
  });
}

function figures({ index, share }: PlannedWave, clusters: readonly PlannedCluster[]) {
  const hops = clusters.map((cluster) => cluster.hops.length);
  const nodes = clusters.reduce((sum, cluster) => sum + cluster.nodes, 0);
  return {
    index,
    share,
    clusters: clusters.length,
    nodes,
    hops: { least: Math.min(...hops), most: Math.max(...hops) },
  };
}

function runWave(
  view: PlanView,
  clusters: readonly PlannedCluster[],
  maxInFlight: number,
  ready: number | null,
): { startsAt: number | null; endsAt: number | null } {
  if (ready === null) return { startsAt: null, endsAt: null };
  const slots = Array.from({ length: maxInFlight }, () => ready);
  let [startsAt, endsAt]: [number | null, number] = [null, ready];
  let ring: number | null = null;
  for (const cluster of clusters) {
    // A ring's first cluster waits until every earlier one is through.
    if (cluster.ring !== null && ring !== null && cluster.ring > ring) slots.fill(endsAt);
    ring = cluster.ring ?? ring;
    const slot = slots.indexOf(Math.min(...slots));
    const start = nextOpening(view, cluster, slots[slot] ?? ready);
    if (start === null) return { startsAt, endsAt: null };
    const end = start + clusterMs(cluster, view.judgeWindowMs);
    slots[slot] = end;
    startsAt = Math.min(startsAt ?? start, start);
    endsAt = Math.max(endsAt, end);
  }
  return { startsAt, endsAt };
}

/** Window and freeze may hand over to each other a few times; more often than this is taken for never. */
const HANDOVERS = 50;

function nextOpening({ spec }: PlanView, { labels }: PlannedCluster, at: number): number | null {
  let start = at;
  for (let i = 0; i < HANDOVERS; i += 1) {
    const freeze = freezeState(spec.gates, labels, start);
    const window = windowState(spec.gates, labels, start);
    if (freeze.active && freeze.until !== null) start = freeze.until;
    else if (window.open) return start;
    else if (window.opensAt === null) return null;
    else start = window.opensAt;
  }
  return null;
}
