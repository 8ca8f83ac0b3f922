import type { Verdict } from '@wavegate/fleet';

/** One node as it stands now. */
export interface ObservedNode {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly zone: string;
  /** kubelet version, no leading v. */
  readonly kubelet: string;
  readonly ready: boolean;
  /** Epoch ms since when Ready has its present value. */
  readonly readySince: number;
  readonly cordoned: boolean;
  /** The order id in our cordon annotation; null when cordoned by somebody else, or not at all. */
  readonly cordonedBy: string | null;
  /** Pods that a drain would still have to evict. */
  readonly podsToEvict: number;
  /** Control-plane nodes: version of each static pod by component (etcd, kube-apiserver, …) and when it last changed. */
  readonly staticPods: Readonly<
    Record<string, { readonly version: string; readonly ready: boolean; readonly since: number }>
  >;
}

/** What the cluster looks like right now. Observed afresh at every pass: nothing is believed because it was once done. */
export interface Observed {
  readonly at: number;
  readonly uid: string;
  /** False while no API server answers; the rest is then the last known picture. */
  readonly reachable: boolean;
  /** Epoch ms since when it is (un)reachable without a break. */
  readonly reachableSince: number;
  readonly nodes: readonly ObservedNode[];
  /** Stacked etcd, as far as it can be seen; null for an external etcd. */
  readonly etcd: { readonly members: number; readonly healthy: number } | null;
}

/** Proof that a backup can be restored. */
export interface Receipt {
  readonly node: string;
  readonly path: string;
  readonly sha256: string;
  readonly revision: number;
  readonly totalKeys: number;
  readonly sizeBytes: number;
  readonly takenAt: number;
  /** `restore`: restored into a scratch etcd and counted; `status`: hash and page check only. */
  readonly verified: 'restore' | 'status';
}

/** The verdict on the phase under judgement, or null while the judge has none for that phase. */
export interface PhaseVerdict {
  readonly phase: string;
  readonly verdict: Verdict;
}
