import { reason, type Reason } from '@wavegate/fleet';
import type { StepEvidence } from '../journal-changes.js';
import type { Observed, ObservedNode } from '../observed.js';
import type { Step } from '../step.js';

/** A node of the tiny cluster; times in epoch ms. */
interface TinyNode {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly zone: string;
  kubelet: string;
  components: string;
  cordonedBy: string | null;
  pods: number;
  readyFrom: number;
  podsReadyFrom: number;
}

/** What goes wrong, per step kind and node ("drainNode/w-2"): each listed result is used up once, in order. */
export type Faults = Record<string, (StepEvidence | 'reverted' | 'blocked')[]>;

export interface TinySetup {
  readonly controlPlanes?: number;
  readonly workers?: number;
  readonly zones?: number;
  readonly from: string;
  readonly faults?: Faults;
}

const DURATION_MS: Record<Step['kind'], number> = {
  preflight: 5_000,
  snapshotEtcd: 20_000,
  upgradeControlPlane: 155_000,
  drainNode: 18_000,
  upgradeKubelet: 10_000,
  rollbackKubelet: 10_000,
  uncordonNode: 1_000,
};

/**
 * A cluster that behaves as real ones were seen to: kubeadm takes the single API server away for a while, a new kubelet
 * is Ready before it restarts the static pods, drains block. Each step takes effect at most once per name.
 */
export class TinyCluster {
  readonly nodes: TinyNode[];
  /** Every effect, in order: "upgradeKubelet/w-1". */
  readonly effects: string[] = [];
  readonly uid = 'uid-1';
  etcdHealthy: number | null = null;
  apiAway: readonly [from: number, until: number] | null = null;
  private readonly results = new Map<string, StepEvidence>();
  private readonly faults: Faults;

  constructor({ controlPlanes = 1, workers = 3, zones = 1, from, faults = {} }: TinySetup) {
    this.faults = structuredClone(faults);
    const node = (name: string, role: TinyNode['role'], index: number): TinyNode => ({
      ...{ name, role, zone: `z-${index % zones}`, kubelet: from, components: from },
      ...{ cordonedBy: null, pods: role === 'worker' ? 4 : 1, readyFrom: 0, podsReadyFrom: 0 },
    });
    this.nodes = [
      ...Array.from({ length: controlPlanes }, (_, i) => node(`cp-${i + 1}`, 'controlPlane', i)),
      ...Array.from({ length: workers }, (_, i) => node(`w-${i + 1}`, 'worker', i)),
    ];
  }

  node(name: string): TinyNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new RangeError(`no node ${name}`);
    return found;
  }

  /** Carries a step out; the same name again adopts the earlier result. Returns when it ended. */
  carryOut(step: Step, orderId: string, at: number): { readonly evidence: StepEvidence; readonly endedAt: number } {
    const known = this.results.get(step.name);
    const endedAt = at + DURATION_MS[step.kind];
    if (known) return { evidence: known, endedAt };
    this.effects.push(step.name);
    const evidence = this.effect(step, orderId, endedAt);
    this.results.set(step.name, evidence);
    return { evidence, endedAt };
  }

  observe(at: number): Observed {
    const members = this.nodes.filter(({ role }) => role === 'controlPlane');
    const reachable = !(this.apiAway && at >= this.apiAway[0] && at < this.apiAway[1]);
    const since = reachable ? (this.apiAway && at >= this.apiAway[1] ? this.apiAway[1] : 0) : this.apiAway![0];
    const healthy = this.etcdHealthy ?? members.filter(({ podsReadyFrom }) => podsReadyFrom <= at).length;
    return {
      at,
      uid: this.uid,
      reachable,
      reachableSince: since,
      nodes: this.nodes.map((node) => observed(node, at)),
      etcd: { members: members.length, healthy },
    };
  }

  private effect(step: Step, orderId: string, endedAt: number): StepEvidence {
    const fault = this.faults[`${step.kind}/${'node' in step ? step.node : 'cluster'}`]?.shift();
    if (fault === 'reverted') return { kind: 'failed', reason: failed(step, 'apiserver did not start') };
    if (step.kind === 'drainNode') return this.drain(step.node, orderId, fault === 'blocked');
    if (typeof fault === 'object') return fault;
    switch (step.kind) {
      case 'preflight':
        return { kind: 'succeeded', findings: [] };
      case 'snapshotEtcd':
        return { kind: 'succeeded', receipt: receipt(step.node, endedAt) };
      case 'upgradeControlPlane':
        return this.kubeadm(step.node, step.to, endedAt);
      case 'upgradeKubelet':
      case 'rollbackKubelet':
        return this.kubelet(step.node, step.to, endedAt);
      case 'uncordonNode':
        Object.assign(this.node(step.node), { cordonedBy: null, pods: 4 });
        return { kind: 'succeeded' };
    }
  }

  private drain(name: string, orderId: string, blocked: boolean): StepEvidence {
    Object.assign(this.node(name), { cordonedBy: orderId, pods: blocked ? 1 : 0 });
    if (!blocked) return { kind: 'succeeded' };
    return { kind: 'failed', reason: reason('drain_timed_out', { node: name, pod: 'payments/cart-1', pdb: 'cart' }) };
  }

  private kubeadm(name: string, to: string, endedAt: number): StepEvidence {
    Object.assign(this.node(name), { components: to, podsReadyFrom: endedAt });
    const single = this.nodes.filter(({ role }) => role === 'controlPlane').length === 1;
    if (single) this.apiAway = [endedAt - 45_000, endedAt + 10_000];
    return { kind: 'succeeded' };
  }

  /** Ready at once; the static pods restart twelve seconds later. */
  private kubelet(name: string, to: string, endedAt: number): StepEvidence {
    const node = this.node(name);
    Object.assign(node, { kubelet: to, readyFrom: endedAt });
    if (node.role === 'controlPlane') node.podsReadyFrom = endedAt + 12_000;
    return { kind: 'succeeded' };
  }
}

const failed = (step: Step, detail: string): Reason =>
  reason('step_failed', { step: step.kind, node: 'node' in step ? step.node : '', detail });

const receipt = (node: string, takenAt: number) => ({
  ...{ node, path: '/var/backups/snapshot.db', sha256: 'ab', revision: 7, totalKeys: 900, sizeBytes: 1 },
  ...{ takenAt, verified: 'restore' as const },
});

function observed(node: TinyNode, at: number): ObservedNode {
  const pod = { version: node.components, ready: node.podsReadyFrom <= at, since: Math.min(node.podsReadyFrom, at) };
  const etcd = { ...pod, version: '3.6.5' };
  const pods = { 'kube-apiserver': pod, 'kube-controller-manager': pod, 'kube-scheduler': pod, etcd };
  return {
    ...{ name: node.name, role: node.role, zone: node.zone, kubelet: node.kubelet },
    ready: node.readyFrom <= at,
    readySince: Math.min(node.readyFrom, at),
    cordoned: node.cordonedBy !== null,
    cordonedBy: node.cordonedBy,
    podsToEvict: node.pods,
    staticPods: node.role === 'controlPlane' ? pods : {},
  };
}
