import type { Verdict } from '@wavegate/fleet';

export type { Receipt } from '@wavegate/fleet';

/** One node as it stands now. */
export interface ObservedNode {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly zone: string;
  /** Tells a node from one that took its name; absent where the observer does not say. */
  readonly uid?: string;
  /** Of the node; pools and canaries are told by them. Absent where the observer does not say. */
  readonly labels?: Readonly<Record<string, string>>;
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
    Record<
      string,
      {
        readonly version: string;
        readonly ready: boolean;
        readonly since: number;
        /** The minor that it emulates; absent: its own. */
        readonly emulates?: string;
      }
    >
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
  /**
   * Epoch ms since when what is watched beside nodes and pods has been good without a break: the nodes' leases, our own
   * requests to the API server. Null while it is not; absent where nobody watches.
   */
  readonly steadySince?: number | null;
  /** Stacked etcd, as far as it can be seen; null for an external etcd. */
  readonly etcd: { readonly members: number; readonly healthy: number } | null;
}

/** The verdict on the phase under judgement, or null while the judge has none for that phase. */
export interface PhaseVerdict {
  readonly phase: string;
  readonly verdict: Verdict;
}
