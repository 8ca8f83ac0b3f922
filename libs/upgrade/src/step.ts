/**
 * One mutating act of the agent inside an order. A step's `name` is derived from what it does and to which node, so
 * that a restarted agent adopts what it finds: steps are idempotent by name.
 */
export type Step =
  | {
      readonly kind: 'preflight';
      readonly name: string;
      readonly target: string;
      /** Of a preflight order: only whether the plan's objectives can be measured. */
      readonly only?: 'objectives';
    }
  /** After the last change: is everything as ordered, and the rest as it was? */
  | { readonly kind: 'validate'; readonly name: string; readonly target: string }
  | {
      readonly kind: 'snapshotEtcd';
      readonly name: string;
      readonly node: string;
      readonly verify: 'status' | 'restore';
      /** Of a backup order: its own name, and how long it stays (0: as the others there). */
      readonly archive?: string;
      readonly ttlMs?: number;
      /** The drill of a backup order: takes none, proves the newest that is stored. */
      readonly prove?: 'latest';
    }
  /** kubeadm upgrade apply on the first control-plane node, upgrade node on the others. */
  | {
      readonly kind: 'upgradeControlPlane';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
      readonly first: boolean;
      /** Two-step upgrade: the minor that the new binaries behave as until the commit. */
      readonly emulate?: string;
    }
  /** Rung 3 (an older patch, by its own kubeadm) and rung 4 (the old binaries, while the new ones only emulated them). */
  | {
      readonly kind: 'rollbackControlPlane';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
      readonly first: boolean;
    }
  /** Rung 6: what a restore of etcd would need, laid on a control-plane host. Changes nothing that runs. */
  | { readonly kind: 'stageRestore'; readonly name: string; readonly node: string; readonly from: string }
  /** Packages and images of `to`, ahead of time. Changes nothing that runs. */
  | {
      readonly kind: 'prefetchNode';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'drainNode'; readonly name: string; readonly node: string; readonly timeoutMs: number }
  | {
      readonly kind: 'upgradeKubelet';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: 'rollbackKubelet';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'uncordonNode'; readonly name: string; readonly node: string }
  /** `name` is the step's, as everywhere; the archive's own name is `archive`. Empty namespaces: all. */
  | {
      readonly kind: 'exportManifests';
      readonly name: string;
      readonly archive: string;
      readonly namespaces: readonly string[];
      readonly selector: string;
      readonly ttlMs: number;
    }
  | {
      readonly kind: 'backupVelero';
      readonly name: string;
      readonly backup: string;
      readonly namespaces: readonly string[];
      readonly selector: string;
      readonly ttlMs: number;
      /** As of `snapshotEtcd`. */
      readonly prove?: 'latest';
    }
  | {
      readonly kind: 'restoreVelero';
      readonly name: string;
      readonly backup: string;
      readonly namespaceMapping: Readonly<Record<string, string>>;
      readonly preview: boolean;
    };
export type StepKind = Step['kind'];
