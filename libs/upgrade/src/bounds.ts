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
export const NODE_STEP_BOUND_MS = 30 * 60_000;
/** Beyond what a node's Job may take by the plan's limits: its pod must start, and its end be seen. */
export const NODE_STEP_GRACE_MS = 10 * 60_000;
export const SNAPSHOT_BOUND_MS = 60 * 60_000;
/** Every object of a large cluster, page by page, or the bytes of its volumes: the engine's net, not a usual time. */
export const EXPORT_BOUND_MS = 2 * 60 * 60_000;
export const VELERO_BOUND_MS = 8 * 60 * 60_000;
/** So many nodes fetch side by side: a mirror and a registry serve them all. */
export const PREFETCH_AT_ONCE = 10;
export const PREFLIGHT_BOUND_MS = 15 * 60_000;
/** Where all that blocks may pass by itself, preflight looks again after so long … */
export const PREFLIGHT_AGAIN_MS = 30_000;
/** … and so often in all. */
export const PREFLIGHT_LOOKS = 3;
/** A drain that timed out under `onTimeout: pause` is tried again after this: a person may have cleared what blocked it. */
export const DRAIN_AGAIN_MS = 60_000;

/** Pods that a drain moved need time to be ready elsewhere: so long after the last change it is looked again … */
export const VALIDATION_BOUND_MS = 10 * 60_000;
/** … and so often. */
export const VALIDATE_AGAIN_MS = 60_000;

/** A step that failed is run this often in all, where running it again can help. */
export const STEP_RUNS = 2;
/** A step whose host lost its power, or whose pod was evicted, is begun so often in a row: it says nothing against the step. */
export const INTERRUPTED_RUNS = 3;
/** Snapshots that succeed and still do not satisfy the plan (aged, not verified enough). */
export const SNAPSHOT_RUNS = 3;
