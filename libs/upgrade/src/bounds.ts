/**
 * How long the engine waits for the world, in milliseconds, before it says that something is wrong. A wait without a
 * bound is a silent one; all of them end at the order's deadline at the latest.
 */

/** How long things must have been good in a row. A new kubelet restarts static pods some 12 s after it said Ready. */
export const SETTLE_MS = 30_000;
/** How long a control-plane node may take to settle after its step, and the API to come back. */
export const SETTLE_BOUND_MS = 15 * 60_000;
/** How long a node may take to be Ready at its new version after its kubelet step. */
export const NODE_READY_BOUND_MS = 10 * 60_000;
/** Caches of the observer may lag behind an effect by this much: evidence younger than it is not contradicted. */
export const OBSERVATION_LAG_MS = 10_000;
/** kubeadm waits up to five minutes for each of four components. */
export const CONTROL_PLANE_STEP_BOUND_MS = 30 * 60_000;
export const NODE_STEP_BOUND_MS = 30 * 60_000;
export const SNAPSHOT_BOUND_MS = 60 * 60_000;
export const PREFLIGHT_BOUND_MS = 15 * 60_000;
/** Beyond the drain's own timeout: its cordon, and the answer. */
export const DRAIN_SLACK_MS = 5 * 60_000;

/** A step that failed is run this often in all, where running it again can help. */
export const STEP_RUNS = 2;
/** Snapshots that succeed and still do not satisfy the plan (aged, not verified enough). */
export const SNAPSHOT_RUNS = 3;
