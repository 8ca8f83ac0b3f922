/** How a kind of cluster is upgraded. `none`: seen, but Wavegate has no way to upgrade it. */
export type DriverName = 'kubeadm' | 'simulated' | 'none';

export interface NodeFacts {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  /** kubelet version without the leading v. */
  readonly kubelet: string;
  readonly ready: boolean;
  readonly schedulable: boolean;
  readonly zone: string;
  /** Tells a node from one that took its name; absent in facts of older agents. */
  readonly uid?: string;
  /** The control plane's taint keeps ordinary pods out; absent where it does not, and in facts of older agents. */
  readonly reserved?: true;
}

/**
 * What an agent reports about its cluster. Facts belong to the agent; labels belong to the hub
 * (labels decide scope, and an agent must not be able to choose its own).
 */
export interface ClusterFacts {
  readonly schema: 1;
  /** UID of the kube-system namespace: names the cluster for good, and unmasks clones and restores. */
  readonly uid: string;
  readonly driver: DriverName;
  /** Version of every API server seen, without the leading v; several while an HA plane is mixed. */
  readonly apiServers: readonly string[];
  readonly nodes: readonly NodeFacts[];
  readonly pdbCount: number;
  readonly provider: string;
  readonly observedAt: number;
}

export type Labels = Readonly<Record<string, string>>;

/** A cluster as planning sees it: identity, the hub's labels, the agent's facts (null until the first report). */
export interface Cluster {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly facts: ClusterFacts | null;
  readonly connected: boolean;
}
