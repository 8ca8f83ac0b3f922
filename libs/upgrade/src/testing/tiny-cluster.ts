import { reason, type FetchedNode, type Reason } from '@wavegate/fleet';
import type { StepEvidence } from '../journal-changes.js';
import type { Observed, ObservedNode } from '../observed.js';
import type { Step } from '../step.js';

/** A node of the tiny cluster; times in epoch ms. */
interface TinyNode {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly zone: string;
  labels: Readonly<Record<string, string>>;
  kubelet: string;
  components: string;
  etcd: string;
  /** Two-step upgrade: the minor that the components behave as. */
  emulates: string | null;
  cordonedBy: string | null;
  pods: number;
  readyFrom: number;
  podsReadyFrom: number;
}

/** The node loses its power during the step, which leaves no word: nothing changed yet · etcd new alone · all done. */
type PowerCut = 'cut before' | 'cut half-way' | 'cut at the end';

/** What goes wrong, per step kind and node ("drainNode/w-2"): each listed result is used up once, in order. */
export type Faults = Record<string, (StepEvidence | 'reverted' | 'blocked' | PowerCut)[]>;

export interface TinySetup {
  readonly controlPlanes?: number;
  readonly workers?: number;
  readonly zones?: number;
  readonly from: string;
  readonly faults?: Faults;
}

const DURATION_MS: Record<Step['kind'], number> = {
  preflight: 5_000,
  validate: 5_000,
  snapshotEtcd: 20_000,
  upgradeControlPlane: 155_000,
  rollbackControlPlane: 60_000,
  stageRestore: 15_000,
  prefetchNode: 60_000,
  drainNode: 18_000,
  upgradeKubelet: 10_000,
  rollbackKubelet: 10_000,
  uncordonNode: 1_000,
  exportManifests: 30_000,
  backupVelero: 120_000,
  restoreVelero: 120_000,
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
      ...{ name, role, zone: `z-${index % zones}`, kubelet: from, components: from, labels: {}, etcd: '3.6.5' },
      ...{ cordonedBy: null, emulates: null, pods: role === 'worker' ? 4 : 1, readyFrom: 0, podsReadyFrom: 0 },
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

  /** From now on: the next such step goes wrong like this. */
  breakNext(step: string, ...faults: Faults[string]): void {
    this.faults[step] = faults;
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
    if (fault === 'reverted') return this.reverted(step, endedAt);
    if (fault === 'cut before' || fault === 'cut half-way' || fault === 'cut at the end') {
      if (fault === 'cut at the end') this.done(step, orderId, endedAt);
      return this.loseItsPower(step, endedAt, fault);
    }
    if (step.kind === 'drainNode' && fault === 'blocked') return this.drain(step.node, orderId, true);
    return typeof fault === 'object' ? fault : this.done(step, orderId, endedAt);
  }

  private reverted(step: Step, endedAt: number): StepEvidence {
    if ('node' in step) this.node(step.node).podsReadyFrom = endedAt - 5_000;
    return { kind: 'failed', reason: failed(step, 'apiserver did not start') };
  }

  private loseItsPower(step: Step, endedAt: number, when: PowerCut): StepEvidence {
    const name = 'node' in step ? step.node : '';
    Object.assign(this.node(name), { readyFrom: endedAt + 40_000, podsReadyFrom: endedAt + 55_000 });
    if (when === 'cut half-way') this.node(name).etcd = '3.6.6';
    const detail = 'The container could not be located when the pod was terminated';
    return { kind: 'failed', reason: reason('step_interrupted', { step: step.name, node: name, detail }) };
  }

  private done(step: Step, orderId: string, endedAt: number): StepEvidence {
    switch (step.kind) {
      case 'preflight':
      case 'validate':
        return { kind: 'succeeded', findings: [] };
      case 'drainNode':
        return this.drain(step.node, orderId, false);
      case 'snapshotEtcd':
        return { kind: 'succeeded', receipt: receipt(step.node, endedAt) };
      case 'upgradeControlPlane':
        this.node(step.node).emulates = step.emulate ?? null;
        return this.kubeadm(step.node, step.to, endedAt);
      case 'rollbackControlPlane':
        this.node(step.node).emulates = null;
        return this.kubeadm(step.node, step.to, endedAt);
      case 'stageRestore':
        return { kind: 'succeeded' };
      case 'prefetchNode':
        return { kind: 'succeeded', fetched: fetchedOn(step.node, step.to) };
      case 'upgradeKubelet':
      case 'rollbackKubelet':
        return this.kubelet(step.node, step.to, endedAt);
      case 'uncordonNode':
        Object.assign(this.node(step.node), { cordonedBy: null, pods: 4 });
        return { kind: 'succeeded' };
      case 'exportManifests':
        return { kind: 'succeeded', receipt: { ...receipt('', endedAt), backup: 'manifests', path: step.archive } };
      case 'backupVelero':
        return { kind: 'succeeded', receipt: { ...receipt('', endedAt), backup: 'velero', path: step.backup } };
      case 'restoreVelero':
        return { kind: 'succeeded', findings: [] };
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

const fetchedOn = (node: string, version: string): FetchedNode => ({
  ...{ node, version, packages: `/var/lib/wavegate/packages/${version}`, images: 7, freeMib: 40_000 },
});

function observed(node: TinyNode, at: number): ObservedNode {
  const pod = { version: node.components, ready: node.podsReadyFrom <= at, since: Math.min(node.podsReadyFrom, at) };
  const etcd = { ...pod, version: node.etcd };
  const own = node.emulates === null ? pod : { ...pod, emulates: node.emulates };
  const pods = { 'kube-apiserver': own, 'kube-controller-manager': own, 'kube-scheduler': own, etcd };
  return {
    ...{ name: node.name, role: node.role, zone: node.zone, kubelet: node.kubelet, uid: `uid-${node.name}` },
    labels: node.labels,
    ready: node.readyFrom <= at,
    readySince: Math.min(node.readyFrom, at),
    cordoned: node.cordonedBy !== null,
    cordonedBy: node.cordonedBy,
    podsToEvict: node.pods,
    staticPods: node.role === 'controlPlane' ? pods : {},
  };
}
