import type { Labels } from '@wavegate/fleet';
import type { StepKind } from '@wavegate/upgrade';

/** The phase after which a cluster's users begin to be hurt by the new version. */
export type BurnTrigger = 'nodeCanary' | 'controlPlane' | 'workers';

/**
 * What goes wrong in a simulated cluster. Everything else goes well. Nodes are named as the cluster names them
 * ("cp-1", "w-2"); a node left out means whichever comes first.
 */
export interface FaultPlan {
  /** This step fails on this node, so many times, then succeeds. */
  readonly failAt?: { readonly step: StepKind; readonly node?: string; readonly times: number };
  /** kubeadm gives up and takes itself back: it says so, and the node's version is the old one. */
  readonly kubeadmReverts?: { readonly node?: string; readonly times: number };
  /** The program ends with 0 and the version is the old one: its exit code must not be believed. */
  readonly exitsZeroUnchanged?: { readonly node?: string; readonly times: number };
  /** A pod on the node cannot be evicted for so long from the first try (null: for good). */
  readonly drainBlocked?: { readonly node?: string; readonly forMs: number | null };
  /** Users are hurt once the trigger is reached, for as long as nodes run the new version. */
  readonly sloBurnsAfter?: BurnTrigger;
  /** The metrics source has no samples. */
  readonly noMetrics?: boolean;
  /** Preflight finds something that blocks, so many times. */
  readonly preflightBlocks?: { readonly times: number };
  /** No query of the plan's objectives can be judged, so many looks long. */
  readonly objectivesRefused?: { readonly times: number };
  /** The validation after an upgrade finds pods that do not come back, so many looks long. */
  readonly validationBlocks?: { readonly times: number };
  /** The agent falls silent right after the effect of its nth changing act. The host of the agent carries it out. */
  readonly agentVanishesAfter?: { readonly effects: number };
}

/** What a simulated cluster is made of. Everything that happens in it follows from this, the seed and the steps. */
export interface ClusterSpec {
  readonly seed: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly version: string;
  /** 1 or 3: one means about two minutes without API during its upgrade. */
  readonly controlPlanes: 1 | 3;
  readonly workers: number;
  readonly zones: readonly string[];
  readonly podsPerWorker: number;
  readonly provider: string;
  /** Requests per minute that its service levels count, at speed 1. */
  readonly traffic: number;
  /** How much faster than life: 60 makes a minute's work take a second. */
  readonly speed: number;
  readonly faults: FaultPlan;
}

/** How long acts take at speed 1, each varied by ±30 %. Figures: real-components.md and kubernetes-upgrades.md. */
export const DURATIONS_MS = {
  preflight: 8_000,
  snapshotEtcd: 25_000,
  upgradeControlPlane: 150_000,
  upgradeKubelet: 50_000,
  prefetchNode: 40_000,
  rollbackKubelet: 50_000,
  eviction: 1_500,
  /** A kubelet's restart until its node is Ready. */
  nodeReady: 12_000,
  /** A new kubelet restarts its static pods this long after Ready: why a control-plane node has to settle. */
  staticPodsRestart: 9_000,
} as const;

/** Of a control-plane node's upgrade, the part after which its API server is down until the end. */
export const API_DOWN_FROM = 0.25;

/** etcd's own version does not move with Kubernetes patch releases. */
export const ETCD_VERSION = '3.6.6';
