import { failingShareBound } from '@wavegate/analysis';
import type { Cluster, Plan } from '@wavegate/fleet';
import { matches, requireSelector } from '@wavegate/fleet';
import { resolveCount, toleratedFailures } from '@wavegate/fleet';
import { estimate, type Planned, type PlannedCluster, type PlannedWave } from '@wavegate/rollout';
import type { z } from 'zod';
import type * as shapes from '../rest/shapes.js';
import { toReasonView, toTimeOrNull } from '../rest/views.js';

type PreviewView = z.infer<typeof shapes.PreviewShape>;

export interface PreviewInput {
  readonly plan: Plan;
  readonly digest: string;
  readonly planned: Planned;
  readonly fleet: readonly Cluster[];
  readonly at: number;
}

/** What the plan would do to the fleet as it is now, in numbers and in words. Promises nothing that the ladder cannot keep. */
export function toPreview({ plan, digest, planned, fleet, at }: PreviewInput): PreviewView {
  const byId = new Map(planned.taking.map((cluster) => [cluster.clusterId, cluster]));
  const names = new Map(fleet.map((cluster) => [cluster.id, cluster.name]));
  const maxInFlight = resolveCount(plan.spec.strategy.maxInFlight, planned.taking.length, 'down', 1);
  const estimates = estimate(plan, planned, maxInFlight, at);
  return {
    name: plan.metadata.name,
    digest,
    matched: planned.taking.length + planned.left.length,
    taking: planned.taking.length,
    left: planned.left.map(({ clusterId, reason }) => ({
      cluster: names.get(clusterId) ?? clusterId,
      reason: toReasonView(reason),
    })),
    waves: planned.waves.map((wave, index) => {
      const clusters = wave.clusterIds.map((id) => byId.get(id)).filter((one) => one !== undefined);
      return {
        index: wave.index,
        share: wave.share,
        clusters: clusters.map((cluster) => toPreviewCluster(plan, cluster)),
        nodes: clusters.reduce((sum, cluster) => sum + cluster.nodes, 0),
        startsAt: toTimeOrNull(estimates[index]?.startsAt ?? null),
        endsAt: toTimeOrNull(estimates[index]?.endsAt ?? null),
        gates: gateWords(plan, wave, clusters),
        tolerated: toleratedFailures(plan.spec.strategy.budget, wave.index, wave.clusterIds.length),
      };
    }),
    maxInFlight,
    proves: [...provesWords(planned.waves), ...adaptiveWords(plan)],
    undo: undoWords(plan, planned.taking, fleet),
    warnings: warningWords(planned.taking),
  };
}

function toPreviewCluster(plan: Plan, cluster: PlannedCluster): PreviewView['waves'][number]['clusters'][number] {
  const { canaries } = plan.spec.strategy;
  return {
    name: cluster.clusterName,
    hops: cluster.hops.map((hop) => `${hop.from} → ${hop.to}`),
    nodes: cluster.nodes,
    canary: canaries !== '' && matches(requireSelector(canaries), cluster.labels),
  };
}

function gateWords(plan: Plan, wave: PlannedWave, clusters: readonly PlannedCluster[]): string[] {
  const { gates } = plan.spec;
  const touches = (selector: string): boolean =>
    selector === '' || clusters.some((cluster) => matches(requireSelector(selector), cluster.labels));
  const approvals = gates.approvals.filter((approval) => approval.beforeWave === wave.index);
  const soaks = Object.entries(gates.soak).filter(([key]) => key === 'default' || touches(key));
  return [
    ...approvals.map((approval) => `${approval.count} ${approval.count === 1 ? 'approval' : 'approvals'}`),
    ...(gates.windows.some((window) => touches(window.selector)) ? ['window'] : []),
    ...(gates.freezes.some((freeze) => touches(freeze.selector)) ? ['freeze'] : []),
    ...soaks.map(([key, duration]) => (key === 'default' ? `soak ${duration}` : `soak ${duration} (${key})`)),
  ];
}

/** The bound of analysis.failingShareBound in words, after each wave that adds evidence. */
function provesWords(waves: readonly PlannedWave[]): string[] {
  let clean = 0;
  return waves.slice(0, 3).map((wave) => {
    clean += wave.clusterIds.length;
    const percent = Math.round(failingShareBound(clean) * 100);
    return `After a clean wave ${wave.index} (${clean} ${clean === 1 ? 'cluster' : 'clusters'}): at 95 % confidence, at most ${percent} % of clusters like these fail.`;
  });
}

function adaptiveWords({ spec: { strategy } }: Plan): string[] {
  if (!strategy.adaptive) return [];
  const clusters = strategy.mayLose === 1 ? '1 cluster' : `${strategy.mayLose} clusters`;
  return [
    `Waves are adaptive: none is larger than what the clusters before it prove, so that at most ${clusters} of it fail (95 % confidence). That holds for clusters like those before; another provider, CNI or version is not proven by them.`,
  ];
}

function undoWords(plan: Plan, taking: readonly PlannedCluster[], fleet: readonly Cluster[]): string[] {
  const single = singleControlPlanes(taking, fleet);
  const automatic = plan.spec.rollback.automatic.upTo === 'worker';
  const words = [
    "Before a cluster's control plane is touched: everything. While it is upgraded: kubeadm's own revert of a component that did not start (rung 1).",
    automatic
      ? 'After the control plane is through: worker nodes go back by themselves (rung 2) when an objective burns; the control plane stays at the new version. It comes back only by an etcd restore, with the loss of every write since the snapshot (rung 6, by hand, two persons).'
      : 'After the control plane is through: nothing goes back by itself (rollback.automatic.upTo is not "worker"); the cluster halts for a person.',
  ];
  if (single > 0) {
    const many = single === 1 ? '1 cluster has' : `${single} clusters have`;
    words.push(`${many} one control-plane node: about 2 minutes without API each, counted as declared disruption.`);
  }
  return words;
}

function singleControlPlanes(taking: readonly PlannedCluster[], fleet: readonly Cluster[]): number {
  const ids = new Set(taking.map((cluster) => cluster.clusterId));
  const planes = (cluster: Cluster): number =>
    cluster.facts?.nodes.filter((node) => node.role === 'controlPlane').length ?? 0;
  return fleet.filter((cluster) => ids.has(cluster.id) && planes(cluster) === 1).length;
}

function warningWords(taking: readonly PlannedCluster[]): string[] {
  const offline = taking.filter((cluster) => !cluster.connected).map((cluster) => cluster.clusterName);
  if (offline.length === 0) return [];
  const shown = offline.slice(0, 5).join(', ');
  const more = offline.length > 5 ? ` and ${offline.length - 5} more` : '';
  return [`No agent is connected for ${shown}${more}: the offline policy applies to them.`];
}
