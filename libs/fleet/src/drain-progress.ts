/**
 * Where every pod of a node under drain stands, as the screens and `explain` show it: counts of all, names of those
 * that keep the drain waiting. Lossy by design, like the progress it is part of.
 */
export interface DrainProgress {
  readonly node: string;
  readonly counts: DrainCounts;
  /** Longest waiting first, kept ones last; at most `DRAIN_WAITS_SHOWN`, the counts say how many there are in all. */
  readonly waits: readonly DrainWait[];
}

export interface DrainCounts {
  /** Stay by the rules of `kubectl drain`: DaemonSets, mirror pods, finished ones that nobody waits for. */
  readonly kept: number;
  /** Not asked for yet: their turn by priority or pace has not come. */
  readonly queued: number;
  readonly evicting: number;
  readonly blocked: number;
  readonly terminating: number;
  readonly gone: number;
}

/** One pod that the drain waits for, or that came to the closed node and is kept there (`kept`). */
export interface DrainWait {
  /** "namespace/name". */
  readonly pod: string;
  readonly state: 'blocked' | 'terminating' | 'evicting' | 'kept';
  /** "namespace/name" of the PodDisruptionBudget that refuses; '' where none does. */
  readonly pdb: string;
  /** The budget's own numbers, or the finalizers: "0 disruptions allowed, 3 of 3 wanted are healthy". */
  readonly detail: string;
  /** The owning workload, "Deployment shop/cart"; '' without one. */
  readonly owner: string;
  /** Epoch ms since when it stands so. */
  readonly since: number;
}

/** A screen and a 1 MiB message have an end: so many waits are named. */
export const DRAIN_WAITS_SHOWN = 20;
