import type { ClusterFacts } from './cluster.js';
import { nearestName } from './nearest-name.js';
import type { PlanProblem } from './plan-problem.js';
import { isReason, readPlanText } from './order-problems.js';
import type { Order } from './order.js';
import { backupOf, type Receipt } from './receipt.js';
import { compareVersions, oldestVersion, parseVersion } from './version.js';

export const RECOVERY_SCHEMA = 1;
/** Rungs that persons carry out; the product says who runs what, and verifies afterwards. */
export const RECOVERY_RUNGS = [5, 6] as const;
export type RecoveryRung = (typeof RECOVERY_RUNGS)[number];

/** Different persons who must approve, by rung: rung 6 loses writes. */
export const APPROVALS_NEEDED: Readonly<Record<RecoveryRung, number>> = { 5: 1, 6: 2 };
/** An approval is for the cluster as it was seen; after a day it is another one. */
export const APPROVE_WITHIN_MS = 24 * 3_600_000;

/**
 * A way back that persons run: a node replaced (rung 5), etcd restored (rung 6). Asked for one cluster, approved by as
 * many persons as the rung needs, then told step by step, then verified. What it names is fixed when it is asked.
 */
export interface Recovery {
  readonly schema: typeof RECOVERY_SCHEMA;
  readonly id: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly rung: RecoveryRung;
  /** Rung 5: the node that is replaced, and the UID it had; '' for rung 6. */
  readonly node: string;
  readonly nodeUid: string;
  /** Rung 6: the upgrade order that laid everything on the hosts; '' for rung 5. */
  readonly order: string;
  /** The version that stands afterwards. */
  readonly version: string;
  /** Epoch ms of the newest receipt before the staging: nothing written before it is lost. 0 for rung 5. */
  readonly takenAt: number;
  /** Control-plane nodes, by name. */
  readonly planes: readonly string[];
  /** Rung 6: nodes whose kubelet is newer than `version`, and so newer than the API server that comes back. */
  readonly ahead: readonly string[];
  readonly askedBy: string;
  readonly askedAt: number;
  readonly approvals: readonly { readonly by: string; readonly at: number }[];
  /** Of the cluster's orders when it was approved: the agent takes only newer ones from then on. Null before. */
  readonly epoch: number | null;
  /** The order that looked afterwards; null before. */
  readonly verifiedBy: string | null;
}

export interface RecoveryAsked {
  readonly id: string;
  readonly rung: RecoveryRung;
  readonly node: string;
  readonly cluster: { readonly id: string; readonly name: string; readonly facts: ClusterFacts };
  /** Rung 6: the order that staged the restore, with its receipts; null where there is none. */
  readonly staged: { readonly order: Order; readonly receipts: readonly Receipt[] } | null;
  readonly by: string;
  readonly at: number;
}

export type RecoveryAnswer = Recovery | { readonly problems: readonly PlanProblem[] };

/** The recovery, or why this rung does not apply to the cluster as it was last seen. A rung that cannot apply is not offered. */
export function planRecovery(asked: RecoveryAsked): RecoveryAnswer {
  const { cluster, rung, node, id, by, at } = asked;
  const problem = rung === 5 ? whyNotReplaced(cluster.facts, node) : whyNotRestored(asked);
  if (problem) return { problems: [problem] };
  const planes = planesOf(cluster.facts).map(({ name }) => name);
  return {
    ...{ schema: RECOVERY_SCHEMA, id, clusterId: cluster.id, clusterName: cluster.name, rung },
    ...(rung === 5 ? replaced(cluster.facts, node) : restored(asked)),
    ...{ planes: planes.sort(), askedBy: by, askedAt: at, approvals: [], epoch: null, verifiedBy: null },
  };
}

type OfRung = Pick<Recovery, 'node' | 'nodeUid' | 'order' | 'version' | 'takenAt' | 'ahead'>;

function replaced(facts: ClusterFacts, node: string): OfRung {
  const version = oldestVersion(facts.apiServers)?.text ?? '';
  const nodeUid = facts.nodes.find(({ name }) => name === node)?.uid ?? '';
  return { node, nodeUid, order: '', version, takenAt: 0, ahead: [] };
}

function restored({ staged, cluster }: RecoveryAsked): OfRung {
  const version = staged?.order.hop.from ?? '';
  const ahead = aheadOf(cluster.facts, version);
  return {
    node: '',
    nodeUid: '',
    order: staged?.order.id ?? '',
    version,
    takenAt: takenAt(staged?.receipts ?? []),
    ahead,
  };
}

const planesOf = ({ nodes }: ClusterFacts): ClusterFacts['nodes'] =>
  nodes.filter(({ role }) => role === 'controlPlane');

function whyNotReplaced(facts: ClusterFacts, name: string): PlanProblem | null {
  const node = facts.nodes.find((one) => one.name === name);
  if (!node) {
    const near = nearestName(
      name,
      facts.nodes.map((one) => one.name),
    );
    const detail = `there is no node "${name}"${near ? `; did you mean "${near}"?` : ''}`;
    return { pointer: '/node', code: 'node_unknown', detail };
  }
  const others = facts.nodes.filter(
    (one) => one !== node && one.ready && one.schedulable && (node.reserved === true || one.reserved !== true),
  );
  if (others.length === 0) {
    const detail = `no other node takes pods: what runs on ${name} would have no place. Add a node first`;
    return { pointer: '/node', code: 'last_schedulable_node', detail };
  }
  return node.role === 'controlPlane' ? whyNoQuorum(facts, name) : null;
}

/** While the member is removed the others alone must be a majority of all. */
function whyNoQuorum(facts: ClusterFacts, name: string): PlanProblem | null {
  const planes = planesOf(facts);
  const ready = planes.filter((one) => one.name !== name && one.ready).length;
  const needed = Math.floor(planes.length / 2) + 1;
  if (ready >= needed) return null;
  const detail =
    planes.length === 1
      ? `${name} is the only control-plane node: with it goes etcd. Rung 6 restores it from the snapshot`
      : `${ready} of the ${planes.length - 1} other control-plane nodes are Ready and etcd needs ${needed} of ${planes.length}: mend one of them first, or take rung 6`;
  return { pointer: '/node', code: 'etcd_quorum_at_risk', detail };
}

function whyNotRestored({ staged, cluster }: RecoveryAsked): PlanProblem | null {
  const no = (code: string, detail: string): PlanProblem => ({ pointer: '/order', code, detail });
  if (!staged) {
    return no(
      'nothing_staged',
      'no upgrade order of this cluster laid a restore on its hosts (rollback.stageRestore: true in the plan)',
    );
  }
  const { order, receipts } = staged;
  const plan = readPlanText(order.plan);
  if (order.kind !== 'upgrade' || isReason(plan) || !plan.spec.rollback.stageRestore) {
    return no(
      'nothing_staged',
      `order ${order.id} staged no restore: its plan does not say rollback.stageRestore: true`,
    );
  }
  if (takenAt(receipts) === 0) {
    return no('nothing_staged', `order ${order.id} ended before its snapshot of etcd, so before a restore was staged`);
  }
  if (planesOf(cluster.facts).length > 0) return null;
  return no('control_plane_unknown', 'the agent has reported no control-plane node, so there is no host to name');
}

const takenAt = (receipts: readonly Receipt[]): number =>
  Math.max(0, ...receipts.filter((one) => backupOf(one) === 'etcd').map((one) => one.takenAt));

function aheadOf({ nodes }: ClusterFacts, version: string): string[] {
  const old = parseVersion(version);
  if (!old) return [];
  const isAhead = (kubelet: string): boolean => {
    const found = parseVersion(kubelet);
    return found !== null && compareVersions(found, old) > 0;
  };
  return nodes
    .filter(({ kubelet }) => isAhead(kubelet))
    .map(({ name }) => name)
    .sort();
}

/** Null where the approval counts; else why it does not. The same person twice is one person. */
export function approvalProblem(recovery: Recovery, by: string, at: number): string | null {
  if (recovery.epoch !== null) return `recovery ${recovery.id} is approved already`;
  if (at >= recovery.askedAt + APPROVE_WITHIN_MS) {
    return `recovery ${recovery.id} was asked for more than a day ago: ask again, the cluster is looked at anew`;
  }
  const known = recovery.approvals.some((one) => one.by === by);
  return known ? `${by} has approved already: rung ${recovery.rung} needs another person` : null;
}

export function isApproved({ approvals, rung }: Pick<Recovery, 'approvals' | 'rung'>): boolean {
  return new Set(approvals.map(({ by }) => by)).size >= APPROVALS_NEEDED[rung];
}
