import type { Reason } from './reason.js';
import type { Receipt } from './receipt.js';

/**
 * The rungs of the rollback ladder (0 is "stop the wave"). What each undoes and loses is in docs/rollback.md;
 * the source is the reference page on Kubernetes upgrades, section 3.14.
 */
export const RUNGS = {
  1: { name: 'revertManifests', dataLoss: 'none', automatic: true },
  2: { name: 'worker', dataLoss: 'none', automatic: true },
  3: { name: 'patch', dataLoss: 'none expected', automatic: false },
  4: { name: 'emulation', dataLoss: 'none', automatic: false },
  5: { name: 'rebuildNode', dataLoss: 'none', automatic: false },
  6: { name: 'etcdRestore', dataLoss: 'every write since the snapshot', automatic: false },
  7: { name: 'veleroRestore', dataLoss: 'every object since the backup', automatic: false },
} as const;
export type Rung = keyof typeof RUNGS;

/** What stands at which version when an attempt ended: component ("apiserver/cp-1", "kubelet/w-3") → version. */
export type Standing = Readonly<Record<string, string>>;

/** One node onto which a prefetch laid the next version: what is there now. Small: one for every node of a cluster. */
export interface FetchedNode {
  readonly node: string;
  readonly version: string;
  /** Folder on the node with the packages. */
  readonly packages: string;
  /** Images of the version that are on the node. */
  readonly images: number;
  /** Free under /var afterwards, in MiB. */
  readonly freeMib: number;
}

/**
 * How a cluster's attempt ended. Terminal per attempt.
 * `rolledBack.extent` names what went back ("workers w-1, w-2") and what stays changed or
 * closed ("control plane 1.35.4"); a node that was never moved is in neither.
 * `lost` is set by the hub alone: started, then silent; it keeps its slot and turns into another outcome if heard of.
 */
export type Outcome =
  | { readonly kind: 'upgraded'; readonly standing: Standing }
  | {
      readonly kind: 'rolledBack';
      readonly rung: Rung;
      readonly extent: { readonly returned: readonly string[]; readonly stays: readonly string[] };
      readonly reason: Reason;
      readonly standing: Standing;
      /** Whether it helped, judged once it was through (`rollback_judged`); absent where nothing could be measured. */
      readonly judged?: Reason;
    }
  | {
      readonly kind: 'halted';
      readonly reason: Reason;
      readonly standing: Standing;
      readonly cordoned: readonly string[];
      /** Of a prefetch that did not reach every node: those that it reached. */
      readonly fetched?: readonly FetchedNode[];
    }
  /**
   * An order of one act (preflight, drain, backup, restore, prefetch) did what it was asked. `cordoned`: nodes that it leaves
   * closed on purpose. Not a word of rollouts, whose orders end in one of the others.
   */
  | {
      readonly kind: 'completed';
      readonly standing: Standing;
      readonly cordoned: readonly string[];
      readonly receipts: readonly Receipt[];
      /** Of a prefetch: every node that it was asked for. */
      readonly fetched?: readonly FetchedNode[];
    }
  | { readonly kind: 'skipped'; readonly reason: Reason }
  | { readonly kind: 'lost'; readonly since: number };

export type OutcomeKind = Outcome['kind'];

/** Failures count against the budget; a skip is a decision and does not. */
export function isFailure(outcome: Outcome): boolean {
  return outcome.kind === 'rolledBack' || outcome.kind === 'halted' || outcome.kind === 'lost';
}
