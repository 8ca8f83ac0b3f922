import type { V1Affinity, V1LabelSelector, V1Toleration } from '@kubernetes/client-node';
import type { Labels } from '@wavegate/fleet';
import type { PodFate } from '../drain/pod-filter.js';

/** Amounts by resource name: cpu in millicores, everything else in its own unit (memory in bytes). */
export type Amounts = Readonly<Record<string, number>>;

export interface NodePicture {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly labels: Labels;
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: string }[];
  readonly kubelet: string;
  /** "containerd://1.7.27" */
  readonly runtime: string;
  readonly osImage: string;
  readonly ready: boolean;
  readonly schedulable: boolean;
  /** Carries our annotation: an order of ours closed it. */
  readonly cordonedByUs: boolean;
  /** Conditions that say "true" where they should not: MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable. */
  readonly pressures: readonly string[];
  readonly allocatable: Amounts;
}

/** What decides where a pod may run; pods of one template share one. */
export interface PodShape {
  readonly requests: Amounts;
  readonly nodeSelector: Labels;
  readonly affinity: V1Affinity | null;
  readonly tolerations: readonly V1Toleration[];
}

export interface PodPicture {
  readonly namespace: string;
  readonly name: string;
  /** '' while it is not bound. */
  readonly node: string;
  readonly phase: string;
  readonly labels: Labels;
  readonly controller: { readonly kind: string; readonly name: string } | null;
  /** "Deployment/web": what a person knows, not the ReplicaSet between; "Pod/x" for a bare pod. */
  readonly workload: string;
  readonly owner: string;
  /** What a drain with the plan's consent does with it, and what it would lose without any. */
  readonly fate: PodFate;
  readonly loss: 'emptyDir' | 'unmanaged' | null;
  readonly ready: boolean;
  readonly restarts: number;
  readonly crashLooping: boolean;
  /** Epoch ms since which it has been terminating; 0 for "is not". Its grace period is counted in. */
  readonly terminatingSince: number;
  readonly finalizers: readonly string[];
  readonly claims: readonly string[];
  readonly shape: PodShape;
  readonly images: readonly string[];
  /** Static pods of the control plane only. */
  readonly component: ComponentPicture | null;
}

/** A component's static pod: what runs there, how it was started, since when. */
export interface ComponentPicture {
  readonly name: string;
  readonly version: string;
  /** "--secure-port" → "6443"; a flag given twice keeps both, comma-separated. */
  readonly flags: Readonly<Record<string, string>>;
  /** Epoch ms; 0 where not known. */
  readonly startedAt: number;
}

export interface BudgetPicture {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly selector: V1LabelSelector | null;
  readonly minAvailable: number | string | null;
  readonly maxUnavailable: number | string | null;
  readonly alwaysAllowUnhealthy: boolean;
  readonly expected: number;
  readonly desired: number;
  readonly healthy: number;
  readonly allowed: number;
  /** The controller has counted the spec as it is now. */
  readonly counted: boolean;
}

export interface WorkloadPicture {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly namespace: string;
  readonly name: string;
  readonly owner: string;
  readonly desired: number;
  readonly ready: number;
}

export interface NamespacePicture {
  readonly name: string;
  readonly labels: Labels;
  readonly terminating: boolean;
}

export interface QuotaPicture {
  readonly namespace: string;
  readonly name: string;
  readonly hard: Readonly<Record<string, string>>;
  readonly used: Readonly<Record<string, string>>;
}

export interface LimitPicture {
  readonly namespace: string;
  readonly name: string;
  /** Least and most per container or pod: "Container min cpu". */
  readonly bounds: readonly { readonly type: string; readonly kind: 'min' | 'max'; readonly resource: string }[];
}

export interface WebhookPicture {
  readonly configuration: string;
  readonly name: string;
  readonly kind: 'validating' | 'mutating';
  readonly failsClosed: boolean;
  /** "ns/name" of its Service; '' where it is called by URL. */
  readonly service: string;
  readonly rules: readonly {
    readonly groups: readonly string[];
    readonly resources: readonly string[];
    readonly operations: readonly string[];
  }[];
  readonly namespaceSelector: V1LabelSelector | null;
  readonly hasConditions: boolean;
}

export interface EndpointPicture {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  /** "ns/name" of the pod; '' for none. */
  readonly pod: string;
}

export interface ApiServicePicture {
  readonly name: string;
  readonly available: boolean;
  readonly message: string;
}

export interface CrdPicture {
  readonly name: string;
  readonly stored: readonly string[];
  readonly versions: readonly {
    readonly name: string;
    readonly served: boolean;
    readonly storage: boolean;
    readonly deprecated: boolean;
  }[];
}

/** A PersistentVolume that can be reached from some nodes only. */
export interface LocalVolumePicture {
  readonly name: string;
  /** "ns/claim" */
  readonly claim: string;
  readonly nodes: readonly string[];
}

export interface ServerPicture {
  /** host:port as dialled. */
  readonly at: string;
  readonly version: string;
  /** Checks of /readyz that fail: "[-]etcd failed: reason withheld". */
  readonly failing: readonly string[];
  readonly certificate: CertificatePicture | null;
}

export interface CertificatePicture {
  /** What it is, for a person: "the API server at 10.0.0.5:6443". */
  readonly of: string;
  /** Epoch ms. */
  readonly until: number;
}

export interface MetricsPicture {
  /** Epoch ms of the API server's start, of the earliest where several were asked: their counters begin there. */
  readonly since: number;
  readonly deprecated: readonly DeprecatedRequest[];
  /** Bytes of etcd's database as the API server last saw it; 0 = not told. */
  readonly etcdBytes: number;
  /** Requests made with a client certificate that ends within a week. */
  readonly shortClientCertificates: number;
}

export interface DeprecatedRequest {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** "1.32"; '' where no removal is announced. */
  readonly removedIn: string;
  /** At all API servers together. */
  readonly requests: number;
  /** The servers that count it, each since its own start. */
  readonly at: readonly { readonly server: string; readonly since: number; readonly requests: number }[];
}

/** Who last wrote objects by a deprecated version, by managedFields. */
export interface OldWriter {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly objects: number;
  readonly example: string;
  readonly managers: readonly string[];
}

export interface KubeadmPicture {
  /** The ClusterConfiguration as it was read; null where the ConfigMap is missing or no YAML. */
  readonly configuration: KubeadmConfiguration | null;
  /** Of the ConfigMap kubelet-config: all of it, its feature gates, and what touches the upgrade. */
  readonly kubelet: {
    readonly config: Readonly<Record<string, unknown>>;
    readonly featureGates: Readonly<Record<string, unknown>>;
    readonly failCgroupV1: boolean | null;
  } | null;
  readonly proxyFeatureGates: Readonly<Record<string, unknown>>;
}

export interface KubeadmConfiguration {
  readonly apiVersion: string;
  readonly featureGates: Readonly<Record<string, unknown>>;
  /** Component → flag → value, as they will be rendered. */
  readonly extraArgs: Readonly<
    Record<'apiServer' | 'controllerManager' | 'scheduler' | 'etcd', Readonly<Record<string, string>>>
  >;
  readonly externalEtcd: boolean;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly dnsDomain: string;
  readonly clusterName: string;
  readonly certificatesDir: string;
}

export interface VeleroPicture {
  readonly installed: boolean;
  readonly locations: readonly { readonly name: string; readonly phase: string; readonly isDefault: boolean }[];
  readonly backups: readonly {
    readonly name: string;
    readonly phase: string;
    /** Epoch ms; 0 = not ended. */
    readonly endedAt: number;
    readonly errors: number;
  }[];
  /** `problem`: why Velero refuses it; '' where it does not. */
  readonly schedules: readonly { readonly name: string; readonly paused: boolean; readonly problem: string }[];
}

/** What the cluster's DNS said when it was asked. */
export interface DnsPicture {
  readonly server: string;
  /** "kubernetes.default.svc.cluster.local" */
  readonly name: string;
  /** `none`: nobody answered; `wrong`: an answer, but not that it knows the name. */
  readonly answer: 'known' | 'none' | 'wrong';
  /** The resolver's word where it is not known: "ETIMEOUT", "ENOTFOUND". */
  readonly why: string;
}

/** What the API server would say to our node Job; '' where it would take it. */
export interface NodeJobPicture {
  readonly namespaceThere: boolean;
  readonly refusal: string;
}

/** Something that could not be read, in words: an honest check says so instead of saying nothing. */
export interface Gap {
  readonly part: PartName;
  /** HTTP status; 0 = no answer. */
  readonly code: number;
  readonly why: string;
  /** The rest of the part was read: what was seen still counts. */
  readonly partial: boolean;
}

export const PARTS = [
  ...([
    'version',
    'readyz',
    'servers',
    'metrics',
    'nodes',
    'pods',
    'budgets',
    'workloads',
    'namespaces',
    'quotas',
  ] as const),
  ...(['limits', 'webhooks', 'endpoints', 'apiServices', 'crds', 'volumes', 'kubeadm', 'velero', 'nodeJob'] as const),
  ...(['csiDrivers', 'writers'] as const),
] as const;
export type PartName = (typeof PARTS)[number];

/** Without these no honest word about the cluster is possible. */
export const ESSENTIAL: readonly PartName[] = ['version', 'nodes', 'pods', 'budgets'];

/** One cluster at one moment, in compact facts: every check reads from here and nothing else. */
export interface ClusterPicture {
  /** Epoch ms, by our clock. */
  readonly at: number;
  readonly version: string;
  readonly clock: { readonly aheadMs: number; readonly withinMs: number } | null;
  readonly servers: readonly ServerPicture[];
  readonly certificates: readonly CertificatePicture[];
  readonly authorities: readonly CertificatePicture[];
  readonly metrics: MetricsPicture;
  readonly nodes: readonly NodePicture[];
  readonly pods: readonly PodPicture[];
  readonly budgets: readonly BudgetPicture[];
  readonly workloads: readonly WorkloadPicture[];
  readonly namespaces: readonly NamespacePicture[];
  readonly quotas: readonly QuotaPicture[];
  readonly limits: readonly LimitPicture[];
  readonly webhooks: readonly WebhookPicture[];
  /** Of the Services that matter here, by "ns/name"; without an entry there is no such Service. */
  readonly endpoints: ReadonlyMap<string, readonly EndpointPicture[]>;
  readonly apiServices: readonly ApiServicePicture[];
  readonly crds: readonly CrdPicture[];
  readonly volumes: readonly LocalVolumePicture[];
  readonly kubeadm: KubeadmPicture;
  readonly velero: VeleroPicture;
  readonly nodeJob: NodeJobPicture;
  /** Null: not asked. */
  readonly dns: DnsPicture | null;
  readonly csiDrivers: readonly string[];
  readonly writers: readonly OldWriter[];
  readonly gaps: readonly Gap[];
}
