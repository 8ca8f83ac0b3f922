import type { StepKind } from '@wavegate/upgrade';
import { ETCD_VERSION } from './cluster-spec.js';
import type { ClusterSpec, FaultPlan } from './cluster-spec.js';
import { SeededRandom } from './seeded-random.js';

export interface PodState {
  readonly name: string;
  readonly namespace: string;
  readonly owner: string;
  /** The PDB that covers it; null where none does. */
  readonly pdb: string | null;
}

export interface StaticPodState {
  version: string;
  ready: boolean;
  since: number;
}

export interface NodeState {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly zone: string;
  kubelet: string;
  ready: boolean;
  readySince: number;
  cordoned: boolean;
  cordonedBy: string | null;
  pods: PodState[];
  staticPods: Record<string, StaticPodState>;
}

/** A node's program (kubeadm, etcdctl): once started it runs to its end, whether an agent looks or not. */
export interface JobState {
  readonly key: string;
  readonly orderId: string;
  readonly kind: StepKind;
  readonly node: string;
  readonly from: string;
  readonly to: string;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly result: 'succeeds' | 'fails' | 'reverts' | 'exitsZeroUnchanged';
  ended: boolean;
}

/** What will happen by itself at `at`. */
export interface Transition {
  readonly at: number;
  readonly kind: 'jobEnds' | 'nodeReady' | 'staticPodsRestart' | 'apiDown' | 'apiUp';
  /** A job's key for `jobEnds`, a node's name otherwise. */
  readonly of: string;
}

/** One real effect on the cluster, recorded once: the history that the invariants are checked against. */
export interface Effect {
  readonly at: number;
  readonly orderId: string;
  readonly epoch: number;
  readonly step: string;
  readonly node: string;
  readonly effect: 'cordon' | 'evict' | 'jobStarted' | 'jobEnded' | 'uncordon';
  /** The evicted pod; a job's kind and, at its end, its result. */
  readonly detail: string;
}

/** Everything about a simulated cluster that outlives its agent: plain JSON. */
export interface ClusterState {
  schema: 1;
  /** Bumped by each change that facts would show. */
  revision: number;
  nodes: NodeState[];
  jobs: Record<string, JobState>;
  transitions: Transition[];
  effects: Effect[];
  /** When a drain of this step began, and when a blocked pod first refused. */
  drains: Record<string, number>;
  blockedSince: Record<string, number>;
  /** What goes wrong here: the spec's, and what `inflict` added. */
  faults: FaultPlan;
  /** How often a fault has struck. */
  strikes: Record<string, number>;
  apiDown: { from: number; until: number | null }[];
  reachableSince: number;
  burns: { from: number; until: number | null }[];
  etcdRevision: number;
}

const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const;

/** The cluster before anything was done to it; healthy for a day. */
export function firstState(spec: ClusterSpec, at: number): ClusterState {
  const since = at - 86_400_000;
  const nodes = [
    ...Array.from({ length: spec.controlPlanes }, (_, i) => controlPlaneNode(spec, i, since)),
    ...Array.from({ length: spec.workers }, (_, i) => workerNode(spec, i, since)),
  ];
  return {
    schema: 1,
    revision: 1,
    nodes,
    jobs: {},
    transitions: [],
    effects: [],
    drains: {},
    blockedSince: {},
    faults: spec.faults,
    strikes: {},
    apiDown: [],
    reachableSince: since,
    burns: [],
    etcdRevision: new SeededRandom(`${spec.seed}/${spec.name}/etcd`).int(10_000, 900_000),
  };
}

function zoneOf(spec: ClusterSpec, index: number): string {
  return spec.zones[index % spec.zones.length] ?? '';
}

function controlPlaneNode(spec: ClusterSpec, index: number, since: number): NodeState {
  const staticPods: Record<string, StaticPodState> = {};
  for (const component of COMPONENTS) {
    staticPods[component] = {
      version: component === 'etcd' ? ETCD_VERSION : spec.version,
      ready: true,
      since,
    };
  }
  return { ...node(`cp-${index + 1}`, 'controlPlane', zoneOf(spec, index), spec.version, since), staticPods };
}

function workerNode(spec: ClusterSpec, index: number, since: number): NodeState {
  const name = `w-${index + 1}`;
  const pods = Array.from({ length: spec.podsPerWorker }, (_, i) => ({
    name: `app-${index + 1}-${i + 1}`,
    namespace: i % 3 === 0 ? 'payments' : 'shop',
    owner: i % 3 === 0 ? 'team-ledger' : 'team-shop',
    pdb: i % 2 === 0 ? `app-${index + 1}` : null,
  }));
  return { ...node(name, 'worker', zoneOf(spec, index), spec.version, since), pods };
}

// eslint-disable-next-line wavegate/parameters -- the five facts of a new node
function node(name: string, role: NodeState['role'], zone: string, kubelet: string, since: number): NodeState {
  return {
    name,
    role,
    zone,
    kubelet,
    ready: true,
    readySince: since,
    cordoned: false,
    cordonedBy: null,
    pods: [],
    staticPods: {},
  };
}
