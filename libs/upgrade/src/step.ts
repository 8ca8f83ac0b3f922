/**
 * One mutating act of the agent inside an order. A step's `name` is derived from what it does and to which node, so
 * that a restarted agent adopts what it finds: steps are idempotent by name.
 */
export type Step =
  | { readonly kind: 'preflight'; readonly name: string; readonly target: string }
  | {
      readonly kind: 'snapshotEtcd';
      readonly name: string;
      readonly node: string;
      readonly verify: 'status' | 'restore';
    }
  /** kubeadm upgrade apply on the first control-plane node, upgrade node on the others. */
  | {
      readonly kind: 'upgradeControlPlane';
      readonly name: string;
      readonly node: string;
      readonly from: string;
      readonly to: string;
      readonly first: boolean;
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
  | { readonly kind: 'uncordonNode'; readonly name: string; readonly node: string };
export type StepKind = Step['kind'];
